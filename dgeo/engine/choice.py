"""Which loop marches a run."""

import warnings
from collections.abc import Callable
from typing import Any, Literal

import jax

from dgeo.engine.at_once import AtOnce
from dgeo.engine.fused import Fused, refusal
from dgeo.engine.loop import Loop, Step
from dgeo.engine.scan import Scan
from dgeo.errors import DgeoError, nearest
from dgeo.models import Values

Engine = Literal["auto", "scan", "fused"] | Loop
"""How time is marched: by name, or by a loop."""
LOOPS: dict[str, Callable[[], Loop]] = {"scan": Scan, "fused": Fused}

_refusals: dict[Any, str | None] = {}
_told: set[tuple[str, str]] = set()


def loop_of(engine: Engine, step: Step, inputs: tuple[Any, Any, Values, Any]) -> Loop:
    """The loop of that name. What cannot be fused is scanned, with one warning for each kind of step and reason.

    A step without a state has no time to be marched through: whatever the name, all its moments are computed at once.
    """
    if isinstance(engine, str) and not jax.tree.leaves(inputs[2]):
        named(engine)
        return AtOnce()
    loop = named(engine) if isinstance(engine, str) else engine
    if not isinstance(loop, Fused) or loop.interpret:
        return loop
    reason = _refusal(step, inputs, loop)
    if reason is None:
        return loop
    if (step.kind, reason) not in _told:
        _told.add((step.kind, reason))
        warnings.warn(f"{step.kind} is scanned and not fused, since {reason}.", stacklevel=3)
    return Scan()


def named(name: str) -> Loop:
    """The loop "scan" or "fused"; of "auto", the one for this machine."""
    if name == "auto":
        name = "fused" if jax.default_backend() == "gpu" else "scan"
    if name not in LOOPS:
        raise DgeoError(f"There is no engine {name!r}, {nearest(name, ('auto', *LOOPS))}")
    return LOOPS[name]()


def _refusal(step: Step, inputs: tuple[Any, Any, Values, Any], loop: Fused) -> str | None:
    """As `refusal`, found once for steps of one identity and inputs of one shape."""
    if jax.default_backend() != "gpu":
        return f"this machine computes on {jax.default_backend()} and a kernel needs a GPU"
    leaves, structure = jax.tree.flatten(inputs)
    key = (step.identity, structure, tuple((x.shape, x.dtype) for x in leaves), loop)
    if step.identity is None or key not in _refusals:
        _refusals[key] = refusal(step, inputs, loop)
    return _refusals[key]
