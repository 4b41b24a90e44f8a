"""Groundwater that crosses the divide: what a basin gains from, or loses to, the region around it.

    LF = RT·clip((Ac − AC)/1000, −1, 1)             Ac < 2500 km²
    LF = RT·exp(clip(−(Ac − 2500)/50, −10, 0))      Ac ≥ 2500 km²

| symbol | name | unit |
|---|---|---|
| LF | exchange, positive where the basin gains | mm d⁻¹ |
| Ac | upstream area | km² |
| RT | regional_flow_max | mm d⁻¹ |
| AC | regional_area, where no water is exchanged | km² |

It makes and destroys water as far as the basin is concerned, so a model declares it as an exchange in its budget and
limits a loss by what the store holds. Reference: Song et al. (2025), Water Resour. Res. 61, doi:10.1029/2024WR038928
(HBV 2.0).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]


def none(storage: Scalar) -> Scalar:
    """A basin that ends at its divide [mm d⁻¹]."""
    return jnp.zeros_like(storage)


def by_area(area: Scalar, regional_flow_max: Scalar, regional_area: Scalar) -> Scalar:
    """Gained or lost by the upstream area [mm d⁻¹]."""
    headwater = jnp.clip((area - regional_area) / 1000, -1.0, 1.0)
    river = jnp.exp(jnp.clip(-(area - 2500) / 50, -10.0, 0.0))
    return regional_flow_max * jnp.where(area < 2500, headwater, river)
