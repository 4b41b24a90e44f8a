"""Sun above the horizon: day length and radiation at the top of the atmosphere, for a day or a part of it.

    Ra = (24·60/π) Gsc dr (ωs sin φ sin δ + cos φ cos δ sin ωs)          FAO-56 eq. 21
    cos ωs = −tan φ tan δ,   δ = 0.409 sin(2πJ/365 − 1.39),   dr = 1 + 0.033 cos(2πJ/365)

    Ra  extraterrestrial radiation on a level surface    [MJ m-2 d-1]
    Gsc solar constant, 0.0820                           [MJ m-2 min-1]
    φ   latitude, given in degrees                       [rad]
    δ   declination of the sun                           [rad]
    dr  inverse relative distance to the sun, squared    [1]
    ωs  hour angle of sunset                             [rad]
    J   day of the year, 1 to 366                        [d]

Of a part of the day only the hours with the sun up count (eq. 28 with its hour angles held within ±ωs), so
the parts of a day have the mean of the day. In polar night ωs = 0, in polar day ωs = π. Arguments broadcast
when their ranks agree: `latitude[None, :]` with `day_of_year[:, None]`.

Allen, R. G., Pereira, L. S., Raes, D., Smith, M. (1998), Crop evapotranspiration, FAO Irrigation and Drainage
Paper 56, Rome, chapter 3.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import at_least, positive_part

SOLAR_CONSTANT = 0.0820 * 60 * 24  # [MJ m-2 d-1]
SECONDS_A_DAY = 86400.0

Field = Float[Array, "*#shape"]


def declination(day_of_year: Field) -> Field:
    """Declination of the sun [rad], FAO-56 eq. 24."""
    return 0.409 * jnp.sin(2 * jnp.pi / 365 * day_of_year - 1.39)


def inverse_relative_distance(day_of_year: Field) -> Field:
    """(mean distance / distance)² of the sun [1], FAO-56 eq. 23."""
    return 1 + 0.033 * jnp.cos(2 * jnp.pi / 365 * day_of_year)


def sunset_hour_angle(latitude: Field, day_of_year: Field) -> Field:
    """Hour angle at which the sun sets [rad], FAO-56 eq. 25: 0 in polar night, π in polar day.

    Where the sun neither rises nor sets the derivative is 0.
    """
    vertical, horizontal = _noon_components(latitude, day_of_year)
    cosine = -vertical / horizontal
    polar = jnp.abs(cosine) >= 1
    return jnp.where(polar, jnp.where(cosine < 0, jnp.pi, 0.0), jnp.arccos(jnp.where(polar, 0.0, cosine)))


def day_length(latitude: Field, day_of_year: Field) -> Field:
    """Time between sunrise and sunset [s], FAO-56 eq. 34."""
    return SECONDS_A_DAY / jnp.pi * sunset_hour_angle(latitude, day_of_year)


def extraterrestrial_radiation(latitude: Field, day_of_year: Field) -> Field:
    """Mean over a day of the radiation at the top of the atmosphere [MJ m-2 d-1], FAO-56 eq. 21."""
    sunset = sunset_hour_angle(latitude, day_of_year)
    mean = _energy_to(sunset, latitude, day_of_year) / jnp.pi
    return SOLAR_CONSTANT * inverse_relative_distance(day_of_year) * positive_part(mean)


def solar_time(hour: Field, longitude: Field, day_of_year: Field) -> Field:
    """Hour of the sun [h] at an hour of universal time, FAO-56 eqs. 31 to 33; the sun is highest at 12."""
    angle = 2 * jnp.pi / 364 * (day_of_year - 81)
    correction = 0.1645 * jnp.sin(2 * angle) - 0.1255 * jnp.cos(angle) - 0.025 * jnp.sin(angle)
    return hour + longitude / 15 + correction


def interval_extraterrestrial_radiation(
    latitude: Field, day_of_year: Field, solar_time: Field, hours: float = 1.0
) -> Field:
    """Mean radiation at the top of the atmosphere over `hours` centred at a solar time [h], in [MJ m-2 d-1].

    FAO-56 eq. 28 for the part of the interval with the sun up, as a rate: times hours/24 it is [MJ m-2].
    """
    middle, half = jnp.pi / 12 * (solar_time - 12), jnp.pi / 24 * hours
    upper, lower = (_energy_until(angle, latitude, day_of_year) for angle in (middle + half, middle - half))
    mean = positive_part(upper - lower) / (2 * half)
    return SOLAR_CONSTANT * inverse_relative_distance(day_of_year) * mean


def _noon_components(latitude: Field, day_of_year: Field) -> tuple[Field, Field]:
    """Vertical sin φ sin δ and horizontal cos φ cos δ part of the sun's elevation at noon.

    The latter stays positive: at the poles the sign of a rounded cos φ would swap day and night.
    """
    phi, delta = jnp.deg2rad(latitude), declination(day_of_year)
    horizontal = at_least(jnp.cos(phi), jnp.full_like(phi, 1e-6)) * jnp.cos(delta)
    return jnp.sin(phi) * jnp.sin(delta), horizontal


def _energy_to(hour_angle: Field, latitude: Field, day_of_year: Field) -> Field:
    """∫ sin(elevation) dω from noon to an hour angle with the sun up."""
    vertical, horizontal = _noon_components(latitude, day_of_year)
    return hour_angle * vertical + horizontal * jnp.sin(hour_angle)


def _energy_until(hour_angle: Field, latitude: Field, day_of_year: Field) -> Field:
    """∫ max(sin(elevation), 0) dω from noon to any hour angle, through as many days as it takes."""
    sunset = sunset_hour_angle(latitude, day_of_year)
    days = jnp.floor(hour_angle / (2 * jnp.pi) + 0.5)
    up = jnp.clip(hour_angle - 2 * jnp.pi * days, -sunset, sunset)
    return 2 * days * _energy_to(sunset, latitude, day_of_year) + _energy_to(up, latitude, day_of_year)
