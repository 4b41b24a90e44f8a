"""The temperature at which a surface gives off the energy it receives.

    Rn − G = H + λE,    H = ρ·cp·(Ts − T)/ra,    λE = ρ·cp/γ·(es(Ts) − ea)/(ra + rs)
    Rn = Rn₀ − ε·σ·(Ts⁴ − T⁴)

| symbol | meaning | unit |
|---|---|---|
| Ts, T | temperature of the surface, of the air; in the fourth power absolute | °C, K |
| Rn, Rn₀ | net radiation, what it would be if the surface were as warm as the air | W m⁻² |
| G | heat into the ground | W m⁻² |
| H, λE | sensible heat, latent heat | W m⁻² |
| ρ·cp, γ, es, ea, ra, rs | see `dgeo.physics.penman_monteith` | |
| ε | emissivity of the surface; 0 where Rn itself is measured | 1 |
| σ | 5.670374e-8 | W m⁻² K⁻⁴ |

What it gives off rises with Ts, so that there is one root; Newton finds it between −200 °C and 500 K above the air's
temperature, with the derivative of the implicit function. Penman–Monteith is the same balance with es(Ts) made linear
at T: it errs by the square of Ts − T. Monteith & Unsworth (2013), Principles of environmental physics, 4th ed.,
chapter 13.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics.bracket import bracketed_root
from dgeo.physics.humid_air import HEAT_CAPACITY, air_density, saturation_vapour_pressure

Scalar = Float[Array, ""]

STEFAN_BOLTZMANN = 5.670374e-8  # [W m-2 K-4]
ZERO_CELSIUS = 273.15
SPAN = 500.0  # [K]
COLDEST = -200.0  # [degC]


class Air(NamedTuple):
    """What is above the surface: temperature [degC], vapour pressure and pressure [Pa], γ [Pa K-1], ra [s m-1]."""

    temperature: Scalar
    vapour_pressure: Scalar
    pressure: Scalar
    psychrometric: Scalar
    resistance: Scalar

    @property
    def heat_capacity(self) -> Scalar:
        """ρ·cp [J m-3 K-1]."""
        return HEAT_CAPACITY * air_density(self.temperature, self.pressure)


def sensible_heat(surface_temperature: Scalar, air: Air) -> Scalar:
    """H [W m-2] of a surface at a temperature [degC]."""
    return air.heat_capacity * (surface_temperature - air.temperature) / air.resistance


def latent_heat(surface_temperature: Scalar, air: Air, surface_resistance: Scalar) -> Scalar:
    """λE [W m-2] of a surface at a temperature [degC] and a resistance [s m-1]."""
    deficit = saturation_vapour_pressure(surface_temperature) - air.vapour_pressure
    return air.heat_capacity / air.psychrometric * deficit / (air.resistance + surface_resistance)


def emitted(surface_temperature: Scalar, air: Air, emissivity: Scalar) -> Scalar:
    """Longwave radiation beyond what a surface as warm as the air would emit, Rn₀ − Rn [W m-2]."""
    warm, cool = (t + ZERO_CELSIUS for t in (surface_temperature, air.temperature))
    return emissivity * STEFAN_BOLTZMANN * (warm**2 + cool**2) * (warm + cool) * (warm - cool)


def surface_temperature(
    available_energy: Scalar, air: Air, surface_resistance: Scalar, emissivity: Scalar | float = 0.0
) -> Scalar:
    """Ts [degC] from Rn − G, or Rn₀ − G with an emissivity, [W m-2], the air and rs [s m-1]."""

    def excess(temperature: Scalar) -> Scalar:
        given = sensible_heat(temperature, air) + latent_heat(temperature, air, surface_resistance)
        return given + emitted(temperature, air, jnp.asarray(emissivity, temperature.dtype)) - available_energy

    low, high = jnp.full_like(air.temperature, COLDEST), air.temperature + SPAN
    return bracketed_root(excess, low, high, air.temperature)
