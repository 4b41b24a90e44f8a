"""Growth curves: time and memory of dgeo's HBV against the size of the problem, one axis at a time."""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import problems
from rows import LEANEST, Side
from run import Settings, started, write
from side_by_side import CannotMeasure

USUAL = {"days": 730, "basins": 100, "components": 16}
AXES: dict[str, tuple[int, ...]] = {
    "basins": (10, 30, 100, 300, 1000, 3000, 10_000),
    "days": (73, 365, 730, 3650, 10_950),
    "components": (1, 2, 4, 16, 64),
    "dynamic parameters": (0, 1, 3, 6, 12),
    "devices": (1, 2, 4, 8, 16),
}
WORKS = ("forward", "gradient")


def points(threads: int) -> Iterator[tuple[str, int, dict[str, int], Side, int]]:
    """Axis, value, problem, who computes it, and on how many CPUs."""
    for axis, values in AXES.items():
        for value in values:
            if axis == "devices":
                if value <= threads:
                    yield axis, value, USUAL, Side(LEANEST, devices=value), value
            elif axis in USUAL:
                # basins are spread over devices evenly, which all these numbers allow on 1, 2, 5 and 10
                yield axis, value, {**USUAL, axis: value}, Side(LEANEST), threads
            else:
                yield axis, value, USUAL, Side(LEANEST, {"dynamic": value}), threads


def grow(settings: Settings, result: dict, file: Path | None, tell: Callable[[str], None]) -> None:
    """Measure all points into `result["growth"]`; write the file after each, and the picture beside it at the end."""
    result["growth"] = []
    for axis, value, size, side, cpus in points(settings.threads):
        point = {"axis": axis, "value": value, **measured(size, side, cpus, settings)}
        result["growth"].append(point)
        tell("   ".join(f"{name} {told}" for name, told in point.items()))
        write(file, result)
    if file is not None:
        draw(result["growth"], file.with_suffix(".png"))


def measured(size: dict[str, int], side: Side, cpus: int, settings: Settings) -> dict[str, object]:
    """Seconds of a forward run and of one with its gradient, and the peak memory of a process that does both."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "problem.npz"
            np.savez(data, **problems.hbv(**size))
            with started(side, data, settings, cpus) as one:
                ask = partial(_seconds, one.ask)
                return {f"{work}_s": ask(work) for work in WORKS} | one.ask("memory")
    except CannotMeasure as reason:
        return {"skipped": str(reason)}


def _seconds(ask: Callable[[str], dict], work: str) -> float:
    ask(work)  # compiles
    return statistics.median(ask(work)["seconds"])


def draw(growth: list[dict], file: Path) -> None:
    """One column an axis: seconds above, memory below, on logarithmic scales but where a value is 0."""
    mpl.use("agg")
    axes = [axis for axis in AXES if any(p["axis"] == axis and "skipped" not in p for p in growth)]
    figure, panels = plt.subplots(2, len(axes), figsize=(3 * len(axes), 5), squeeze=False, layout="constrained")
    for column, axis in enumerate(axes):
        found = [p for p in growth if p["axis"] == axis and "skipped" not in p]
        values = [p["value"] for p in found]
        for work in WORKS:
            panels[0, column].plot(values, [p[f"{work}_s"] for p in found], "o-", label=work)
        panels[1, column].plot(values, [p["peak_mb"] for p in found], "o-", color="0.3", label="peak of the process")
        panels[1, column].plot(values, [p["idle_mb"] for p in found], ":", color="0.3", label="before the first run")
        panels[1, column].set_xlabel(axis)
        for panel in panels[:, column]:
            panel.set_yscale("log")
            panel.set_xscale("linear" if 0 in values else "log")
    for panel, title in zip(panels[:, 0], ("time [s]", "memory [MB]"), strict=True):
        panel.set_ylabel(title)
        panel.legend(frameon=False, fontsize="small")
    figure.savefig(file, dpi=120)
    plt.close(figure)
