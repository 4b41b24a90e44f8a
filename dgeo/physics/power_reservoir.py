"""Reservoirs that empty faster than in proportion to what they hold.

    Q = k·S₁·(S/S₁)^α                     power law, S₁ = 100 mm
    V = S·(1 − (1 + (S/x)⁴)^(−1/4))       volume lost in one step to Q ∝ S⁵, integrated exactly

| symbol | name | unit |
|---|---|---|
| S | storage | mm |
| k | recession coefficient at S = S₁ | d⁻¹ |
| α | exponent | – |
| x | capacity, the level that shapes the fifth power | mm |

The second loses less than it holds, whatever S. Reference for it: Perrin et al. (2003), J. Hydrol. 279, 275–289,
doi:10.1016/S0022-1694(03)00225-7.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import power

Scalar = Float[Array, ""]
REFERENCE = 100.0  # [mm]
SHALLOW = 9.0 / 4.0  # the production store of GR4J percolates as one of this many times its capacity


def outflow(storage: Scalar, coefficient: Scalar, exponent: Scalar) -> Scalar:
    """Outflow by a power law [mm d⁻¹]."""
    return coefficient * REFERENCE * power(storage / REFERENCE, exponent)


def emptied(storage: Scalar, capacity: Scalar) -> Scalar:
    """What a reservoir with outflow in the fifth power loses in one step [mm]."""
    level = storage / capacity
    square = level * level
    return storage * (1 - 1 / jnp.sqrt(jnp.sqrt(1 + square * square)))


def percolation(storage: Scalar, capacity: Scalar) -> Scalar:
    """What percolates in one step from the production store of GR4J [mm]."""
    return emptied(storage, SHALLOW * capacity)
