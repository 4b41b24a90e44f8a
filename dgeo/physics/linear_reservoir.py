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

from dgeo.numerics import HARD, Thresholds

Scalar = Float[Array, ""]


def constant(rate: Scalar) -> Scalar:
    """An outflow that does not hang on the storage [mm d⁻¹]; the kernel stops it where the store is empty."""
    return rate


def outflow(storage: Scalar, coefficient: Scalar) -> Scalar:
    """Outflow of a linear reservoir [mm d⁻¹]."""
    return coefficient * storage


def outflow_above(storage: Scalar, coefficient: Scalar, threshold: Scalar, *, thresholds: Thresholds = HARD) -> Scalar:
    """Outflow of a linear reservoir through a hole at the height of a threshold [mm d⁻¹]."""
    return coefficient * thresholds.positive_part(storage - threshold, scale=10.0)
