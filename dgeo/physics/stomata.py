"""How far a leaf opens its stomata.

    Medlyn      gs = g0 + 1.6·(1 + g1/√D)·A/Ca
    Ball–Berry  gs = g0 + g1·h·A/Ca

| symbol | meaning | unit |
|---|---|---|
| gs | conductance for water vapour | mol m⁻² s⁻¹ |
| g0 | conductance without photosynthesis | mol m⁻² s⁻¹ |
| g1 | slope, of Medlyn [kPa^½] or of Ball–Berry [1] | |
| A | net assimilation, of which only the positive part opens them | µmol m⁻² s⁻¹ |
| Ca | CO2 of the air at the leaf | µmol mol⁻¹ |
| D | vapour pressure deficit, taken as 0.05 where less | kPa |
| h | relative humidity at the leaf | 1 |

Medlyn et al. (2011), doi:10.1111/j.1365-2486.2010.02375.x; Ball, Woodrow & Berry (1987),
doi:10.1007/978-94-017-0519-6_48. Conductance for CO2 is that for water vapour over 1.6.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import positive_part

Scalar = Float[Array, ""]

VAPOUR_TO_CO2 = 1.6
SMALLEST_DEFICIT = 0.05  # [kPa]


def medlyn(
    net_assimilation: Scalar,
    vapour_pressure_deficit: Scalar,
    carbon_dioxide: Scalar,
    residual_conductance: Scalar,
    stomatal_slope: Scalar,
) -> Scalar:
    """Stomatal conductance for water vapour [mol m-2 s-1], Medlyn et al. (2011) eq. 11."""
    deficit = jnp.maximum(vapour_pressure_deficit, SMALLEST_DEFICIT)
    slope = VAPOUR_TO_CO2 * (1 + stomatal_slope / jnp.sqrt(deficit))
    return residual_conductance + slope * positive_part(net_assimilation) / carbon_dioxide


def ball_berry(
    net_assimilation: Scalar,
    relative_humidity: Scalar,
    carbon_dioxide: Scalar,
    residual_conductance: Scalar,
    humidity_slope: Scalar,
) -> Scalar:
    """Stomatal conductance for water vapour [mol m-2 s-1], Ball, Woodrow & Berry (1987)."""
    return residual_conductance + humidity_slope * relative_humidity * positive_part(net_assimilation) / carbon_dioxide
