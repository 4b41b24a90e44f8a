"""Implementations side by side: each in a process of its own, measured in turn, compared row by row."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

WORKERS = Path(__file__).parent / "workers"
PAUSE = 0.3  # [s] before each measurement, in which idle threads of the one before stop spinning
QUIET = 0.5  # load average above which times mean little
UNITS = ("_s", "_mb", "")

Seconds = dict[tuple[str, str], list[float]]  # {(implementation, work): one median a repetition}


class Worker:
    """One implementation in its own process, asked by lines of JSON (`workers/protocol.py`)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, do: str, **details: str) -> dict:
        """The worker's answer; when it has none, its own message is on standard error."""
        try:
            print(json.dumps({"do": do, **details}), file=self.process.stdin, flush=True)
            return json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            raise SystemExit(f"{self.process.args[1]} failed at {do!r}; its own message stands above.") from None


@contextmanager
def worker(
    python: str, script: str, data: Path, threads: int, *, flush: bool = True, devices: int = 1
) -> Iterator[Worker]:
    """Start a worker; end it on leaving. `flush` is for torch, `devices` for JAX."""
    # OMP and MKL are torch's threads, NPROC is XLA's
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"), str(threads))
    options = {"FLUSH_DENORMALS": str(int(flush)), "JAX_NUM_CPU_DEVICES": str(devices), "JAX_PLATFORMS": "cpu"}
    process = subprocess.Popen(
        [python, str(WORKERS / script), str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **limits, **options},
    )
    try:
        yield Worker(process)
    finally:
        process.kill()
        process.wait()


def limit_cpus(threads: int) -> None:
    """Keep this process and its children, whatever their libraries assume, on `threads` CPUs."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def machine() -> dict[str, object]:
    """Processor, CPUs, system, and how busy it is before the run."""
    load = os.getloadavg()[0]
    if load > QUIET:
        print(f"The load average is {load:.1f}: these times are not fit to be quoted.", file=sys.stderr)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor()
    return {"processor": processor, "cpus": os.cpu_count(), "system": platform.platform(), "load_before": load}


def measure(workers: Mapping[str, Worker], work: Sequence[str], repetitions: int) -> Seconds:
    """Seconds a call; who comes first alternates. Everything is called once before, which compiles it."""
    for one in workers.values():
        for task in work:
            one.ask(task)
    seconds: Seconds = {(name, task): [] for name in workers for task in work}
    for repetition in range(repetitions):
        names = list(workers) if repetition % 2 == 0 else list(reversed(workers))
        for task in work:
            for name in names:
                time.sleep(PAUSE)
                seconds[name, task].append(statistics.median(workers[name].ask(task)["seconds"]))
    return seconds


def figures(side: str, unit: str, values: Sequence[float]) -> dict[str, object]:
    """{side + unit: median, side_range + unit: [smallest, largest]}."""
    return {f"{side}{unit}": statistics.median(values), f"{side}_range{unit}": [min(values), max(values)]}


def compared(name: str, unit: str, ours: Sequence[float], other: Sequence[float] | None, skipped: str) -> dict:
    """One row, with `ratio` = other / ours, or with why there is none."""
    row = {"name": name, **figures("ours", unit, ours)}
    if other is None:
        return {**row, f"other{unit}": None, "ratio": None, "skipped": skipped}
    row |= figures("other", unit, other)
    return {**row, "ratio": row[f"other{unit}"] / row[f"ours{unit}"]}


def show(peer: str, title: str, result: dict) -> None:
    """The rows as a table, then what the figures rest on."""
    table = Table("", "dgeo", peer, f"{peer} / dgeo", title=title)
    for row in result["rows"]:
        unit = next(unit for unit in UNITS if f"ours{unit}" in row)
        ratio = f"{row['ratio']:.2f}" if row["ratio"] else f"skipped: {row['skipped']}"
        table.add_row(row["name"], *(_written(row, side, unit) for side in ("ours", "other")), ratio)
    console = Console()
    console.print(table)
    console.print_json(data={key: value for key, value in result.items() if key != "rows"})


def _written(row: dict, side: str, unit: str) -> str:
    value, extremes = row[f"{side}{unit}"], row.get(f"{side}_range{unit}", [None, None])
    if value is None:
        return "–"
    span = f" ({extremes[0]:.3g}–{extremes[1]:.3g})" if extremes[0] != extremes[1] else ""
    return f"{value:.3g}{span} {unit[1:].replace('mb', 'MB')}".strip()
