"""A time loop for steps without a state: no moment waits for another, so all are computed side by side."""

from typing import Any

import equinox as eqx
import jax

from dgeo.engine.loop import Step
from dgeo.models import Values


class AtOnce(eqx.Module):
    """A `Loop` for models whose state is empty."""

    def __call__(self, step: Step, shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        """See `Loop`."""
        return state, jax.vmap(lambda now: step(shared, static, state, now)[1])(series)
