"""How much water a soil holds at a pressure head, and how well it conducts then: four classical families.

    van Genuchten–Mualem   Se = (1 + x^n)^{−m},  x = α|ψ|, m = 1 − 1/n
                           K  = Ks·√Se·(1 − (1 − Se^{1/m})^m)²
    Brooks–Corey           Se = (ψb/ψ)^λ below the entry head ψb,   K = Ks·Se^{3 + 2/λ}
    Haverkamp              Se = a/(a + |ψ|^β),                      K = Ks·A/(A + |ψ|^γ)
    Gardner                Se = e^{aψ},                             K = Ks·e^{aψ}

All are 1, or Ks, at ψ ≥ 0. The water content is θ = θr + (θs − θr)·Se + elastic water, see `elastic_water`.

| symbol | name | unit |
|---|---|---|
| ψ | pressure_head, negative in unsaturated soil | m |
| Se | effective_saturation | 1 |
| K, Ks | hydraulic conductivity, saturated_conductivity | m d⁻¹ |
| θ, θr, θs | water content, residual_water, saturated_water | 1 |
| α, n | alpha, n | m⁻¹, 1 |
| ψb, λ | entry_head (negative), pore_size_index | m, 1 |
| a, β, A, γ | retention_constant, retention_exponent, conductivity_constant, conductivity_exponent | m^β, 1, m^γ, 1 |
| a | sorptive_number | m⁻¹ |

References: van Genuchten (1980), doi:10.2136/sssaj1980.03615995004400050002x; Brooks & Corey (1964), Colorado State
University Hydrology Paper 3; Haverkamp et al. (1977), doi:10.2136/sssaj1977.03615995004100020024x; Gardner (1958),
doi:10.1097/00010694-195804000-00006; Vogel, van Genuchten & Cislerova (2001), doi:10.1016/S0309-1708(00)00037-3.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import positive_part, power

Scalar = Float[Array, ""]
Field = Float[Array, "*#shape"]
YIELDING = 1.0  # [m] suction over which elastic water gives way
ENTRY = -0.02  # [m] head at which the largest pores drain


def elastic_water(pressure_head: Field, specific_storage: Field) -> Field:
    """Water held by the compression of soil and water [1]: Ss·ψ, under suction no less than −Ss·1 m.

    It is what makes the head of a saturated, and of a bone-dry, layer a function of its water.
    """
    suction = positive_part(-pressure_head)
    return specific_storage * (positive_part(pressure_head) - suction / (1 + suction / YIELDING))


def water_content(effective_saturation: Field, elastic: Field, residual_water: Field, saturated_water: Field) -> Field:
    """Volume of water in a volume of soil [1]."""
    return residual_water + (saturated_water - residual_water) * effective_saturation + elastic


def van_genuchten_saturation(pressure_head: Scalar, alpha: Scalar, n: Scalar) -> Scalar:
    """Effective saturation [1]."""
    return power(1 + power(alpha * positive_part(-pressure_head), n), 1 / n - 1)


def van_genuchten_conductivity(
    pressure_head: Scalar, alpha: Scalar, n: Scalar, saturated_conductivity: Scalar
) -> Scalar:
    """Conductivity after Mualem [m d⁻¹], by 1 − Se^{1/m} = x^n/(1 + x^n), which rounds nothing away.

    For n < 2 its slope at ψ = 0 is infinite; `power` keeps it finite within 1e-7/α of it.
    """
    suction, m = alpha * positive_part(-pressure_head), 1 - 1 / n
    wetting = 1 + power(suction, n)
    open_share = 1 - power(suction, n - 1) * power(wetting, -m)
    return saturated_conductivity * power(wetting, -m / 2) * open_share**2


def conductivity_with_entry(pressure_head: Scalar, alpha: Scalar, n: Scalar, saturated_conductivity: Scalar) -> Scalar:
    """The same, Ks down to a suction of 2 cm and continuous there [m d⁻¹], after Vogel et al. (2001).

    In fine soils, n < 1.4, the plain relation loses most of its conductivity within a millimetre of saturation, where
    no measurement has seen it and no iteration finds its way.
    """
    entry = jnp.full_like(pressure_head, ENTRY)
    below = jnp.minimum(pressure_head, entry)
    of_entry = van_genuchten_conductivity(entry, alpha, n, jnp.ones_like(n))
    return van_genuchten_conductivity(below, alpha, n, saturated_conductivity) / of_entry


def mualem_conductivity(effective_saturation: Scalar, n: Scalar, saturated_conductivity: Scalar) -> Scalar:
    """The same relation as a function of effective saturation [m d⁻¹], as sensors of water content see it."""
    m = 1 - 1 / n
    open_share = 1 - power(positive_part(1 - power(effective_saturation, 1 / m)), m)
    return saturated_conductivity * power(effective_saturation, jnp.full_like(n, 0.5)) * open_share**2


def brooks_corey_saturation(pressure_head: Scalar, entry_head: Scalar, pore_size_index: Scalar) -> Scalar:
    """Effective saturation [1]; 1 above the entry head, where it has a kink."""
    return power(1 + positive_part(pressure_head / entry_head - 1), -pore_size_index)


def brooks_corey_conductivity(
    pressure_head: Scalar, entry_head: Scalar, pore_size_index: Scalar, saturated_conductivity: Scalar
) -> Scalar:
    """Conductivity [m d⁻¹] after Burdine."""
    return saturated_conductivity * power(1 + positive_part(pressure_head / entry_head - 1), -2 - 3 * pore_size_index)


def haverkamp_saturation(pressure_head: Scalar, retention_constant: Scalar, retention_exponent: Scalar) -> Scalar:
    """Effective saturation [1]."""
    return 1 / (1 + power(positive_part(-pressure_head), retention_exponent) / retention_constant)


def haverkamp_conductivity(
    pressure_head: Scalar,
    conductivity_constant: Scalar,
    conductivity_exponent: Scalar,
    saturated_conductivity: Scalar,
) -> Scalar:
    """Conductivity [m d⁻¹]."""
    suction = power(positive_part(-pressure_head), conductivity_exponent)
    return saturated_conductivity / (1 + suction / conductivity_constant)


def gardner_saturation(pressure_head: Scalar, sorptive_number: Scalar) -> Scalar:
    """Effective saturation [1]."""
    return jnp.exp(-sorptive_number * positive_part(-pressure_head))


def gardner_conductivity(pressure_head: Scalar, sorptive_number: Scalar, saturated_conductivity: Scalar) -> Scalar:
    """Conductivity [m d⁻¹]."""
    return saturated_conductivity * jnp.exp(-sorptive_number * positive_part(-pressure_head))
