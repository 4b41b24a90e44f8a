"""Measure rows side by side, and keep the file of results up to date after each."""

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rows import Row, Side
from side_by_side import CannotMeasure, Worker, disagreement, figures, measure, worker


@dataclass(frozen=True)
class Settings:
    """How everything is measured: the interpreter of the peers, threads, repetitions, and seconds a row may take."""

    peers: str
    threads: int
    repetitions: int
    longest: float = 30.0


def measured(row: Row, settings: Settings) -> tuple[dict, dict[str, str]]:
    """A row of the result, and the versions of what was run; a row that cannot be measured says why."""
    result = {"name": row.name, "work": row.work, "about": row.about}
    versions: dict[str, str] = {}
    try:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            data = Path(folder) / "problem.npz"
            np.savez(data, **row.problem())
            # the other first: where it is missing, nothing of ours is compiled in vain
            sides = ((row.other, row.cpus[1]), (row.ours, row.cpus[0]))
            other, ours = (stack.enter_context(started(side, data, settings, cpus)) for side, cpus in sides)
            result |= _compared(row, {"ours": ours, "other": other}, Path(folder), settings, versions)
    except CannotMeasure as reason:
        result["skipped"] = str(reason)
    return result, versions


def started(side: Side, data: Path, settings: Settings, cpus: int | None = None) -> AbstractContextManager[Worker]:
    """The worker of a side, on so many CPUs."""
    threads = cpus or settings.threads
    return worker(
        settings.peers if side.peer else sys.executable,
        side.script,
        data,
        threads=threads,
        cpus=threads,
        devices=side.devices or threads,
        options=side.options,
    )


def _compared(
    row: Row, workers: dict[str, Worker], folder: Path, settings: Settings, versions: dict[str, str]
) -> dict[str, object]:
    notes = {}
    for name in reversed(workers):
        told = workers[name].ask("describe")
        versions |= told["versions"]
        notes[name] = told["notes"]
    found: dict[str, object] = {"notes": notes}
    if row.tolerance is not None:
        found["disagreement"] = disagreement(workers, folder, row.tolerance)
    seconds = measure(workers, row.work, settings.repetitions, settings.longest)
    ours, other = figures("ours", seconds["ours"]), figures("other", seconds["other"])
    ratio = other["other_s"] / ours["ours_s"]
    memory = {name: one.ask("memory") for name, one in workers.items()}
    return {**ours, **other, "ratio": ratio, "repetitions": len(seconds["ours"]), "memory": memory, **found}


def run(rows: Sequence[Row], settings: Settings, result: dict, file: Path | None, tell: Callable[[dict], None]) -> None:
    """Measure all rows into `result`; write the file and `tell` after each."""
    for row in rows:
        found, versions = measured(row, settings)
        result["versions"] |= versions
        result["rows"].append(found)
        tell(found)
        write(file, result)


def write(file: Path | None, result: dict) -> None:
    """Replace the file as a whole: an interruption leaves what it was before."""
    if file is not None:
        part = file.with_name(file.name + ".part")
        part.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(part, file)


def empty(settings: Settings, machine: dict[str, object]) -> dict:
    """A result without rows."""
    about = {"threads": settings.threads, "repetitions": settings.repetitions}
    return {"machine": machine, "versions": {"python": platform.python_version()}, **about, "rows": []}
