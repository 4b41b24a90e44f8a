"""How the rates of enzymes change with temperature, relative to 25 °C.

    Arrhenius   f(T) = exp(E·(T − T₀)/(R·T·T₀))
    peaked      f(T) = Arrhenius · (1 + e^{(ΔS·T₀ − H)/(R·T₀)}) / (1 + e^{(ΔS·T − H)/(R·T)})
    bell        f(T) = exp(((T₀ − Tₒ)² − (T − Tₒ)²)/Ω²)

| symbol | meaning | unit |
|---|---|---|
| T, T₀ | absolute temperature, that of 25 °C: 298.15 | K |
| E, H | energy of activation, of deactivation | J mol⁻¹ |
| ΔS | entropy of deactivation | J mol⁻¹ K⁻¹ |
| Tₒ, Ω | optimum, width | K |
| R | gas constant, 8.314 | J mol⁻¹ K⁻¹ |

All are 1 at 25 °C by construction. The exponents of Bernacchi et al. (2001), exp(c − E/(R·T)), return their own
constants at 25 °C only to half a per cent.

Bernacchi et al. (2001), doi:10.1111/j.1365-3040.2001.00668.x; the peaked form as in Medlyn et al. (2002),
doi:10.1046/j.1365-3040.2002.00891.x; the bell as in June et al. (2004), doi:10.1071/FP03250.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

GAS_CONSTANT = 8.314  # [J mol-1 K-1]
ZERO_CELSIUS = 273.15
REFERENCE = 298.15  # [K]
COLDEST = -100.0  # [degC], below which no leaf is

Scalar = Float[Array, ""]


def arrhenius(temperature: Scalar, *, activation: float) -> Scalar:
    """The rate at a temperature [degC] over that at 25 °C [1]; `activation` in [J mol-1]."""
    kelvin = _kelvin(temperature)
    return jnp.exp(activation / GAS_CONSTANT * (1 / REFERENCE - 1 / kelvin))


def peaked(temperature: Scalar, *, activation: float, deactivation: float, entropy: float) -> Scalar:
    """As `arrhenius`, falling again beyond an optimum as the enzyme loses its shape."""
    kelvin = _kelvin(temperature)
    cold = (entropy * REFERENCE - deactivation) / (GAS_CONSTANT * REFERENCE)
    warm = (entropy - deactivation / kelvin) / GAS_CONSTANT
    share = jnp.exp(jax.nn.softplus(jnp.full_like(warm, cold)) - jax.nn.softplus(warm))
    return arrhenius(temperature, activation=activation) * share


def bell(temperature: Scalar, *, optimum: float, width: float) -> Scalar:
    """As `arrhenius`, for rates with a broad optimum [degC] and a width of the bell [K]."""
    return jnp.exp(((REFERENCE - ZERO_CELSIUS - optimum) ** 2 - (temperature - optimum) ** 2) / width**2)


def _kelvin(temperature: Scalar) -> Scalar:
    return jnp.maximum(temperature, COLDEST) + ZERO_CELSIUS
