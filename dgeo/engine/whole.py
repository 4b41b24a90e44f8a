"""A loop over time that a model brings along."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

from dgeo.engine.loop import Step
from dgeo.models import Values


@dataclass(frozen=True)
class Whole:
    """A `Loop`: all steps of one site by the model's own march, `one(shared, static, state, series)`, at every site.

    Sites and components lie as they do for `Step`, behind the axis of time in the series.
    """

    one: Callable[[Any, Any, Any, Any], tuple[Values, Values]]

    def __call__(self, step: Step, shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        """See `Loop`."""
        march = self.one
        if step.components:
            march = jax.vmap(march, (None, (None, 0), 0, (None, 1)), (0, 1))
        return jax.vmap(march, (None, 0, 0, (1, 1)), (0, 1))(shared, static, state, series)
