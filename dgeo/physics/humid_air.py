"""Properties of moist air that evaporation depends on.

    es = 610.8 exp(17.27 T / (T + 237.3))      saturation vapour pressure [Pa]      FAO-56 eq. 11
    Δ  = 4098 es / (T + 237.3)²                its slope [Pa K-1]                   FAO-56 eq. 13
    p  = 101300 ((293 − 0.0065 z)/293)^5.26    air pressure [Pa]                    FAO-56 eq. 7
    γ  = 0.000665 p                            psychrometric constant [Pa K-1]      FAO-56 eq. 8
    ρ  = p / (287.05 (T + 273.15))             density of dry air [kg m-3]

with T temperature [degC] and z elevation [m]. Allen, R. G., Pereira, L. S., Raes, D., Smith, M. (1998), Crop
evapotranspiration, FAO Irrigation and Drainage Paper 56, Rome, chapter 3.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

HEAT_CAPACITY = 1013.0  # of moist air at constant pressure [J kg-1 K-1]
PSYCHROMETRIC = 0.665e-3  # γ over the pressure [K-1]


def saturation_vapour_pressure(temperature: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Vapour pressure over water at saturation [Pa] at a temperature [degC]."""
    return 610.8 * jnp.exp(17.27 * temperature / (temperature + 237.3))


def saturation_slope(temperature: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Derivative of the saturation vapour pressure with temperature [Pa K-1] at a temperature [degC]."""
    return 4098 * saturation_vapour_pressure(temperature) / (temperature + 237.3) ** 2


def air_pressure(elevation: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Pressure of the standard atmosphere [Pa] at an elevation [m]."""
    return 101300 * (1 - 0.0065 / 293 * elevation) ** 5.26


def psychrometric_constant(elevation: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Pressure ratio in the balance of heat and vapour [Pa K-1] at an elevation [m]."""
    return PSYCHROMETRIC * air_pressure(elevation)


def air_density(temperature: Float[Array, "*shape"], pressure: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Density of dry air [kg m-3] at a temperature [degC] and a pressure [Pa]."""
    return pressure / (287.05 * (temperature + 273.15))
