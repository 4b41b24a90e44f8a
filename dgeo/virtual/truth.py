"""The truth: the physics marched in parts of a day, routed in the same parts, and kept as days.

Fluxes are means over the day, stores are as they stand at its end. Only one day at a time is there in
parts, so that memory does not grow with the fineness of the steps.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.engine import Parameters, initial_state, simulate
from dgeo.hybrid import GammaRouting
from dgeo.models import Model, Values
from dgeo.physics.solar import day_length
from dgeo.physics.unit_hydrograph import empty_tail
from dgeo.virtual.disaggregate import disaggregate

CHANNEL = "channel_storage"


@eqx.filter_jit
def simulate_truth(
    physics: Model,
    daily: Values,
    latitude: Float[Array, " basin"],
    day_of_year: Float[Array, " time"],
    parameters: Values,
    parts: int,
) -> Values:
    """Streamflow, water under way to the gauge, every flux and store of the physics, each [time, basin]."""
    routing, dt = GammaRouting(), 1 / parts
    within = Parameters({name: parameters[name] for name in physics.parameters}, {})
    kept = (*physics.fluxes, *physics.states)

    def one_day(carry: tuple[Values, Array], today: tuple[Values, Array]) -> tuple[tuple[Values, Array], Values]:
        state, tail = carry
        forcing = forcing_in_parts(today[0], latitude, today[1], parts)
        hourly, state = simulate(physics, forcing, within, state, dt=dt, outputs=kept)
        hourly["streamflow"], tail = routing(hourly["runoff"], parameters, tail, dt)
        means = {name: jnp.mean(hourly[name], axis=0) for name in (*physics.fluxes, "streamflow")}
        stored = {CHANNEL: routing.stored(parameters, tail, dt)}
        return (state, tail), means | stored | state

    start = (
        initial_state(physics, latitude.shape, latitude.dtype),
        empty_tail(routing.weights(parameters, dt)),
    )
    return jax.lax.scan(one_day, start, (daily, day_of_year))[1]


def forcing_in_parts(
    day: Values, latitude: Float[Array, " basin"], day_of_year: Float[Array, ""], parts: int
) -> Values:
    """The forcing of one day, [part, basin]; what has no course within the day (`day_length`) stays as it is."""
    light = day_length(latitude, jnp.broadcast_to(day_of_year, latitude.shape))
    return disaggregate(day, latitude, day_of_year, parts) | {"day_length": jnp.tile(light, (parts, 1))}
