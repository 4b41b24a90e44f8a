"""What a law may be held to, whatever stands in it: each constraint is itself a law, around another.

| constraint | value, of a law y | holds for any y |
|---|---|---|
| `NonNegative` | max(y, 0) | never negative |
| `Bounded` | min(max(y, low), high) | within low … high |
| `Factor` | y·Π max(x, 0)/scale | sign of y; zero where a factor is |
| `ZeroAt` | y·tanh(max(x, 0)/scale) | zero where x is; the size of y unchanged for x ≫ scale |
| `AtMost` | (x/τ)·tanh(τ·y/x) | at most x/τ in size, and at most y; y itself for τ·y ≪ x |

They nest: `AtMost(ZeroAt(law, "soil_moisture", 10.0), "soil_moisture")`. The last three keep a law that rises
in another input rising in it.
"""

from abc import abstractmethod
from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from dgeo.models import Law
from dgeo.models.law import attributes_of, forcings_of
from dgeo.numerics import at_least, at_most

SMALLEST = 1e-6  # what nothing counts as where it is divided by, in its own unit


class Constraint(eqx.Module):
    """A law around a law: it reads what that reads, and `own`."""

    law: Law

    @property
    def own(self) -> tuple[str, ...]:
        """The names that the constraint itself reads."""
        return ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """All names it reads."""
        return tuple(dict.fromkeys((*self.law.inputs, *self.own)))

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes of the site among them."""
        return attributes_of(self.law)

    @property
    def forcings(self) -> tuple[str, ...]:
        """Forcings among them that the model itself does not read."""
        return forcings_of(self.law)

    @abstractmethod
    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The value that holds the constraint."""


class NonNegative(Constraint):
    """max(y, 0). Below zero the derivative is 0: what must learn its way back gets its sign from `Limits` instead."""

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The law, or 0 where it is negative."""
        return at_least(self.law(values), 0.0)


class Bounded(Constraint):
    """min(max(y, low), high). Outside the derivative is 0."""

    low: float = eqx.field(static=True)
    high: float = eqx.field(static=True)

    def __check_init__(self) -> None:
        """Refuse an empty range."""
        if not self.low < self.high:
            raise ValueError(f"Bounds ({self.low}, {self.high}) hold no number; give low < high.")

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The law, or the nearest bound."""
        y = at_least(self.law(values), self.low)
        return at_most(y, jnp.full_like(y, self.high))


class Factor(Constraint):
    """y times the current values of `names`, each in units of its `scales` (1 without); a negative one counts as 0."""

    names: tuple[str, ...] = eqx.field(static=True)
    scales: tuple[float, ...] | None = eqx.field(static=True, default=None)

    @property
    def own(self) -> tuple[str, ...]:
        """The factors."""
        return self.names

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The product."""
        y = self.law(values)
        for name, scale in zip(self.names, self.scales or (1.0,) * len(self.names), strict=True):
            y = y * (at_least(values[name], 0.0) / scale)
        return y


class ZeroAt(Constraint):
    """Exactly 0 where `name` (a store, say) is 0 or below; y itself where it is much more than `scale`."""

    name: str = eqx.field(static=True)
    scale: float = eqx.field(static=True)

    @property
    def own(self) -> tuple[str, ...]:
        """The name at whose zero it is zero."""
        return (self.name,)

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The law, brought to 0."""
        return self.law(values) * jnp.tanh(at_least(values[self.name], 0.0) / self.scale)


class AtMost(Constraint):
    """Never more than the demand `name`, or than the store `name` holds per `timescale` [d], by a smooth saturation."""

    name: str = eqx.field(static=True)
    timescale: float = eqx.field(static=True, default=1.0)

    @property
    def own(self) -> tuple[str, ...]:
        """The demand or the store."""
        return (self.name,)

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The law, saturated."""
        most = at_least(values[self.name], 0.0) / self.timescale
        return most * jnp.tanh(self.law(values) / (most + SMALLEST))
