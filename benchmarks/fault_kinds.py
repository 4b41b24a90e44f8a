"""What is done to a process that trains, for benchmarks/faults.py: kills at a write, full disks, clocks, NaN."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from dgeo.numerics import storage
from dgeo.training import session
from dgeo.training.fit import _Group

STAGES = ("half written", "before the flush", "before the move", "after the move")
Fault = Callable[[], None]


def killed_while_writing(number: int, stage: str) -> Fault:
    """Kill this process at a stage of its write of this number."""

    def fault() -> None:
        write, count = storage.write_atomically, [0]
        flush, move = os.fsync, Path.replace

        def now() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        def counted(path: Any, content: Callable[[Path], object]) -> None:
            count[0] += 1
            if count[0] != number:
                return write(path, content)

            def half(temporary: Path) -> None:
                content(temporary)
                if stage == STAGES[0]:
                    temporary.write_bytes(temporary.read_bytes()[: temporary.stat().st_size // 2])
                    now()

            os.fsync = lambda handle: now() if stage == STAGES[1] else flush(handle)  # type: ignore[assignment]
            Path.replace = lambda a, b: now() if stage == STAGES[2] else move(a, b)  # type: ignore
            write(path, half)
            now()

        for module in list(sys.modules.values()):
            if (
                getattr(module, "__name__", "").startswith("dgeo")
                and getattr(module, "write_atomically", None) is write
            ):
                module.write_atomically = counted  # type: ignore[attr-defined]

    return fault


def full(limit: int) -> Fault:
    """No file can grow beyond so many bytes: writes fail as they do on a full disk, with half of a file written."""

    def fault() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return fault


def as_nobody() -> None:
    """Without the rights of root, who may write everywhere."""
    os.setgid(65534)
    os.setuid(65534)


def backwards() -> None:
    """The clock of the wall runs backwards, in leaps."""
    random, now = np.random.default_rng(), [4e9]

    def earlier() -> float:
        now[0] -= float(random.random()) * 1e7
        return now[0]

    time.time = earlier
    time.time_ns = lambda: int(earlier() * 1e9)


def poisoned_data(name: str, value: float, day: int, basin: int) -> Fault:
    """A value in the data, slipped past the checks at the door."""

    def fault() -> None:
        checked = session.checked

        def poisoned(dataset: Any, config: Any) -> Any:
            found = checked(dataset, config).copy()
            values = found[name].values.copy()
            values[(day, basin) if values.ndim == 2 else basin] = value
            return found.assign({name: found[name].copy(data=values)})

        session.checked = poisoned

    return fault


def poisoned_weights(call: int, value: float) -> Fault:
    """A number of the model, before a call of the training."""

    def fault() -> None:
        advance, calls = _Group.advance, [0]

        def poisoned(group: Any, now: Any, ahead: Any) -> Any:
            calls[0] += 1
            if calls[0] == call:
                arrays, rest = eqx.partition(now.states.weights, eqx.is_inexact_array)
                leaves, tree = jax.tree.flatten(arrays)
                leaves[0] = leaves[0] * value
                weights = eqx.combine(jax.tree.unflatten(tree, leaves), rest)
                now = now._replace(states=eqx.tree_at(lambda states: states.weights, now.states, weights))
            return advance(group, now, ahead)

        _Group.advance = poisoned  # type: ignore[method-assign]

    return fault
