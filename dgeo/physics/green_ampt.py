"""Infiltration behind a sharp wetting front (Green & Ampt), with ponding under a steady rain (Mein & Larson).

    f = K·(1 + s/F),   s = ψ·Δθ                        infiltration capacity
    F − s·ln(1 + F/s) = K·t                            cumulative infiltration of a ponded soil
    Fp = s·K/(i − K),   tp = Fp/i                      ponding under a rain i > K

| symbol | name | unit |
|---|---|---|
| F | infiltrated, since the start | m |
| f, K, i | capacity, conductivity, rain | m d⁻¹ |
| ψ, Δθ | front_suction, moisture_deficit | m, 1 |
| t | time | d |

Any consistent units do. References: Green & Ampt (1911), doi:10.1017/S0021859600001441; Mein & Larson (1973),
doi:10.1029/WR009i002p00384; the example in Chow, Maidment & Mays (1988), Applied hydrology, section 4.3.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import positive_part
from dgeo.numerics.newton import newton

Scalar = Float[Array, ""]
ITERATIONS = 30  # the equation is convex: from above the root Newton's method descends in five or six


def capacity(infiltrated: Scalar, conductivity: Scalar, front_suction: Scalar, moisture_deficit: Scalar) -> Scalar:
    """The rate at which a soil takes water up that has taken up F > 0 [m d⁻¹]."""
    return conductivity * (1 + front_suction * moisture_deficit / infiltrated)


def infiltrated_of_ponded(
    time: Scalar, conductivity: Scalar, front_suction: Scalar, moisture_deficit: Scalar, before: Scalar | None = None
) -> Scalar:
    """Cumulative infiltration [m] at a time > 0 since ponding began, when `before` [m] had gone in; 0 by default.

    Solved for F/s by Newton's method, with the derivative of the implicit function.
    """
    scale = front_suction * moisture_deficit
    known = jnp.zeros_like(scale) if before is None else before / scale
    dimensionless = conductivity * time / scale + known - jnp.log1p(known)
    start = dimensionless + jnp.sqrt(2 * dimensionless)  # above the root, as e^s ≥ 1 + s + s²/2
    root, _ = newton(
        lambda x, a: x - jnp.log1p(x) - a, start[None], dimensionless[None], tolerance=1e-12, iterations=ITERATIONS
    )
    return root[0] * scale


def infiltrated_at_ponding(
    rain: Scalar, conductivity: Scalar, front_suction: Scalar, moisture_deficit: Scalar
) -> Scalar:
    """What a steady rain has brought in when the surface saturates [m]; infinite for a rain that the soil takes up."""
    excess = positive_part(rain - conductivity)
    ponds = excess > 0
    safe = jnp.where(ponds, excess, jnp.ones_like(excess))
    return jnp.where(ponds, front_suction * moisture_deficit * conductivity / safe, jnp.inf)


def infiltrated(
    time: Scalar, rain: Scalar, conductivity: Scalar, front_suction: Scalar, moisture_deficit: Scalar
) -> Scalar:
    """Cumulative infiltration [m] of a steady rain: all of it until ponding, what the soil takes up afterwards."""
    ponding = infiltrated_at_ponding(rain, conductivity, front_suction, moisture_deficit)
    ponded = rain * time > ponding
    before = jnp.where(ponded, ponding, jnp.zeros_like(ponding))
    since = jnp.where(ponded, time - before / rain, jnp.ones_like(time))
    later = infiltrated_of_ponded(since, conductivity, front_suction, moisture_deficit, before)
    return jnp.where(ponded, later, rain * time)
