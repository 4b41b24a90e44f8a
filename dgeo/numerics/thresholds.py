"""Thresholds, hard or rounded: one switch for every law that has one.

    positive part   w·s·ln(1 + e^{x/(w·s)})                          → max(x, 0)
    minimum         2ab / (a + b + √((a − b)² + 4w²ab)), a, b > 0    → min(a, b)
    step            1/(1 + e^{−x/(w·s)})                             → [x > 0]

as the width w → 0, with the scale s of x. A rounded threshold has a derivative on both sides, at the price of a bias:

    0 < positive part − max(x, 0) ≤ w·s·ln 2                 most at x = 0
    0 ≤ min(a, b) − minimum ≤ w/(1 + w)·min(a, b)            most at a = b

No bias leaves the range of what it stands for: a rounded positive part is never negative, and a rounded minimum of two
amounts lies between 0 and the smaller, so that a share stays in 0…1. (The common b − w·ln(1 + e^{(b − a)/w}) does not:
at a = 0, b = w it gives −0.31w.) The minimum is a root of the non-rectangular hyperbola
(1 − w²)m² − (a + b)m + ab = 0; where a or b is not positive it is hard, and the two pieces share their tangent.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics.safe import minimum, positive_part

SMALLEST = 1e-15  # below it nothing is rounded, as the derivative of a/b squares b, and float32 ends at 1e-38


@dataclass(frozen=True)
class Thresholds:
    """How thresholds are passed: `width` is the share of their own scale over which they are rounded, 0 for none."""

    width: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a width that is none."""
        if not self.width >= 0:
            raise ValueError(f"A threshold cannot be {self.width} wide; give 0 (hard) or more.")

    def positive_part(self, x: Float[Array, "*shape"], scale: float = 1.0) -> Float[Array, "*shape"]:
        """max(x, 0)."""
        if self.width == 0:
            return positive_part(x)
        width = self.width * scale
        return width * jax.nn.softplus(x / width)

    def minimum(self, a: Float[Array, "*shape"], b: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """min(a, b); rounded over a share `width` of the smaller of the two."""
        if self.width == 0:
            return minimum(a, b)
        low, high = jnp.minimum(a, b), jnp.maximum(a, b)
        rounded = low > SMALLEST
        share = jnp.where(rounded, low, 1.0) / jnp.where(rounded, high, 1.0)
        # The bound below keeps the root's derivative finite at a = b however narrow the threshold.
        square = max(4 * self.width**2, 1e-30)
        smooth = 2 * low / (1 + share + jnp.sqrt((1 - share) ** 2 + square * share))
        return jnp.where(rounded, smooth, minimum(a, b))

    def step(self, x: Float[Array, "*shape"], scale: float = 1.0) -> Float[Array, "*shape"]:
        """1 where x > 0, else 0."""
        if self.width == 0:
            return jnp.where(x > 0, 1.0, 0.0).astype(x.dtype)
        return jax.nn.sigmoid(x / (self.width * scale))


HARD = Thresholds()
