"""Exponential moving averages: a memory of the past that has no weights to train."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class MovingAverages(eqx.Module):
    """a ← a + (x − a)/τ for several memories τ [steps] at once.

    Carried, so that a run that continues sees the same averages as one that never stopped. Starts at 0, which is the
    mean of a standardised input.
    """

    memories: tuple[float, ...] = eqx.field(static=True)

    def initial_carry(
        self, sites: int, variables: int, dtype: Any = jnp.float32
    ) -> Float[Array, "site variable memory"]:
        """Averages of nothing."""
        return jnp.zeros((sites, variables, len(self.memories)), dtype)

    def __call__(
        self, series: Float[Array, "time site variable"], carry: Float[Array, "site variable memory"]
    ) -> tuple[Float[Array, "time site feature"], Float[Array, "site variable memory"]]:
        """All averages at every time, the present included, flattened to variable × memory; and the last ones."""
        rate = 1 / jnp.asarray(self.memories, series.dtype).reshape(1, 1, -1)

        def body(average: Array, now: Array) -> tuple[Array, Array]:
            average = average + (now[..., None] - average) * rate
            return average, average

        last, averages = jax.lax.scan(body, carry.astype(series.dtype), series)
        return averages.reshape(*series.shape[:2], -1), last
