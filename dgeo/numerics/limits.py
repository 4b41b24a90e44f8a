"""From an unbounded number to one of a given sign, range and typical size."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@dataclass(frozen=True)
class Limits:
    """What a number may be: at least `low`, at most `high`, typically of the size of `scale`.

    both finite:   y = low + (high − low)·σ(z)
    low alone:     y = low + scale·ln(1 + e^z)/ln 2
    high alone:    y = high − scale·ln(1 + e^{−z})/ln 2
    neither:       y = scale·z

    with σ(z) = 1/(1 + e^{−z}); each rises with z. A number of one sign is `scale` away from its limit at z = 0.
    """

    low: float = -math.inf
    high: float = math.inf
    scale: float = 1.0

    def __post_init__(self) -> None:
        """Refuse an empty range and a scale that is none."""
        if not self.low < self.high or not self.scale > 0:
            raise ValueError(f"Limits ({self.low}, {self.high}) of scale {self.scale} are no range of numbers.")

    def from_unbounded(self, z: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The number that belongs to an unbounded z."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return self.low + (self.high - self.low) * jax.nn.sigmoid(z)
        if math.isfinite(self.low):
            return self.low + self.scale / math.log(2) * _softplus(z)
        if math.isfinite(self.high):
            return self.high - self.scale / math.log(2) * _softplus(-z)
        return self.scale * z

    def contain(self, y: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Y itself where it lies within the limits, the nearest limit elsewhere: for checks, not for physics."""
        return jnp.clip(y, self.low, self.high)


def _softplus(z: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """ln(1 + e^z) from operations that a kernel compiled by Triton has.

    Both pieces take the same side at z = 0, where a network begins, so that its derivative is ½ there.
    """
    positive = z > 0
    size = jnp.where(positive, z, -z)
    return jnp.where(positive, z, jnp.zeros_like(z)) + jnp.log1p(jnp.exp(-size))
