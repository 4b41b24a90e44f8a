"""How a worker serves its measurements: one JSON object a line, in an interpreter of its own.

A request is {"do": "describe" | "check" | "forward" | "gradient" | "memory"}. Each implementation thus has its own
process, whose peak memory is its own, and the driver can alternate between them. Needs nothing but NumPy, for the
peer's interpreter holds nothing of ours.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

SHORTEST_REQUEST = 0.5  # [s] calls are repeated until this has passed, so that short ones are measured warm


class Implementation(NamedTuple):
    """One implementation, ready to be called: each callable returns after its work is done."""

    forward: Callable[[], object]
    gradient: Callable[[], object]
    result: Callable[[], tuple[float, np.ndarray]]  # loss, and its gradient [basin, raw parameter]
    versions: dict[str, str]
    notes: dict[str, str]


def load_problem() -> dict[str, np.ndarray]:
    """Forcing and target [time, basin] and raw parameters [basin, parameter], from the file of argument 1."""
    with np.load(sys.argv[1], allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def serve(prepare: Callable[[], Implementation]) -> None:
    """Answer requests on standard input until it closes; whatever libraries print goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    implementation = prepare()
    idle = peak_memory()
    for line in sys.stdin:
        answer = _answer(json.loads(line), implementation, idle)
        print(json.dumps(answer), file=answers, flush=True)


def peak_memory() -> float:
    """The most memory this process has held so far [MB]."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _answer(request: dict, implementation: Implementation, idle: float) -> dict:
    match request["do"]:
        case "describe":
            return {"versions": implementation.versions, "notes": implementation.notes}
        case "memory":
            return {"idle_mb": idle, "peak_mb": peak_memory()}
        case "check":
            loss, gradient = implementation.result()
            np.save(request["file"], gradient, allow_pickle=False)
            return {"loss": loss}
        case work:
            return {"seconds": _timed(getattr(implementation, work))}


def _timed(call: Callable[[], object]) -> list[float]:
    seconds: list[float] = []
    while sum(seconds) < SHORTEST_REQUEST:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds
