"""From days to parts of days, with the mean of every day kept.

    T(h)   = T + ½ (Tmax − Tmin)·cos 2π(h − 15)/24
    P(h)   = P·softmax_h(κ cos 2π(h − 17)/24)·n,      κ = min(max(T, 0), 20)/8
    PET(h) = PET·Ra(h)/Ra

h is the local solar hour at the middle of each of the n parts. On warm days rain falls in storms of the
late afternoon, on cold days through the whole day; the κ above leaves at 20 degC about half of it in four
hours. Potential evapotranspiration follows the sun.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.models import Values
from dgeo.physics.solar import interval_extraterrestrial_radiation

Part = Float[Array, "part basin"]


def hours(parts: int) -> Float[Array, "part 1"]:
    """The solar hour at the middle of each part of a day [h]."""
    return ((jnp.arange(parts, dtype=jnp.float32) + 0.5) * (24 / parts))[:, None]


def disaggregate(day: Values, latitude: Float[Array, " basin"], day_of_year: Float[Array, ""], parts: int) -> Values:
    """One day of daily means, each [basin] → `parts` means, each [part, basin]."""
    hour = hours(parts)
    row = {name: value[None] for name, value in day.items()}
    half_range = (row["temperature_max"] - row["temperature_min"]) / 2
    storminess = jnp.clip(row["temperature"], 0.0, 20.0) / 8
    storm = jax.nn.softmax(storminess * _wave(hour, 17.0), axis=0)
    sun = interval_extraterrestrial_radiation(latitude[None], day_of_year[None, None], hour, 24 / parts)
    return {
        "precipitation": row["precipitation"] * storm * parts,
        "temperature": row["temperature"] + half_range * _wave(hour, 15.0),
        "potential_evapotranspiration": row["potential_evapotranspiration"] * sun / jnp.mean(sun, axis=0)[None],
    }


def _wave(hour: Float[Array, "part 1"], highest: float) -> Float[Array, "part 1"]:
    return jnp.cos(2 * jnp.pi / 24 * (hour - highest))
