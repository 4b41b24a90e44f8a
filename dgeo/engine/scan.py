"""A time loop as a scan: any step, any device, both modes of derivative."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from dgeo.engine.loop import Segment, Step, days_of, segment_length
from dgeo.models import Values


class Scan(eqx.Module):
    """A `Loop`: `jax.lax.scan` over time. The gradient stores states alone and recomputes all else.

    Without `segment` the state of every day is stored. With one, the state at the start of every so many days is, and
    backward marches each segment once more: days/segment + segment states at a time, least at √days ("sqrt"), for
    another forward run. Values are the same bits; derivatives differ by rounding.
    """

    segment: Segment = eqx.field(static=True, default=None)

    def __call__(self, step: Step, shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        """See `Loop`."""

        @jax.checkpoint
        def body(state: Values, now: Any) -> tuple[Values, Values]:
            return step(shared, static, state, now)

        @jax.checkpoint
        def march(state: Values, series: Any) -> tuple[Values, Values]:
            return jax.lax.scan(body, state, series)

        days = days_of(series)
        length = segment_length(self.segment, days)
        if length is None or length in (1, days):
            return jax.lax.scan(body, state, series)
        whole = days // length * length
        parts = jax.tree.map(lambda x: x[:whole].reshape(-1, length, *x.shape[1:]), series)
        state, outputs = jax.lax.scan(march, state, parts)
        outputs = jax.tree.map(lambda x: x.reshape(whole, *x.shape[2:]), outputs)
        if whole == days:
            return state, outputs
        state, rest = jax.lax.scan(body, state, jax.tree.map(lambda x: x[whole:], series))
        return state, jax.tree.map(lambda *x: jnp.concatenate(x), outputs, rest)
