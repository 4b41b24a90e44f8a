"""Thresholds, hard or rounded: one switch for every law that has one.

    positive part   w·ln(1 + e^{x/w})          → max(x, 0)
    minimum         b − positive part(b − a)   → min(a, b)
    step            1/(1 + e^{−x/w})           → [x > 0]

as the width w → 0. A rounded threshold has a derivative on both sides, at the price of a bias of at most w·ln 2.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics.safe import minimum, positive_part


@dataclass(frozen=True)
class Thresholds:
    """How thresholds are passed: `width` is the share of a threshold's own scale over which it is rounded, 0 for none."""

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

    def minimum(
        self, a: Float[Array, "*shape"], b: Float[Array, "*shape"], scale: float = 1.0
    ) -> Float[Array, "*shape"]:
        """min(a, b)."""
        return minimum(a, b) if self.width == 0 else b - self.positive_part(b - a, scale)

    def step(self, x: Float[Array, "*shape"], scale: float = 1.0) -> Float[Array, "*shape"]:
        """1 where x > 0, else 0."""
        if self.width == 0:
            return jnp.where(x > 0, 1.0, 0.0).astype(x.dtype)
        return jax.nn.sigmoid(x / (self.width * scale))


HARD = Thresholds()
