"""Which basins and days a step sees.

Drawn on the device from a key and the number of the step, so that resuming needs no state.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, PRNGKeyArray

from dgeo.errors import DgeoError


class Sampler(eqx.Module):
    """Windows that hold training targets, and basins that have any.

    Padded, so that all phases of a run share one compilation.
    """

    starts: Int[Array, " time"]
    start_count: Int[Array, ""]
    basins: Int[Array, " basin"]
    basin_count: Int[Array, ""]

    @classmethod
    def create(cls, observed: Bool[np.ndarray, "time basin"], warmup: int, window: int) -> "Sampler":
        """From a mask of the target values that may be seen.

        A window qualifies when at least half of its days carry a target in some basin. Raises `DgeoError` where none
        does.
        """
        return cls.spanning(np.any(observed, axis=1), np.any(observed, axis=0), warmup, window)

    @classmethod
    def spanning(
        cls, on_days: Bool[np.ndarray, " time"], in_basins: Bool[np.ndarray, " basin"], warmup: int, window: int
    ) -> "Sampler":
        """The same from the days and the basins that have such values."""
        days = np.concatenate([[0], np.cumsum(on_days)])
        first = np.arange(max(len(on_days) - warmup - window + 1, 0))
        seen = days[first + warmup + window] - days[first + warmup]
        starts, basins = first[2 * seen >= window], np.flatnonzero(in_basins)
        if not len(starts) or not len(basins):
            raise DgeoError(
                f"No window of {warmup} + {window} days holds training targets in {len(on_days)} days of data; "
                "shorten `training.warmup` or `training.window`, or lengthen the training period."
            )
        return cls(*_padded(starts, len(on_days)), *_padded(basins, len(in_basins)))

    def draws(self, key: PRNGKeyArray, batch: int) -> tuple[Int[Array, " batch"], Int[Array, " batch"], PRNGKeyArray]:
        """Basins (without replacement while they last), the first day of each one's window, and a key for dropout."""
        basin_key, start_key, drop_key = jax.random.split(key, 3)
        order = jax.random.uniform(basin_key, self.basins.shape)
        padding = jnp.arange(len(self.basins), dtype=jnp.int32) >= self.basin_count
        ranked = self.basins[jnp.argsort(jnp.where(padding, 2.0, order))]
        basins = ranked[jnp.arange(batch, dtype=jnp.int32) % self.basin_count]
        places = jax.random.randint(start_key, (batch,), 0, self.start_count, jnp.int32)
        return basins, self.starts[places], drop_key


def _padded(values: Sequence[int] | np.ndarray, length: int) -> tuple[Array, Array]:
    padded = np.resize(np.asarray(values), length)
    return jnp.asarray(padded, jnp.int32), jnp.asarray(len(values), jnp.int32)
