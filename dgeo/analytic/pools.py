"""Two pools of carbon, the first feeding the second, under steady input: their course and their steady state.

    dY/dt = I − k₁·Y,   dO/dt = h·k₁·Y − k₂·O

Andrén & Kätterer (1997), ICBM: the introductory carbon balance model, doi:10.2307/2641210; mean transit time as in
Sierra et al. (2017), doi:10.1111/gcb.13556.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]
Series = Float[Array, " time"]


def two_pools(
    time: Series, young: Scalar, old: Scalar, supply: Scalar, k1: Scalar, k2: Scalar, kept: Scalar
) -> tuple[Series, Series]:
    """Y and O at each time, from what they were at 0, input I, rates k₁ ≠ k₂ and the share h; units agree."""
    steady_young, steady_old = steady_two_pools(supply, k1, k2, kept)
    excess = young - steady_young
    passed = kept * k1 * excess / (k2 - k1)
    fast, slow = jnp.exp(-k1 * time), jnp.exp(-k2 * time)
    return steady_young + excess * fast, steady_old + (old - steady_old - passed) * slow + passed * fast


def steady_two_pools(supply: Scalar, k1: Scalar, k2: Scalar, kept: Scalar) -> tuple[Scalar, Scalar]:
    """Y = I/k₁ and O = h·I/k₂."""
    return supply / k1, kept * supply / k2


def transit_time(k1: Scalar, k2: Scalar, kept: Scalar) -> Scalar:
    """Mean time that carbon spends in both pools, 1/k₁ + h/k₂."""
    return 1 / k1 + kept / k2
