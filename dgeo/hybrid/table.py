"""A table as a law: values at knots, straight lines between, constant beyond the ends.

    y = Σ_{i,j,…} y_ij…·a_i(x₁)·a_j(x₂)·…        a: the hat functions of each input's knots

The numbers trained are z with y = limits(z), so that every value, and whatever lies between, is within the slot's
limits. Where the table is to rise (or fall) in an input, z is a running sum along it of steps of one sign, ln(1 + e^d).
"""

import math
from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dgeo.errors import DgeoError
from dgeo.hybrid.law_inputs import Scaling, Statistics, check_slot, scaling_of, typical_sizes
from dgeo.hybrid.laws import NO_STATISTICS
from dgeo.models import Law, Model
from dgeo.models.law import attributes_of
from dgeo.numerics import Frozen, Limits, at_least, minimum

KNOTS = 9
REACH = 2.0  # in typical sizes: how far a table reaches whose knots are only counted


class Knots(Frozen):
    """Where the values of a table stand along one input [knot], rising."""

    at: Float[Array, " knot"]

    def hats(self, x: Float[Array, ""]) -> Float[Array, " knot"]:
        """The weight of every knot at x, shared by two neighbours. At a knot the derivative is that to the right."""
        before = jnp.concatenate([self.at[:1] - 1, self.at[:-1]])
        after = jnp.concatenate([self.at[1:], self.at[-1:] + 1])
        x = minimum(at_least(x, self.at[0]), self.at[-1])
        rising, falling = (x - before) / (self.at - before), (after - x) / (after - self.at)
        rising = jnp.where((x >= before) & (x < self.at), rising, jnp.zeros_like(rising))
        return jnp.where((x >= self.at) & (x < after), falling, rising)


class TableLaw(eqx.Module):
    """Values at the knots of its inputs, `z[knot of the first, knot of the second, …]`, each free to be trained."""

    z: Array
    knots: tuple[Knots, ...]
    names: Scaling
    limits: Limits = eqx.field(static=True)
    monotone: tuple[int, int] | None = eqx.field(static=True, default=None)  # (axis, 1 rising or −1 falling)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names it reads."""
        return self.names.names

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes of the site among them."""
        return self.names.attributes

    @property
    def forcings(self) -> tuple[str, ...]:
        """Forcings among them that the model itself does not read."""
        return self.names.forcings

    @property
    def values(self) -> Array:
        """Y at the knots, [knot, …]."""
        return self.limits.from_unbounded(self.z if self.monotone is None else _summed(self.z, *self.monotone))

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The value between the knots."""
        y = self.values
        for name, knots, centre in zip(self.inputs, self.knots, self.names.centre, strict=True):
            x = values[name]
            x = jnp.where(jnp.isnan(x), centre, x) if name in self.attributes else x  # a gap counts as the mean
            y = jnp.tensordot(knots.hats(x), y, axes=1)
        return y


def table_law(
    model: Model,
    slot: str,
    inputs: Sequence[str],
    *,
    knots: Mapping[str, Sequence[float]] | int = KNOTS,
    increasing: Sequence[str] = (),
    decreasing: Sequence[str] = (),
    statistics: Statistics = NO_STATISTICS,
    forcings: Sequence[str] = (),
) -> TableLaw:
    """A table for a slot, which starts as the slot's textbook law with all that is no input at its typical value.

    **Arguments**: `knots` by input, rising; a number of them spreads them from 0 (from −2 typical sizes, where a
    variable may be negative: an attribute, an extra forcing, a temperature) to 2 typical sizes. `increasing` or
    `decreasing` names the one input in which the table never falls, or never rises. `statistics` and `forcings`: see
    `network_law`.

    Raises `DgeoError` for a slot or name that there is not, knots that do not rise, and two monotone inputs.
    """
    check_slot(model, slot)
    names = scaling_of(model, slot, inputs, statistics, forcings)
    at = tuple(_knots(name, i, names, knots) for i, name in enumerate(inputs))
    monotone = _monotone(slot, inputs, increasing, decreasing)
    limits = model.slots[slot].limits
    y = _textbook(model, slot, inputs, at)
    z = jnp.zeros([len(x) for x in at]) if y is None else _unbounded(limits, y)
    z = z if monotone is None else _steps(z, *monotone)
    return TableLaw(z, tuple(Knots(jnp.asarray(x)) for x in at), names, limits, monotone)


def _knots(name: str, i: int, names: Scaling, knots: Mapping[str, Sequence[float]] | int) -> np.ndarray:
    centre, size = float(names.centre[i]), float(names.size[i])
    if isinstance(knots, int):
        signed = name in (*names.attributes, *names.forcings) or "temperature" in name
        return np.linspace(centre - REACH * size if signed else 0.0, centre + REACH * size, max(knots, 2))
    at = np.asarray(knots.get(name, ()), float)
    if at.size < 2 or not np.all(np.diff(at) > 0):
        raise DgeoError(f"The table needs two or more rising knots for {name!r} and was given {at.tolist()}.")
    return at


def _monotone(
    slot: str, inputs: Sequence[str], increasing: Sequence[str], decreasing: Sequence[str]
) -> tuple[int, int] | None:
    named = [*increasing, *decreasing]
    if any(name not in inputs for name in named) or len(named) > 1:
        raise DgeoError(
            f"A table (in the slot {slot!r}) can be monotone in one of its inputs {list(inputs)} and was asked to be "
            f"so in {named}; a network can be in several."
        )
    return (list(inputs).index(named[0]), 1 if increasing else -1) if named else None


def _summed(d: Array, axis: int, sign: int) -> Array:
    """Z from its first value along the axis and the steps that follow."""
    first, steps = jax.lax.slice_in_dim(d, 0, 1, axis=axis), jax.lax.slice_in_dim(d, 1, None, axis=axis)
    return jnp.cumsum(jnp.concatenate([first, sign * jax.nn.softplus(steps)], axis), axis)


def _steps(z: Array, axis: int, sign: int) -> Array:
    """The numbers whose sums are z; where z goes the wrong way, a hundredth the right way."""
    first, size = jax.lax.slice_in_dim(z, 0, 1, axis=axis), jnp.maximum(sign * jnp.diff(z, axis=axis), 0.01)
    return jnp.concatenate([first, size + jnp.log(-jnp.expm1(-size))], axis)


def _textbook(model: Model, slot: str, inputs: Sequence[str], at: tuple[np.ndarray, ...]) -> Array | None:
    """The slot's present law at all knots; None where it reads an attribute, of which no typical value is known."""
    law: Law = model.present_laws[slot]
    if set(attributes_of(law)) - set(inputs):
        return None
    typical = typical_sizes(model, slot) | {name: p.default for name, p in model.all_parameters.items()}
    grid = jnp.meshgrid(*map(jnp.asarray, at), indexing="ij")

    def one(*place: Array) -> Array:
        fixed = {name: jnp.full_like(place[0], typical[name]) for name in law.inputs if name not in inputs}
        return law({**fixed, **dict(zip(inputs, place, strict=True))})

    return jax.vmap(one)(*(x.reshape(-1) for x in grid)).reshape(grid[0].shape)


def _unbounded(limits: Limits, y: Array) -> Array:
    """The z of y; what lies on a limit counts as a thousandth of the size (or of the range) inside it."""
    if math.isfinite(limits.low) and math.isfinite(limits.high):
        share = jnp.clip((y - limits.low) / (limits.high - limits.low), 1e-3, 1 - 1e-3)
        return jnp.log(share) - jnp.log1p(-share)
    if math.isfinite(limits.low):
        return _inverse_softplus((y - limits.low) / limits.scale)
    if math.isfinite(limits.high):
        return -_inverse_softplus((limits.high - y) / limits.scale)
    return y / limits.scale


def _inverse_softplus(size: Array) -> Array:
    power = math.log(2) * jnp.maximum(size, 1e-3)
    return power + jnp.log(-jnp.expm1(-power))
