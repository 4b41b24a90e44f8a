"""Maps between an unbounded number, which a network gives, and a bounded parameter, which physics takes."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Bounds(eqx.Module):
    """An open interval (low, high) and the way through it.

    linear:       θ = low + (high − low)·σ(z)
    logarithmic:  ln θ = ln low + (ln high − ln low)·σ(z), for quantities that span decades (low > 0)

    with σ(z) = 1/(1 + e^{−z}). z = 0 is the middle; |z| > 4.6 lies within 1 % of a bound.
    """

    low: float = eqx.field(static=True)
    high: float = eqx.field(static=True)
    scale: Literal["linear", "logarithmic"] = eqx.field(static=True, default="linear")

    def __check_init__(self) -> None:
        if not self.low < self.high or (self.scale == "logarithmic" and self.low <= 0):
            raise ValueError(f"Bounds ({self.low}, {self.high}) are not an interval of a {self.scale} scale.")

    def from_unbounded(self, z: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The parameter that belongs to an unbounded z."""
        return self.from_fraction(jax.nn.sigmoid(z))

    def from_fraction(self, fraction: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The parameter at a fraction (0…1) of the way through the interval."""
        if self.scale == "linear":
            return self.low + (self.high - self.low) * fraction
        return self.low * jnp.exp(fraction * jnp.log(self.high / self.low).astype(fraction.dtype))

    def to_fraction(self, value: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The fraction of the way through the interval at which a parameter lies."""
        if self.scale == "linear":
            return (value - self.low) / (self.high - self.low)
        return jnp.log(value / self.low) / jnp.log(self.high / self.low).astype(value.dtype)

    def to_unbounded(self, value: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The z of a parameter; a value on or beyond a bound counts as 1e-4 of the interval inside it."""
        fraction = jnp.clip(self.to_fraction(value), 1e-4, 1 - 1e-4)
        return jnp.log(fraction) - jnp.log1p(-fraction)
