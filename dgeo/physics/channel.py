"""Steady uniform flow in a channel of trapezoidal section, by Manning's formula.

    A = b·h + z·h²      B = b + 2·z·h      P = b + 2·h·√(1 + z²)
    Q = A·(A/P)^{2/3}·√S/n

| symbol | name | unit |
|---|---|---|
| h | depth | m |
| A, B, P | wetted area, top width, wetted perimeter | m², m, m |
| b, z | bottom width, run of the banks over their rise | m, 1 |
| S | bed slope | 1 |
| n | Manning's roughness | s m^{−1/3} |
| Q | discharge | m³ s⁻¹ |

The depth of an area is the positive root h = 2A/(b + √(b² + 4zA)), which is right for z = 0 too. A hydraulic radius
below 1e-7 m counts as that in the velocity, so that a channel which falls dry still has a celerity.

Reference: Chow, Maidment & Mays (1988) Applied Hydrology, section 9.3 and Table 2.5.1.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import at_least

Reaches = Float[Array, "*reach"]
THINNEST = 1e-7  # [m]


def depth(area: Reaches, bottom_width: Reaches, side_slope: Reaches) -> Reaches:
    """Depth of flow [m] of a wetted area [m²]."""
    return 2 * area / (bottom_width + jnp.sqrt(bottom_width**2 + 4 * side_slope * area))


def area(depth: Reaches, bottom_width: Reaches, side_slope: Reaches) -> Reaches:
    """Wetted area [m²] at a depth [m]."""
    return (bottom_width + side_slope * depth) * depth


def top_width(depth: Reaches, bottom_width: Reaches, side_slope: Reaches) -> Reaches:
    """Width of the water's surface [m]."""
    return bottom_width + 2 * side_slope * depth


def velocity(depth: Reaches, bottom_width: Reaches, side_slope: Reaches, slope: Reaches, roughness: Reaches) -> Reaches:
    """Mean velocity of uniform flow [m s⁻¹], by Manning's formula."""
    perimeter = bottom_width + 2 * depth * jnp.sqrt(1 + side_slope**2)
    radius = at_least(area(depth, bottom_width, side_slope) / perimeter, jnp.full_like(depth, THINNEST))
    return jnp.exp(2 / 3 * jnp.log(radius)) * jnp.sqrt(slope) / roughness
