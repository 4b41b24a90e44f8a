"""A network of river reaches and reservoirs: Muskingum–Cunge routing that keeps its water.

    V' = V + Δt·(q + Σ_above Q − Q),      X·I + (1 − X)·Q = Φ(V')

for every reach, from the headwaters down, with Φ by Manning's formula and X after Cunge (`dgeo.physics.muskingum`). A
reservoir releases Φ(V') = V'/k, or what its law gives of the water it holds. Time is counted in seconds here: a step
of an hour is `dt = 3600`.

A step of the whole network is sequential along its rivers, but many steps need not wait for one another: while a reach
computes hour t, the one above it may compute hour t + 1. `River.march` lets every reach compute in every round, each
for the hour that is its turn, so T hours take T + turns rounds over all reaches at once instead of T·turns. The
numbers are those of step after step, and so is the gradient, whose sweep runs up the rivers and back in time.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.models.law import Values
from dgeo.models.model import Scalar
from dgeo.models.river_network import Reach, RiverNetwork
from dgeo.numerics import at_least
from dgeo.physics import channel, muskingum

Geometry = tuple[Scalar, Scalar, Array]  # length, slope and whether it is a reservoir
Series = dict[str, Float[Array, "time reach"]]


class River(RiverNetwork):
    """Reaches that feel nothing of what is below them; laws and parameters are those of `RiverNetwork`."""

    iterations: int = eqx.field(static=True, default=4)

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One step of `dt` [s]; rounds over all reaches, as many as there are turns."""
        series = {name: x[None] for name, x in forcing.items()}
        state, fluxes = self.march(state, series, parameters, {}, dt, (*self.fluxes,))
        return state, {name: x[0] for name, x in fluxes.items()}

    def march(
        self, state: Values, forcing: Series, still: Values, moving: Series, dt: Scalar, kept: Sequence[str]
    ) -> tuple[Values, Series]:
        """All steps of a series; parameters are `still` or move with time. Returns the names `kept`, [time, reach]."""
        turn, steps = self.reaches.turn, forcing["lateral_inflow"].shape[0]
        rounds = jnp.arange(steps + self.reaches.turns - 1, dtype=turn.dtype)
        forcing, moving = jax.tree.map(lambda x: delayed(x, turn, self.reaches.turns - 1), (forcing, moving))

        @jax.checkpoint
        def body(carry: tuple[Values, Reach], now: tuple[Array, Values, Values]) -> tuple[tuple[Values, Reach], Values]:
            state, discharge = carry
            round_, forcing, moving = now
            has_turn = (round_ >= turn) & (round_ < turn + steps)
            after, fluxes = self._reach_steps(state, forcing, {**still, **moving}, self.reaches.gathered(discharge), dt)
            state = {name: jnp.where(has_turn, after[name], before) for name, before in state.items()}
            available = {**fluxes, **state}
            return (state, fluxes["discharge"]), {name: available[name] for name in kept}

        start = (state, jnp.zeros_like(state["volume"]))
        (state, _), outputs = jax.lax.scan(body, start, (rounds, forcing, moving))
        return state, {name: advanced(x, turn, steps) for name, x in outputs.items()}

    def _reach_steps(
        self, state: Values, forcing: Values, parameters: Values, above: Reach, dt: Scalar
    ) -> tuple[Values, Values]:
        """One step of every reach by itself, given what comes from above."""
        values = self._values(state, forcing, parameters)
        volume = state["volume"]
        geometry = (self.reaches.length, self.reaches.slope, self.reaches.reservoir)
        lateral = at_least(forcing["lateral_inflow"], -(above + volume / dt))
        discharge = jax.vmap(self._outflow, (0, 0, 0, 0, None))(values, volume, above + lateral, geometry, dt)
        leaving = jnp.where(self.reaches.outlets, discharge, jnp.zeros_like(discharge))
        after = {"volume": volume + dt * (above + lateral - discharge)}
        return after, {"inflow": lateral, "outflow": leaving, "discharge": discharge}

    def _values(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """What laws may read, [reach]."""
        return jax.vmap(self.values)(state, forcing, parameters)

    def _outflow(self, values: Values, volume: Scalar, inflow: Scalar, geometry: Geometry, dt: Scalar) -> Scalar:
        length, slope, is_reservoir = geometry
        given = (self, values, geometry)
        flow, rise = muskingum.slope_of(rating, volume, given)
        section = (values["bottom_width"], values["side_slope"])
        width = channel.top_width(channel.depth(volume / length, *section), *section)
        # R = Q/(B·S·c·L) and C = c·Δt/L with c = L·Φ'
        weight = muskingum.weight(rise * dt, flow / (width * slope * rise * length**2))
        weight = jnp.where(is_reservoir, jnp.zeros_like(weight), weight)
        return muskingum.outflow(rating, given, volume, inflow, weight, dt, self.iterations)


def rating(volume: Scalar, given: tuple[River, Values, Geometry]) -> Scalar:
    """What a reach discharges in uniform flow, or a reservoir releases, that holds a volume [m³ s⁻¹]."""
    river, values, (length, slope, is_reservoir) = given
    area, section = volume / length, (values["bottom_width"], values["side_slope"])
    depth = channel.depth(area, *section)
    roughness = river.law("roughness", {**values, "volume": volume, "depth": depth})
    flow = area * channel.velocity(depth, *section, slope, roughness)
    if not river.reaches.has_reservoirs:
        return flow
    return jnp.where(is_reservoir, river.law("release", {**values, "volume": volume, "depth": depth}), flow)


def delayed(series: Float[Array, "time reach"], turn: Array, longest: int) -> Float[Array, "round reach"]:
    """Every reach's series begun `turn` rounds later, and zeros around it."""
    padded = jnp.pad(series, ((longest, longest), (0, 0)))
    rounds = series.shape[0] + longest
    return jax.vmap(lambda x, late: jax.lax.dynamic_slice(x, (longest - late,), (rounds,)), (1, 0), 1)(padded, turn)


def advanced(series: Float[Array, "round reach"], turn: Array, steps: int) -> Float[Array, "time reach"]:
    """The undoing of `delayed`."""
    return jax.vmap(lambda x, late: jax.lax.dynamic_slice(x, (late,), (steps,)), (1, 0), 1)(series, turn)
