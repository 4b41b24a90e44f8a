"""How the decay of organic matter, and the breath of what feeds on it, change with temperature.

    Q10            f(T) = Q^{(T − Tr)/10}
    Lloyd–Taylor   f(T) = exp(E·(1/(Tr − T₀) − 1/(T − T₀)))

| symbol | meaning | unit |
|---|---|---|
| f | the rate over that at Tr | 1 |
| T, Tr | temperature, that of reference | °C |
| Q | what ten kelvins multiply the rate by | 1 |
| E, T₀ | sensitivity, 308.56 in the paper; temperature at which all ends, −46.02 | K, °C |

Lloyd & Taylor (1994), doi:10.2307/2389824, eq. 11, with their reference of 10 °C.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import at_least

Scalar = Float[Array, ""]

REFERENCE = 15.0  # [degC] of Q10
LLOYD_REFERENCE = 10.0
END = -46.02  # [degC]
NEAR_END = 5.0  # [K]: nearer to it, where the rate is below 1e-20 of the reference, T is held


def q10(temperature: Scalar, temperature_sensitivity: Scalar) -> Scalar:
    """The rate at a temperature [degC] over that at 15 °C, from Q [1]."""
    return jnp.exp(jnp.log(temperature_sensitivity) * (temperature - REFERENCE) / 10)


def lloyd_taylor(temperature: Scalar, activation_temperature: Scalar) -> Scalar:
    """The rate at a temperature [degC] over that at 10 °C, from E [K]."""
    above = at_least(temperature - END, jnp.full_like(temperature, NEAR_END))
    return jnp.exp(activation_temperature * (1 / (LLOYD_REFERENCE - END) - 1 / above))
