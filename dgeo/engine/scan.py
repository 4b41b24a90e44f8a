"""A time loop as a scan: any step, any device, both modes of derivative."""

from typing import Any

import equinox as eqx
import jax

from dgeo.engine.loop import Step
from dgeo.models import Values


class Scan(eqx.Module):
    """A `Loop`: `jax.lax.scan` over time. The gradient stores states alone and recomputes all else."""

    def __call__(self, step: Step, shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        """See `Loop`."""

        @jax.checkpoint
        def body(state: Values, now: Any) -> tuple[Values, Values]:
            return step(shared, static, state, now)

        return jax.lax.scan(body, state, series)
