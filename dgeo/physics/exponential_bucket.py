"""A soil whose baseflow falls exponentially with its deficit, as in EXP-HYDRO.

    evaporation = E·min(S/Smax, 1)                                       E by Hamon
    discharge   = Qmax·exp(−f·max(Smax − S, 0)) + max(S − Smax, 0)/1 d   baseflow and overflow

| symbol | name | unit |
|---|---|---|
| S | soil_moisture | mm |
| Smax | capacity | mm |
| Qmax | largest_baseflow | mm d⁻¹ |
| f | recession | mm⁻¹ |
| E | potential evapotranspiration | mm d⁻¹ |

Reference: Patil & Stieglitz (2014), doi:10.1002/hyp.9660; in continuous time Höge et al. (2022),
doi:10.5194/hess-26-5085-2022.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import HARD, Thresholds
from dgeo.physics.evapotranspiration import hamon

Scalar = Float[Array, ""]


def evaporation(
    temperature: Scalar,
    day_length: Scalar,
    soil_moisture: Scalar,
    capacity: Scalar,
    *,
    thresholds: Thresholds = HARD,
) -> Scalar:
    """Hamon's potential, reduced in proportion where the soil is not full [mm d⁻¹]; day length in seconds."""
    wetness = soil_moisture / capacity
    return hamon(temperature, day_length) * thresholds.minimum(wetness, jnp.ones_like(wetness))


def discharge(
    soil_moisture: Scalar,
    capacity: Scalar,
    largest_baseflow: Scalar,
    recession: Scalar,
    *,
    thresholds: Thresholds = HARD,
) -> Scalar:
    """Baseflow, and what stands above the capacity within a day [mm d⁻¹]."""
    deficit = thresholds.positive_part(capacity - soil_moisture)
    return largest_baseflow * jnp.exp(-recession * deficit) + thresholds.positive_part(soil_moisture - capacity)
