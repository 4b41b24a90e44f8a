"""Reservoirs that empty in proportion to what they hold.

    Q = K·S                    a linear reservoir
    Q = K·max(S − UZL, 0)      one that flows only above a threshold

| symbol | name | unit |
|---|---|---|
| S | storage | mm |
| K | recession coefficient | d⁻¹ |
| UZL | threshold | mm |

The exact solution without inflow over dt is S·e^{−K·dt}; buckets that step explicitly take K·S at the start of the step
and need K·dt ≤ 1.
"""

from jaxtyping import Array, Float

from dgeo.numerics import positive_part

Scalar = Float[Array, ""]


def outflow(storage: Scalar, coefficient: Scalar) -> Scalar:
    """Outflow of a linear reservoir [mm d⁻¹]."""
    return coefficient * storage


def outflow_above(storage: Scalar, coefficient: Scalar, threshold: Scalar) -> Scalar:
    """Outflow of a linear reservoir through a hole at the height of a threshold [mm d⁻¹]."""
    return coefficient * positive_part(storage - threshold)
