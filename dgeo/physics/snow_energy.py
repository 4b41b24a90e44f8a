"""What the air gives to a surface of snow, and how snow darkens.

    Q  = (1 − α)·S + ε·(R − σ·Ts⁴) + H + E·Ls
    H  = ρ·cp·C·u·(Ta − Ts)                    ρ = p/(287.05·Ta)
    E  = ρ·C·u·(qa − qi(Ts)),   q = 0.622·e/p,   ei = 611.2·e^{22.46 Ts/(Ts + 272.62)}
    C  = Cn/(1 + 10·Ri),   Ri = g·z·(Ta − Ts)/(Ta·u²) of stable air, 0 else;   Cn = (0.4/ln(z/z0))²

| symbol | name | unit |
|---|---|---|
| Q, H | heat and sensible heat into the snow | W m⁻² |
| E | vapour that settles, negative for sublimation | kg m⁻² s⁻¹ |
| S, R | shortwave_radiation, longwave_radiation, both downward | W m⁻² |
| Ta, Ts | temperature of the air, and of the surface, in K above | °C |
| u, e, p | wind_speed, vapour_pressure, air_pressure | m s⁻¹, Pa, Pa |
| α | albedo | 1 |
| C, z0 | exchange coefficient, roughness_length; instruments at z = 2 m | 1, m |

References: Essery (2015), doi:10.5194/gmd-8-3867-2015, for the structure and the albedo; stability after Louis (1979),
doi:10.1007/BF00117978, simplified; saturation over ice: WMO (2008), Guide to instruments, annex 4.B.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import positive_part

Scalar = Float[Array, ""]
FREEZING = 273.15  # [K]
EMISSIVITY, STEFAN_BOLTZMANN = 0.98, 5.670e-8  # [1], [W m-2 K-4]
HEAT_OF_AIR, HEAT_OF_SUBLIMATION = 1005.0, 2.835e6  # [J kg-1 K-1], [J kg-1]
HEIGHT, GRAVITY, KARMAN = 2.0, 9.81, 0.4  # [m], [m s-2], [1]
CALM = 0.3  # [m s-1] least wind: below it air moves by itself


class Heat(NamedTuple):
    """Heat into a surface [W m⁻²], and the vapour that settles on it [kg m⁻² s⁻¹]."""

    total: Scalar
    vapour: Scalar


def vapour_pressure_of_ice(temperature: Scalar) -> Scalar:
    """Vapour pressure at saturation over ice [Pa]."""
    return 611.2 * jnp.exp(22.46 * temperature / (temperature + 272.62))


def richardson_number(temperature: Scalar, surface_temperature: Scalar, wind_speed: Scalar) -> Scalar:
    """Bulk Richardson number [1]: positive where cold snow holds the air down."""
    wind = jnp.maximum(wind_speed, CALM)
    return GRAVITY * HEIGHT * (temperature - surface_temperature) / ((temperature + FREEZING) * wind**2)


def exchange(richardson_number: Scalar, roughness_length: Scalar) -> Scalar:
    """Exchange coefficient of heat and vapour [1]."""
    neutral = (KARMAN / jnp.log(HEIGHT / roughness_length)) ** 2
    return neutral / (1 + 10 * positive_part(richardson_number))


def heat_into_snow(
    surface_temperature: Scalar,
    exchange: Scalar,
    albedo: Scalar,
    temperature: Scalar,
    shortwave_radiation: Scalar,
    longwave_radiation: Scalar,
    wind_speed: Scalar,
    vapour_pressure: Scalar,
    air_pressure: Scalar,
) -> Heat:
    """The balance at the surface."""
    transfer = exchange * jnp.maximum(wind_speed, CALM) * air_pressure / (287.05 * (temperature + FREEZING))
    dryness = 0.622 / air_pressure * (vapour_pressure - vapour_pressure_of_ice(surface_temperature))
    sensible = HEAT_OF_AIR * transfer * (temperature - surface_temperature)
    longwave = EMISSIVITY * (longwave_radiation - STEFAN_BOLTZMANN * (surface_temperature + FREEZING) ** 4)
    vapour = transfer * dryness
    total = (1 - albedo) * shortwave_radiation + longwave + sensible + HEAT_OF_SUBLIMATION * vapour
    return Heat(total, vapour)


def darkening(surface_temperature: Scalar, darkening_cold: Scalar, darkening_wet: Scalar) -> Scalar:
    """Rate at which the albedo of old snow is approached [d⁻¹]: slow in frost, fast where it melts."""
    return jnp.where(surface_temperature < 0, darkening_cold, darkening_wet)
