"""Whether the loop in C holds a case: asked of its step, which is scanned."""

from typing import Any

import jax

from dgeo.check.cases import Case
from dgeo.engine import Scan, Step, native
from dgeo.models import Values


class Asked:
    """A `Loop` that asks, in passing, whether C could march the step."""

    holds = False

    def __call__(self, step: Step, shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        """See `Loop`."""
        inputs = (shared, static, state, series)
        self.holds = native.refusal(step, inputs) is None
        return Scan()(step, *inputs)


def native_holds(case: Case, inputs: dict[str, Any]) -> bool:
    """Whether C marches a case; nothing is computed. What has no state, or no physics, has no time to be marched."""
    asked = Asked()
    jax.eval_shape(lambda inputs: case.run(inputs, asked), inputs)
    return asked.holds
