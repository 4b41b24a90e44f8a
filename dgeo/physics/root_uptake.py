"""What share of their demand roots can draw from a soil that dries out.

    s-shaped        share = 1/(1 + (ψ/ψ½)³)                                                van Genuchten (1987)
    Feddes          share = 0 in air-less soil, 1 between ψ₂ and ψ₃, 0 beyond wilting;   linear between these

| symbol | name | unit |
|---|---|---|
| ψ | pressure_head | m |
| ψ½ | head_of_half_uptake, negative | m |

References: van Genuchten (1987), A numerical model for water and solute movement in and below the root zone, US
Salinity Laboratory; Feddes, Kowalik & Zaradny (1978), Simulation of field water use and crop yield, Pudoc.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import positive_part

Scalar = Float[Array, ""]
DROWNED, AIRED, DRYING, WILTED = -0.1, -0.25, -5.0, -160.0  # [m]


def s_shaped(pressure_head: Scalar, head_of_half_uptake: Scalar) -> Scalar:
    """Share of the demand [1]."""
    return 1 / (1 + positive_part(pressure_head / head_of_half_uptake) ** 3)


def feddes(pressure_head: Scalar) -> Scalar:
    """Share of the demand [1], with the heads of a common meadow."""
    air = (pressure_head - DROWNED) / (AIRED - DROWNED)
    water = (pressure_head - WILTED) / (DRYING - WILTED)
    return jnp.clip(jnp.minimum(air, water), 0.0, 1.0)
