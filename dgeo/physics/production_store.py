"""The production store of GR4J: what it takes of net rain and gives to net evaporation, integrated over one day.

    Ps = x1·(1 − s²)·tanh(Pn/x1) / (1 + s·tanh(Pn/x1))
    Es = S·(2 − s)·tanh(En/x1) / (1 + (1 − s)·tanh(En/x1))        s = min(S/x1, 1)

| symbol | name | unit |
|---|---|---|
| S | production_store | mm |
| x1 | its capacity | mm |
| Pn, En | net rain and net evaporation of the day: max(P − E, 0), max(E − P, 0) | mm |
| Ps | what the store takes of Pn | mm |
| Es | what the store gives to En | mm |

A store above its capacity, as one may start or x1 may move in time, counts as full. Then Ps ≤ Pn and Es ≤ S always.
Reference: Perrin et al. (2003), J. Hydrol. 279, 275–289, doi:10.1016/S0022-1694(03)00225-7.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import minimum

Scalar = Float[Array, ""]


def infiltration(production_store: Scalar, net_rainfall: Scalar, x1: Scalar) -> Scalar:
    """What the store takes of the net rain of a day [mm]."""
    wetness = _wetness(production_store, x1)
    supply = jnp.tanh(net_rainfall / x1)
    return x1 * (1 - wetness * wetness) * supply / (1 + wetness * supply)


def evaporation(production_store: Scalar, net_evaporation: Scalar, x1: Scalar) -> Scalar:
    """What the store gives to the net evaporation of a day [mm]."""
    wetness = _wetness(production_store, x1)
    demand = jnp.tanh(net_evaporation / x1)
    return production_store * (2 - wetness) * demand / (1 + (1 - wetness) * demand)


def _wetness(production_store: Scalar, x1: Scalar) -> Scalar:
    return minimum(production_store / x1, jnp.ones_like(x1))


def slow_share(production_store: Scalar) -> Scalar:
    """The share of effective rain that GR4J routes through its slow hydrograph and the routing store [1]."""
    return jnp.full_like(production_store, 0.9)
