"""Implementations side by side: each in a process of its own, measured in turn."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

WORKERS = Path(__file__).parent / "workers"
PAUSE = 0.3  # [s] before each measurement, in which idle threads of the one before stop spinning
QUIET = 0.5  # load average above which times mean little
FEWEST = 3  # repetitions, however long they take


class CannotMeasure(Exception):
    """Why a row has no figures."""


class Worker:
    """One implementation in its own process, asked by lines of JSON (`workers/protocol.py`)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, do: str, **details: str) -> dict:
        """The worker's answer; raises `CannotMeasure` where it has none."""
        script = Path(self.process.args[1]).name
        try:
            print(json.dumps({"do": do, **details}), file=self.process.stdin, flush=True)
            answer = json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            raise CannotMeasure(f"{script} ended with exit code {self.process.wait()} at {do!r}") from None
        if "error" in answer:
            raise CannotMeasure(f"{script}: {answer['error']}")
        return answer


@contextmanager
def worker(
    python: str, script: str, data: Path, *, threads: int, cpus: int, devices: int, options: Mapping[str, Any]
) -> Iterator[Worker]:
    """Start a worker on so many CPUs; end it on leaving. `devices` is for JAX, `options` for the worker."""
    # OMP and MKL are torch's threads, NPROC is XLA's
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"), str(threads))
    environment = {**os.environ, **limits, "JAX_NUM_CPU_DEVICES": str(devices)}
    if not options.get("gpu"):
        environment["JAX_PLATFORMS"] = "cpu"
    with limited_cpus(cpus):  # inherited, whatever the libraries of the worker assume
        process = subprocess.Popen(
            [python, str(WORKERS / script), str(data), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
    try:
        yield Worker(process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        with suppress(BrokenPipeError):  # of a question that it did not live to read
            process.stdin.close()


def limit_cpus(count: int) -> None:
    """Keep this process, and what it starts, on so many CPUs, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


@contextmanager
def limited_cpus(count: int) -> Iterator[None]:
    """As `limit_cpus`, for a while."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    limit_cpus(count)
    try:
        yield
    finally:
        if before is not None:
            os.sched_setaffinity(0, before)


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


def disagreement(workers: Mapping[str, Worker], folder: Path, tolerance: float) -> dict[str, float]:
    """The relative difference of each array that both workers have; raises `CannotMeasure` beyond the tolerance."""
    ours, other = (_results(one, folder / f"{name}.npz") for name, one in workers.items())
    found = {name: _distance(name, ours[name], other[name]) for name in ours if name in other}
    if not all(value < tolerance for value in found.values()):  # NaN is no agreement either
        told = ", ".join(f"{name} by {value:.2g}" for name, value in found.items())
        raise CannotMeasure(f"the two implementations differ, {told}, more than {tolerance:g} of the largest value")
    return found


def _results(one: Worker, file: Path) -> dict[str, np.ndarray]:
    one.ask("check", file=str(file))
    with np.load(file, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def _distance(name: str, ours: np.ndarray, other: np.ndarray) -> float:
    """Largest difference, relative to the largest value; two arrays of zeros do not differ."""
    parts = zip(ours, other, strict=True) if name.startswith("gradient") else [(ours, other)]
    tiny = np.finfo(np.float32).tiny
    return max(float(np.abs(a - b).max() / (np.abs(b).max() + tiny)) for a, b in parts)


def measure(workers: Mapping[str, Worker], work: str, repetitions: int, longest: float) -> dict[str, list[float]]:
    """Seconds a call; who comes first alternates. All are called once before, which compiles them.

    Beyond `longest` seconds in all, `FEWEST` repetitions are enough.
    """
    for one in workers.values():
        one.ask(work)
    seconds: dict[str, list[float]] = {name: [] for name in workers}
    start = time.monotonic()
    for repetition in range(repetitions):
        if repetition >= FEWEST and time.monotonic() - start > longest:
            break
        for name in list(workers) if repetition % 2 == 0 else list(reversed(workers)):
            time.sleep(PAUSE)
            seconds[name].append(statistics.median(workers[name].ask(work)["seconds"]))
    return seconds


def figures(side: str, values: Sequence[float]) -> dict[str, object]:
    """The median of the repetitions, and the smallest and largest [s]."""
    return {f"{side}_s": statistics.median(values), f"{side}_range_s": [min(values), max(values)]}
