"""Production of plants from the light they absorb.

    NPP = c·ε·A·f(T)·g(D),   f = (T − Tc)/(Tw − Tc),  g = (Dh − D)/(Dh − Dl), both within 0…1

| symbol | meaning | unit |
|---|---|---|
| NPP | carbon that becomes biomass | g m⁻² d⁻¹ |
| A | photosynthetically active radiation absorbed | MJ m⁻² d⁻¹ |
| ε | most carbon fixed for the light | g MJ⁻¹ |
| c | share of it that is not breathed out by the plant | 1 |
| T, Tc, Tw | temperature, below which nothing, above which all is possible: −8 and 10 | °C |
| D, Dl, Dh | vapour pressure deficit, up to which all, above which nothing is: 650 and 3500 | Pa |

Monteith (1972), doi:10.2307/2401901, with the ramps of Running et al. (2004),
doi:10.1641/0006-3568(2004)054[0547:ACSMOG]2.0.CO;2, in the round.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]

COLD, WARM = -8.0, 10.0  # [degC]
MOIST, DRY = 650.0, 3500.0  # [Pa]


def net_primary_production(
    absorbed_radiation: Scalar,
    temperature: Scalar,
    vapour_pressure_deficit: Scalar,
    light_use_efficiency: Scalar,
    carbon_use_efficiency: Scalar,
) -> Scalar:
    """NPP [g m-2 d-1] from light [MJ m-2 d-1], temperature [degC], deficit [Pa] and two efficiencies."""
    warmth = jnp.clip((temperature - COLD) / (WARM - COLD), 0.0, 1.0)
    moisture = jnp.clip((DRY - vapour_pressure_deficit) / (DRY - MOIST), 0.0, 1.0)
    return carbon_use_efficiency * light_use_efficiency * absorbed_radiation * warmth * moisture
