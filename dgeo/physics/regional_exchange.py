"""Groundwater that crosses the divide: what a basin gains from, or loses to, the region around it.

    LF = RT·clip((Ac − AC)/1000, −1, 1)             Ac < 2500 km²
    LF = RT·exp(clip(−(Ac − 2500)/50, −10, 0))      Ac ≥ 2500 km²
    F  = x2·(R/x3)^(7/2)                            GR4J

| symbol | name | unit |
|---|---|---|
| LF | exchange, positive where the basin gains | mm d⁻¹ |
| Ac | upstream area | km² |
| RT | regional_flow_max | mm d⁻¹ |
| AC | regional_area, where no water is exchanged | km² |
| F | exchange of either branch of GR4J, positive where the basin gains | mm d⁻¹ |
| R | routing_store | mm |
| x2, x3 | exchange at the reference level x3 of the routing store | mm d⁻¹, mm |

It makes and destroys water as far as the basin is concerned, so a model declares it as an exchange in its budget and
limits a loss by what the store holds. Reference: Song et al. (2025), Water Resour. Res. 61, doi:10.1029/2024WR038928
(HBV 2.0); Perrin et al. (2003), J. Hydrol. 279, doi:10.1016/S0022-1694(03)00225-7 (GR4J).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics.square_root import square_root

Scalar = Float[Array, ""]


def none(storage: Scalar) -> Scalar:
    """A basin that ends at its divide [mm d⁻¹]."""
    return jnp.zeros_like(storage)


def by_area(area: Scalar, regional_flow_max: Scalar, regional_area: Scalar) -> Scalar:
    """Gained or lost by the upstream area [mm d⁻¹]."""
    headwater = jnp.clip((area - regional_area) / 1000, -1.0, 1.0)
    river = jnp.exp(jnp.clip(-(area - 2500) / 50, -10.0, 0.0))
    return regional_flow_max * jnp.where(area < 2500, headwater, river)


def by_storage(routing_store: Scalar, x2: Scalar, x3: Scalar) -> Scalar:
    """Gained, or lost where x2 is negative, the more the fuller the routing store is [mm d⁻¹]."""
    level = routing_store / x3
    return x2 * (level * level * level * square_root(level))
