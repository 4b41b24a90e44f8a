"""Which engines can march every simulator: asked of its step, in single precision."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.check.cases import Case, makers
from dgeo.check.findings import Findings
from dgeo.engine import Fused, Scan, Step, fused, native
from dgeo.models import Values


class Asked:
    """A `Loop` that asks, in passing, whether C and a GPU's kernel could march the step."""

    native = fused = False

    def __call__(self, step: Step, shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        """See `Loop`."""
        inputs = (shared, static, state, series)
        if jax.tree.leaves(state):
            self.native = native.refusal(step, inputs) is None
            self.fused = fused.refusal(step, inputs, Fused()) is None
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
                rows.append(EngineRow(name, **engines_of(case, case.in_precision(jnp.float32))))
    return Findings("Engines", tuple(rows))


def engines_of(case: Case, inputs: dict[str, Any]) -> dict[str, bool]:
    """{"native": whether C holds it, "fused": whether it lowers for a GPU}; nothing is computed."""
    asked = Asked()
    jax.eval_shape(lambda inputs: case.run(inputs, asked), inputs)
    return {"native": asked.native, "fused": asked.fused}
