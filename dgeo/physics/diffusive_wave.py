"""The diffusive wave: water flows by the slope of its surface, so that what is below is felt above.

    Q = K(h_f)·√S,      S = Δη/ℓ,      η = bed + depth

| symbol | name | unit |
|---|---|---|
| Q | discharge through the face between two reaches | m³ s⁻¹ |
| K | conveyance A·R^{2/3}/n at the depth h_f of the face | m³ s⁻¹ |
| Δη, ℓ | fall of the water's surface from one centre to the next, and their distance | m |
| S | slope of the surface, negative where water flows up the river | 1 |

**The root.** √S has no slope at 0, where lakes and slack tides are. Here y = √S solves y·√(y² + ε) = S with ε = 1e-9:
smooth, odd, and off by ε/(4S) of itself elsewhere, 1e-5 at a slope of 2.5e-5. As a function of y, the left side is a
convex one that Newton's method descends without turning back, which it does not on √S, where it jumps from S to −S.

**The depth of a face** lies between those of both sides, nearer to the side that the water comes from:

    h_f = h_up + w·(h_down − h_up),      w = ½·ρ/(1 + ρ),      ρ = 0.6·h_up/(|Δη| + |h_down − h_up|)

In backwater ρ is large, w = ½ and the scheme is of second order; where water runs down a steep bed w tends to 0. No
reach gives what it does not hold, and in a wide channel no flow rises with the depth below it, as w·5/3·|Δη| stays
under h_f/2. A flood wave disperses by Q/(2BS), and by c·ℓ·(½ − w) that the grid adds: reaches shorter than 0.6·h/S keep
that small.

Reference: Cunge, Holly & Verwey (1980) Practical aspects of computational river hydraulics, section 2.5.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.physics import channel

Reaches = Float[Array, "*reach"]
STILL = 1e-9  # [1]: ε
NOTHING = 1e-12  # [m]


def root_of_slope(slope: Reaches) -> Reaches:
    """The root y = ±√|S|, rounded about 0."""
    return slope / jnp.sqrt((STILL + jnp.sqrt(STILL**2 + 4 * slope**2)) / 2)


def slope_of_root(root: Reaches) -> tuple[Reaches, Reaches]:
    """S and dS/dy of y = √S, the inverse of `root_of_slope`."""
    length = jnp.sqrt(root**2 + STILL)
    return root * length, (2 * root**2 + STILL) / length


def face_depth(depth: Reaches, below: Reaches, root: Reaches, distance: Reaches) -> Reaches:
    """Depth h_f [m] between a reach and the one below it, by y and ℓ; 0 where nothing is that could flow."""
    upper, lower = jnp.where(root >= 0, depth, below), jnp.where(root >= 0, below, depth)
    felt, fall = 0.6 * upper, jnp.abs(slope_of_root(root)[0]) * distance
    weight = felt / (2 * (felt + fall + jnp.abs(lower - upper) + NOTHING))
    return upper + weight * (lower - upper)


def conveyance(depth: Reaches, bottom_width: Reaches, side_slope: Reaches, roughness: Reaches) -> Reaches:
    """K = A·R^{2/3}/n [m³ s⁻¹]."""
    steep = jnp.ones_like(depth)
    return channel.area(depth, bottom_width, side_slope) * channel.velocity(
        depth, bottom_width, side_slope, steep, roughness
    )
