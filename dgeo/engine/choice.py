"""Which loop marches a run."""

import warnings
from collections.abc import Callable
from math import prod
from typing import Any, Literal

import jax

from dgeo.engine import fused, native
from dgeo.engine.at_once import AtOnce
from dgeo.engine.fused import Fused
from dgeo.engine.loop import Loop, Step
from dgeo.engine.native import Native
from dgeo.engine.scan import Scan
from dgeo.errors import DgeoError, nearest
from dgeo.models import Values

Engine = Literal["auto", "scan", "fused", "native"] | Loop
"""How time is marched: by name, or by a loop."""
LOOPS: dict[str, Callable[[], Loop]] = {"scan": Scan, "fused": Fused, "native": Native}
NEEDS: dict[type, tuple[str, str]] = {Fused: ("gpu", "a kernel needs a GPU"), Native: ("cpu", "C runs on a CPU")}
FEW = 128
"""Sites × components below which "auto" scans on a CPU: two blocks of lanes, since compiling C costs seconds.

Days do not count, so that a run in parts is the same bits as in one."""

Inputs = tuple[Any, Any, Values, Any]

_refusals: dict[Any, str | None] = {}
_told: set[tuple[str, str]] = set()


def loop_of(engine: Engine, step: Step, inputs: Inputs) -> Loop:
    """The loop of that name. What it cannot hold is scanned, with one warning for each kind of step and reason.

    What "auto" chose on a CPU is scanned without a word: the scan is as right, and slower. A step without a state has
    no time to be marched through: whatever the name, all its moments are computed at once.
    """
    if isinstance(engine, str) and not jax.tree.leaves(inputs[2]):
        named(engine)
        return AtOnce()
    loop = named(engine) if isinstance(engine, str) else engine
    if engine == "auto" and isinstance(loop, Native) and _few(step, inputs):
        return Scan()
    reason = _refusal(step, inputs, loop)
    if reason is None:
        return loop
    if (step.kind, reason) not in _told and not (engine == "auto" and isinstance(loop, Native)):
        _told.add((step.kind, reason))
        kind = "fused" if isinstance(loop, Fused) else "native"
        warnings.warn(f"{step.kind} is scanned and not {kind}, since {reason}.", stacklevel=3)
    return Scan()


def named(name: str) -> Loop:
    """The loop "scan", "fused" or "native"; of "auto", the one for this machine."""
    if name == "auto":
        name = {"gpu": "fused", "cpu": "native"}.get(jax.default_backend(), "scan")
    if name not in LOOPS:
        raise DgeoError(f"There is no engine {name!r}, {nearest(name, ('auto', *LOOPS))}")
    return LOOPS[name]()


def _few(step: Step, inputs: Inputs) -> bool:
    first = jax.tree.leaves(inputs[2])[0]
    return prod(first.shape[: 1 + step.components]) < FEW


def _refusal(step: Step, inputs: Inputs, loop: Loop) -> str | None:
    """Why the loop cannot march it, found once for steps of one identity and inputs of one shape."""
    if type(loop) not in NEEDS or (isinstance(loop, Fused) and loop.interpret):
        return None
    device, needs = NEEDS[type(loop)]
    if jax.default_backend() != device:
        return f"this machine computes on {jax.default_backend()} and {needs}"
    leaves, structure = jax.tree.flatten(inputs)
    key = (step.identity, structure, tuple((x.shape, x.dtype) for x in leaves), loop)
    if step.identity is None or key not in _refusals:
        _refusals[key] = fused.refusal(step, inputs, loop) if isinstance(loop, Fused) else native.refusal(step, inputs)
    return _refusals[key]
