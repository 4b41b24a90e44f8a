"""How much a canopy resists evaporation, by light, dryness of the air and of the soil.

    1/rs = L·f(S)·f(D)·f(θ)/r₀ + 1/rd,   f(S) = S/(S + S₀),   f(D) = e^{−D/D₀},   f(θ) = (θ − θw)/(θc − θw) within 0…1

| symbol | meaning | unit |
|---|---|---|
| rs, r₀, rd | resistance of the canopy, least of a leaf, of a dry one in the dark: 5000 | s m⁻¹ |
| L | leaf area over ground | 1 |
| S, S₀ | shortwave radiation, that at which half of the stomata's opening is reached | W m⁻² |
| D, D₀ | vapour pressure deficit, that at which they close to 1/e | Pa |
| θ, θw, θc | soil moisture, at wilting, above which it limits no more | 1 |

A product of stresses after Jarvis (1976), doi:10.1098/rstb.1976.0035.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]

DRY = 5000.0  # [s m-1]


def jarvis(
    shortwave_radiation: Scalar,
    vapour_pressure_deficit: Scalar,
    soil_moisture: Scalar,
    leaf_area_index: Scalar,
    least_resistance: Scalar,
    light_of_half_opening: Scalar,
    deficit_of_closure: Scalar,
    wilting_moisture: Scalar,
    limiting_moisture: Scalar,
) -> Scalar:
    """Resistance of a canopy [s m-1]."""
    light = jnp.maximum(shortwave_radiation, 0)
    opened = (
        light / (light + light_of_half_opening) * jnp.exp(-jnp.maximum(vapour_pressure_deficit, 0) / deficit_of_closure)
    )
    wet = jnp.clip((soil_moisture - wilting_moisture) / (limiting_moisture - wilting_moisture), 0.0, 1.0)
    return 1 / (leaf_area_index * opened * wet / least_resistance + 1 / DRY)
