"""Days in segments, for gradients through long periods in little memory."""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp

from dgeo.engine.loop import days_of
from dgeo.errors import DgeoError
from dgeo.models import Values

Segment = int | Literal["sqrt"] | None
"""Days between the states that are stored for the gradient; None stores every day's."""

March = Callable[[Values, Any], tuple[Values, Values]]


def in_segments(march: March, state: Values, series: Any, segment: Segment) -> tuple[Values, Values]:
    """(state, outputs) of `march(state, series)`, of which only the states between segments are stored.

    Backward marches each segment once more: days/segment + segment states at a time, least at √days ("sqrt"), for
    another forward run. Values are the same bits; derivatives differ by rounding.
    """
    days = days_of(series)
    length = _length(segment, days)
    if length in (1, days):
        return march(state, series)
    whole = days // length * length
    parts = jax.tree.map(lambda x: x[:whole].reshape(-1, length, *x.shape[1:]), series)
    state, outputs = jax.lax.scan(jax.checkpoint(march), state, parts)
    outputs = jax.tree.map(lambda x: x.reshape(whole, *x.shape[2:]), outputs)
    if whole == days:
        return state, outputs
    state, rest = march(state, jax.tree.map(lambda x: x[whole:], series))
    return state, jax.tree.map(lambda *x: jnp.concatenate(x), outputs, rest)


def _length(segment: int | str | None, days: int) -> int:
    """Days of a segment."""
    if segment is None:
        return days
    if segment == "sqrt":
        return max(1, round(days**0.5))
    if isinstance(segment, str) or segment < 1:
        raise DgeoError(f"A segment of {segment!r} days is none: give a positive number, 'sqrt' or None.")
    return min(segment, days)
