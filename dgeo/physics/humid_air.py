"""Properties of moist air that evaporation depends on.

    es = 610.8 exp(17.27 T / (T + 237.3))      saturation vapour pressure [Pa]      FAO-56 eq. 11
    Δ  = 4098 es / (T + 237.3)²                its slope [Pa K-1]                   FAO-56 eq. 13
    p  = 101300 ((293 − 0.0065 z)/293)^5.26    air pressure [Pa]                    FAO-56 eq. 7
    γ  = 0.000665 p                            psychrometric constant [Pa K-1]      FAO-56 eq. 8

with T temperature [degC] and z elevation [m]. Allen, R. G., Pereira, L. S., Raes, D., Smith, M. (1998), Crop
evapotranspiration, FAO Irrigation and Drainage Paper 56, Rome, chapter 3.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


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
    return 0.665e-3 * air_pressure(elevation)
