"""Evaporation from energy and the dryness of the air, as Penman and Monteith joined them.

    reference    ET₀ = (0.408·Δ·(Rn − G) + γ·900/(T + 273)·u₂·(es − ea)) / (Δ + γ·(1 + 0.34·u₂))          FAO-56 eq. 6
    resistances  λE  = (Δ·(Rn − G) + ρ·cp·(es − ea)/ra) / (Δ + γ·(1 + rs/ra))                             FAO-56 eq. 3
    wind         u₂  = u·4.87/ln(67.8·z − 5.42)                                                           FAO-56 eq. 47
    air          ra  = ln((z − d)/z₀)·ln((z − d)/(0.1·z₀))/(k²·u),  d = 2/3·h,  z₀ = 0.123·h              FAO-56 eq. 4
    sunshine     Rs  = (0.25 + 0.5·n/N)·Ra                                                                FAO-56 eq. 35

| symbol | meaning | unit |
|---|---|---|
| ET₀ | evapotranspiration of a short, well-watered grass | mm d⁻¹ |
| λE | latent heat of evaporation | W m⁻² |
| Rn, G | net radiation, heat into the ground | W m⁻², of the reference MJ m⁻² d⁻¹ |
| T | air temperature | °C |
| es, ea | vapour pressure at saturation, as it is | Pa |
| Δ, γ | slope of es, psychrometric constant | Pa K⁻¹ |
| ρ, cp | density of air, its heat capacity, 1013 | kg m⁻³, J kg⁻¹ K⁻¹ |
| ra, rs | resistance of the air, of the surface | s m⁻¹ |
| u, z, h | wind speed, at what height it is measured, height of the plants | m s⁻¹, m, m |

Where the air's resistance is known from the friction velocity u*: ra = u/u*² + 6.2·u*^{−2/3}, Thom (1972),
doi:10.1002/qj.49709841512, as Monteith & Unsworth have it for vegetation.

Allen, R. G., Pereira, L. S., Raes, D., Smith, M. (1998), Crop evapotranspiration, FAO Irrigation and Drainage Paper 56,
Rome, chapters 2 to 4.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.physics.evapotranspiration import WATER_PER_ENERGY
from dgeo.physics.humid_air import HEAT_CAPACITY, air_density, saturation_slope, saturation_vapour_pressure

Field = Float[Array, "*#shape"]

KARMAN = 0.41
CALM = 0.1  # [m s-1]: still air that moves less is taken to move so much
LEAST_FRICTION = 0.01  # [m s-1]


def reference_evapotranspiration(
    available_energy: Field,
    mean_temperature: Field,
    wind_at_two_metres: Field,
    saturation_pressure: Field,
    vapour_pressure: Field,
    psychrometric: Field,
) -> Field:
    """ET₀ [mm d-1] of a day.

    From Rn − G [MJ m-2 d-1], temperature [degC], wind [m s-1], es and ea of the day [Pa] and γ [Pa K-1].
    """
    slope = saturation_slope(mean_temperature)
    # pressures here are in Pa, and 900 is meant for kPa
    drying = psychrometric * 0.9 / (mean_temperature + 273) * wind_at_two_metres
    supply = WATER_PER_ENERGY * slope * available_energy + drying * (saturation_pressure - vapour_pressure)
    return supply / (slope + psychrometric * (1 + 0.34 * wind_at_two_metres))


def latent_heat(
    available_energy: Field,
    air_temperature: Field,
    vapour_pressure: Field,
    air_pressure: Field,
    psychrometric: Field,
    aerodynamic_resistance: Field,
    surface_resistance: Field,
) -> Field:
    """λE [W m-2] from Rn − G [W m-2], temperature [degC], pressures [Pa], γ [Pa K-1] and resistances [s m-1]."""
    slope = saturation_slope(air_temperature)
    heat = HEAT_CAPACITY * air_density(air_temperature, air_pressure) / aerodynamic_resistance
    deficit = saturation_vapour_pressure(air_temperature) - vapour_pressure
    damping = slope + psychrometric * (1 + surface_resistance / aerodynamic_resistance)
    return (slope * available_energy + heat * deficit) / damping


def wind_at_two_metres(wind_speed: Field, height: Field) -> Field:
    """Wind speed at 2 m [m s-1] from that at another height [m] over short grass."""
    return wind_speed * 4.87 / jnp.log(67.8 * height - 5.42)


def shortwave_from_sunshine(sunshine: Field, day_length: Field, extraterrestrial_radiation: Field) -> Field:
    """Rs in the unit of Ra, from hours of sunshine and of day."""
    return (0.25 + 0.5 * sunshine / day_length) * extraterrestrial_radiation


def aerodynamic_resistance(wind_speed: Field, measurement_height: Field, vegetation_height: Field) -> Field:
    """Resistance of neutral air over plants [s m-1], from wind [m s-1] and heights [m]."""
    above = measurement_height - 2 / 3 * vegetation_height
    rough = 0.123 * vegetation_height
    profile = jnp.log(above / rough) * jnp.log(above / (0.1 * rough))
    return profile / (KARMAN**2 * jnp.maximum(wind_speed, CALM))


def resistance_by_friction(wind_speed: Field, friction_velocity: Field) -> Field:
    """Resistance of air [s m-1] from wind speed and friction velocity [m s-1], both measured."""
    friction = jnp.maximum(friction_velocity, LEAST_FRICTION)
    return jnp.maximum(wind_speed, CALM) / friction**2 + 6.2 * jnp.exp(-2 / 3 * jnp.log(friction))
