"""Heat, temperature and liquid water of a soil that freezes over a range of temperature.

    T = h/Ct                              h ≥ 0, thawed
    T = h·w/(L + C·w)                     between, C = (Ct + Cf)/2
    T = −w + (h + L + C·w)/Cf             h ≤ −(L + C·w), frozen
    liquid share = 1 + h/(L + C·w), within 0…1
    k = kf^(1 − liquid share)·kt^(liquid share)

Heat is counted from thawed soil at 0 °C. Every heat has one temperature, also where the range w is nothing and the
converse fails; so heat is what a model carries.

| symbol | name | unit |
|---|---|---|
| h | heat_content | MJ m⁻³ |
| T | temperature | °C |
| Ct, Cf | thawed_heat_capacity, frozen_heat_capacity | MJ m⁻³ K⁻¹ |
| L | latent_heat, 334 MJ m⁻³ of water times the water content | MJ m⁻³ |
| w | freezing_range | K |
| k, kt, kf | thermal conductivity, thawed_conductivity, frozen_conductivity | W m⁻¹ K⁻¹ |

References: Lunardini (1981), Heat transfer in cold climates, for the freezing range; the geometric mean of
conductivities: Johansen (1975), Thermal conductivity of soils, Trondheim.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import at_least, positive_part

Scalar = Float[Array, ""]
SMALLEST = 1e-6  # [MJ m-3] least heat of freezing


def heat_of_freezing(
    latent_heat: Scalar, freezing_range: Scalar, thawed_heat_capacity: Scalar, frozen_heat_capacity: Scalar
) -> Scalar:
    """What leaves a soil that freezes through its range [MJ m⁻³]."""
    capacity = (thawed_heat_capacity + frozen_heat_capacity) / 2
    return at_least(latent_heat + capacity * freezing_range, SMALLEST)


def temperature(
    heat_content: Scalar,
    latent_heat: Scalar,
    freezing_range: Scalar,
    thawed_heat_capacity: Scalar,
    frozen_heat_capacity: Scalar,
) -> Scalar:
    """Temperature [°C]."""
    freezing = heat_of_freezing(latent_heat, freezing_range, thawed_heat_capacity, frozen_heat_capacity)
    warm = positive_part(heat_content) / thawed_heat_capacity
    slush = freezing_range * jnp.clip(heat_content / freezing, -1.0, 0.0)
    return warm + slush - positive_part(-freezing - heat_content) / frozen_heat_capacity


def heat_at(
    temperature: Scalar,
    latent_heat: Scalar,
    freezing_range: Scalar,
    thawed_heat_capacity: Scalar,
    frozen_heat_capacity: Scalar,
) -> Scalar:
    """Heat content at a temperature [MJ m⁻³]; at 0 °C, where no range makes it many, that of thawed soil."""
    freezing = heat_of_freezing(latent_heat, freezing_range, thawed_heat_capacity, frozen_heat_capacity)
    wide = freezing_range > 0
    share = positive_part(-temperature) / jnp.where(wide, freezing_range, 1.0)
    frozen = jnp.where(wide, jnp.minimum(share, 1.0), jnp.where(temperature < 0, 1.0, 0.0).astype(temperature.dtype))
    colder = positive_part(-freezing_range - temperature)
    return thawed_heat_capacity * positive_part(temperature) - freezing * frozen - frozen_heat_capacity * colder


def liquid_share(
    heat_content: Scalar,
    latent_heat: Scalar,
    freezing_range: Scalar,
    thawed_heat_capacity: Scalar,
    frozen_heat_capacity: Scalar,
) -> Scalar:
    """Share of the freezing water that is liquid [1]."""
    freezing = heat_of_freezing(latent_heat, freezing_range, thawed_heat_capacity, frozen_heat_capacity)
    return 1 + jnp.clip(heat_content / freezing, -1.0, 0.0)


def conductivity(liquid_share: Scalar, thawed_conductivity: Scalar, frozen_conductivity: Scalar) -> Scalar:
    """Thermal conductivity [W m⁻¹ K⁻¹]."""
    return jnp.exp(liquid_share * jnp.log(thawed_conductivity) + (1 - liquid_share) * jnp.log(frozen_conductivity))
