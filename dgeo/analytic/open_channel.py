"""Steady flow in a wide channel with water held back at its lower end.

| symbol | meaning | unit |
|---|---|---|
| y, yₙ | depth; that of uniform flow, (q·n/√S₀)^{3/5} | m |
| q, n | discharge per width, Manning's roughness | m² s⁻¹, s m^{−1/3} |
| S₀ | slope of the bed | 1 |
| x | distance | m |
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

Field = Float[Array, "*#shape"]
TERMS = 40


def uniform_depth(discharge: Field, roughness: Field, slope: Field) -> Field:
    """yₙ [m] of a discharge per width."""
    return (discharge * roughness / jnp.sqrt(slope)) ** 0.6


def backwater_distance(at_weir: Field, depth: Field, uniform: Field, slope: Field) -> Field:
    """How far above a weir, where the depth is `at_weir`, it has fallen to `depth` (yₙ < y ≤ that) [m].

    Without inertia dy/dx = S₀·(1 − (yₙ/y)^{10/3}) towards the weir, so with η = y/yₙ and N = 10/3

        x·S₀/yₙ = η_weir − η + G(η) − G(η_weir),    G(η) = ∫_η^∞ du/(u^N − 1) = Σₖ η^{1−kN}/(kN − 1)

    Forty terms do for η > 1.05: the rest is below 1e-4 of the first. Bresse's function for Manning's friction; Chow
    (1959) Open-Channel Hydraulics, section 10-2.
    """
    high, low = at_weir / uniform, depth / uniform
    return uniform / slope * (high - low + _varied_flow(low) - _varied_flow(high))


def _varied_flow(ratio: Field) -> Field:
    """G(η) = η·Σₖ r^k/(kN − 1) with r = η^{−N}, by Horner's scheme."""
    power, total = ratio ** (-10 / 3), jnp.zeros_like(ratio)
    for k in range(TERMS, 0, -1):
        total = power * (total + 1 / (k * 10 / 3 - 1))
    return ratio * total
