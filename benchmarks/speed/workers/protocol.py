"""How a worker serves its measurements: one JSON object a line, in an interpreter of its own.

    python WORKER PROBLEM.npz '{"option": …}'

A request is {"do": "describe" | "check" | "memory" | a work}. Each implementation thus has its own process, whose peak
memory is its own, and the driver can alternate between them. What goes wrong is an answer too, {"error": why}. Needs
nothing but NumPy, for a peer's interpreter holds nothing of ours.
"""

import importlib
import importlib.metadata
import json
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

SHORTEST_REQUEST = 0.5  # [s] calls are repeated until this has passed, so that short ones are measured warm


class Unavailable(Exception):
    """This machine or interpreter cannot run the implementation; the message says why."""


class Implementation(NamedTuple):
    """One implementation, ready to be called: each work returns when it is done.

    `result` gives the arrays in which two implementations must agree. In those called gradient, each item of the first
    axis is compared by its own scale.
    """

    works: Mapping[str, Callable[[], object]]
    result: Callable[[], Mapping[str, Any]]
    versions: Mapping[str, str]
    notes: Mapping[str, str]


def versions(*packages: str) -> dict[str, str]:
    """The installed version of each."""
    return {name: importlib.metadata.version(name) for name in packages}


def needed(module: str) -> ModuleType:
    """A module that may be missing; raises `Unavailable` where it is."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        raise Unavailable(f"{missing.name} is not installed; --peers names an interpreter that has it") from None


def problem() -> dict[str, np.ndarray]:
    """The arrays of the problem, from the file of argument 1."""
    with np.load(sys.argv[1], allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def options() -> dict[str, Any]:
    """How this implementation shall be run, from argument 2."""
    return json.loads(sys.argv[2])


def serve(prepare: Callable[[], Implementation]) -> None:
    """Answer requests on standard input until it closes; whatever libraries print goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    service = _Service(prepare)
    for line in sys.stdin:
        try:
            answer = service.answer(json.loads(line))
        except (Unavailable, ImportError) as reason:
            answer = {"error": str(reason)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"}
        print(json.dumps(answer), file=answers, flush=True)


def peak_memory() -> float:
    """The most memory this process has held so far [MB]."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says includes the driver's memory, from before it became this process
        held = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(held.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


class _Service:
    """An implementation, prepared at the first request."""

    def __init__(self, prepare: Callable[[], Implementation]) -> None:
        self.prepare, self.ready, self.idle = prepare, None, 0.0

    def answer(self, request: dict) -> dict:
        if self.ready is None:
            self.ready = self.prepare()
            self.idle = peak_memory()
        match request["do"]:
            case "describe":
                return {"versions": dict(self.ready.versions), "notes": dict(self.ready.notes)}
            case "memory":
                return {"idle_mb": self.idle, "peak_mb": peak_memory()}
            case "check":
                np.savez(request["file"], **{name: np.asarray(value) for name, value in self.ready.result().items()})
                return {}
            case work:
                return {"seconds": _timed(self.ready.works[work])}


def _timed(call: Callable[[], object]) -> list[float]:
    seconds: list[float] = []
    while sum(seconds) < SHORTEST_REQUEST:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds
