"""Named variables → one array of numbers of order one; fitted on training data, then frozen."""

from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import Frozen
from dgeo.numerics.square_root import square_root


class Standardise(Frozen):
    """x → (x − mean)/deviation for each named variable, stacked along a new last axis; a gap (NaN) becomes 0, the mean.

    `logarithmic` names are taken as log10(√x + 0.1) first (Feng et al. 2020, doi:10.1029/2019WR026793), and their
    mean and deviation are those of the transformed values.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    mean: Float[Array, " variable"]
    deviation: Float[Array, " variable"]
    logarithmic: tuple[str, ...] = eqx.field(static=True, default=())

    def __call__(self, values: Mapping[str, Float[Array, "*shape"]]) -> Float[Array, "*shape variable"]:
        """Stack the named variables and standardise them."""
        present = jnp.stack([~jnp.isnan(values[name]) for name in self.names], axis=-1)
        stacked = jnp.stack([self._transformed(name, values[name]) for name in self.names], axis=-1)
        shape = (1,) * (stacked.ndim - 1) + (-1,)
        scaled = (stacked - self.mean.reshape(shape)) / self.deviation.reshape(shape)
        return jnp.where(present, scaled, jnp.zeros_like(scaled))

    def _transformed(self, name: str, value: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        filled = jnp.where(jnp.isnan(value), jnp.zeros_like(value), value)
        return log_root(filled) if name in self.logarithmic else filled


def log_root(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log10(√x + 0.1) for x ≥ 0: tames the skew of daily precipitation and flow."""
    return jnp.log10(square_root(x) + 0.1)
