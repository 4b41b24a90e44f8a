"""The unit hydrographs of GR4J, from their S-curves.

    S1(t) = r^(5/2)                                             r = min(t/x4, 1)
    S2(t) = ½·r^(5/2)                       t ≤ x4
            1 − ½·max(2 − t/x4, 0)^(5/2)    t > x4
    u_j = S(j) − S(j − 1),   j = 1 … L,   S(L) = 1

| symbol | name | unit |
|---|---|---|
| S | share of a day's water that has arrived after t days | – |
| u_j | ordinate, the share that arrives on the day j | – |
| x4 | time base of S1, half that of S2 | d |
| L | number of ordinates | – |

L covers the largest x4 at hand; beyond it, what would come later comes on the day L, so that no water is lost.
Reference: Perrin et al. (2003), J. Hydrol. 279, 275–289, doi:10.1016/S0022-1694(03)00225-7.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import positive_part
from dgeo.numerics.square_root import square_root

Scalar = Float[Array, ""]


def one_sided(x4: Scalar, length: int) -> Float[Array, " day"]:
    """Ordinates that rise until x4 and then end [1]."""
    return _ordinates(_rise(_days(x4, length) / x4))


def two_sided(x4: Scalar, length: int) -> Float[Array, " day"]:
    """Ordinates that rise until x4 and fall until 2·x4 [1]."""
    ratio = _days(x4, length) / x4
    rising, falling = _rise(ratio) / 2, 1 - _rise(positive_part(2 - ratio)) / 2
    return _ordinates(jnp.where(ratio <= 1, rising, falling))


def _days(x4: Scalar, length: int) -> Float[Array, " end"]:
    """The ends of all days but the last."""
    return jnp.arange(1, length, dtype=x4.dtype)


def _rise(ratio: Float[Array, " end"]) -> Float[Array, " end"]:
    ratio = jnp.where(ratio < 1, ratio, 1.0)
    return ratio * ratio * square_root(ratio)


def _ordinates(arrived: Float[Array, " end"]) -> Float[Array, " day"]:
    ends = jnp.concatenate([jnp.zeros_like(arrived[:1]), arrived, jnp.ones_like(arrived[:1])])
    return ends[1:] - ends[:-1]
