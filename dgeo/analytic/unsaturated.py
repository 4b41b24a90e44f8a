"""Steady heads above a water table, where conductivity is exponential: K = Ks·e^{aψ}.

    ψ(z) = ln[r + (1 − r)·e^{−az}]/a,   r = q/Ks        for a steady downward flow q, −Ks < q < Ks

| symbol | name | unit |
|---|---|---|
| ψ | pressure head | m |
| z | height above the water table | m |
| r | flow over saturated conductivity, positive downward | 1 |
| a | sorptive number | m⁻¹ |

Without flow ψ = −z: hydrostatic. Reference: Gardner (1958), doi:10.1097/00010694-195804000-00006.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def steady_head(
    height: Float[Array, "*shape"], relative_flow: Float[Array, ""], sorptive_number: Float[Array, ""]
) -> Float[Array, "*shape"]:
    """Pressure head [m] at heights above a water table."""
    return jnp.log(relative_flow + (1 - relative_flow) * jnp.exp(-sorptive_number * height)) / sorptive_number
