"""Which engines can march every simulator: asked of its step, in single precision."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.check.cases import Case, makers
from dgeo.check.findings import Findings
from dgeo.engine import Fused, Scan, Step, fused, native
from dgeo.models import Values

REFUSALS: dict[str, Callable[[Step, Any], str | None]] = {
    "native": native.refusal,
    "fused": lambda step, inputs: fused.refusal(step, inputs, Fused()),
}


class Asked:
    """A `Loop` that asks, in passing, whether an engine could march the step; without a state there is no time."""

    def __init__(self, engine: str) -> None:
        self.engine, self.holds = engine, False

    def __call__(self, step: Step, shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        """See `Loop`."""
        inputs = (shared, static, state, series)
        if jax.tree.leaves(state):
            self.holds = REFUSALS[self.engine](step, inputs) is None
        return Scan()(step, *inputs)


@dataclass(frozen=True)
class EngineRow:
    """Whether C on a CPU, and a kernel on a GPU, hold the step of a simulator; what they do not is scanned."""

    model: str
    native: bool
    fused: bool

    passed = True
    sentence = ""


def engines(only: str = "") -> Findings:
    """The rows of all simulators whose name contains `only`."""
    rows = []
    for name, make in makers().items():
        if only in name:
            with jax.enable_x64(True):
                case = make(4, np.random.default_rng(0))
            with jax.enable_x64(False):
                inputs = case.in_precision(jnp.float32)
                rows.append(EngineRow(name, *(holds(case, inputs, engine) for engine in REFUSALS)))
    return Findings("Engines", tuple(rows))


def holds(case: Case, inputs: dict[str, Any], engine: str) -> bool:
    """Whether "native", C on a CPU, or "fused", a kernel on a GPU, could march a case; nothing is computed."""
    asked = Asked(engine)
    jax.eval_shape(lambda inputs: case.run(inputs, asked), inputs)
    return asked.holds
