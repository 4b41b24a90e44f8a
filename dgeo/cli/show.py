"""What the commands show: a progress bar, and tables of scores."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

SHOWN = ("nse", "kge", "log_nse", "rmse", "bias", "fhv", "flv", "fms", "baseflow_index_error", "peak_timing")
console = Console()


class bar:
    """A progress bar with loss, validation score, speed and time left, fed by the training loop.

    Where there are `several` runs, each has bars of its own, which go when they are done unless they are to `stay`.
    """

    def __init__(self, *, several: bool = False, stay: bool = True) -> None:
        self.several, self.stay = several, stay

    def __enter__(self) -> Callable[[dict[str, Any]], None]:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self.tasks: dict[str, Any] = {}
        self.scores: dict[str, float] = {}
        self.progress.start()
        return self.watch

    def watch(self, row: dict[str, Any]) -> None:
        """Move the bar of the row's run, phase and seed."""
        run = f"{row['run']}: " if self.several else ""
        name = f"{run}{row['phase']}, seed {row['seed']}"
        if name not in self.tasks:
            self.tasks[name] = self.progress.add_task(escape(name), total=row["steps"], numbers="")
        if row["validation"] is not None:
            self.scores[name] = row["validation"]
        validation = f" validation NSE {self.scores[name]:.3f}" if name in self.scores else ""
        numbers = f"loss {number(row['loss'])}{validation} {1000 * row['seconds'] / row['step']:.0f} ms/step"
        self.progress.update(self.tasks[name], completed=row["step"], numbers=numbers)
        if not self.stay and row["step"] >= row["steps"]:
            self.progress.remove_task(self.tasks.pop(name))

    def __exit__(self, *_: object) -> None:
        self.progress.stop()


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar that is told how many are done, and of how many."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def number(value: object, digits: int = 3) -> str:
    """A dash where a score is not finite, which JSON writes as null, or is no number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        return "–"
    return f"{float(value):.{digits}f}"


def print_scores(metrics: dict[str, Any], title: str) -> None:
    """The median, interval, mean and failures of each score."""
    table = Table("score", "median", "95 % interval", "mean", "basins", "failures", title=title)
    test = metrics.get("test")
    for name in SHOWN:
        row = test.get(name) if isinstance(test, dict) else None
        if isinstance(row, dict):
            limits = row.get("interval")
            interval = " … ".join(number(limit) for limit in limits) if isinstance(limits, list | tuple) else "–"
            counts = (number(row.get(key), 0) for key in ("n", "failures"))
            table.add_row(name, number(row.get("median")), interval, number(row.get("mean")), *counts)
    console.print(table)


def print_hidden(hidden: dict[str, Any]) -> None:
    """How well what was never shown is simulated, beside an untrained model."""
    table = Table(
        "never shown to the model",
        "anomaly correlation",
        "untrained",
        "NSE",
        "untrained",
        title="Hidden variables",
    )
    for name, row in hidden.items():
        before = row["untrained"]
        numbers = (row["anomaly_correlation"], before["anomaly_correlation"], row["nse"], before["nse"])
        table.add_row(name.replace("_", " "), *(number(value, 2) for value in numbers))
    console.print(table)
