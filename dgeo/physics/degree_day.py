"""Snow by temperature index: what falls as snow, what melts, what refreezes, what the pack holds back.

    rain = P·[T ≥ TT]        snow = P·[T < TT]
    melt = CFMAX·max(T − TT, 0)        refreezing = CFR·CFMAX·max(TT − T, 0)
    release = max(W − CWH·S, 0)

| symbol | name | unit |
|---|---|---|
| P | precipitation | mm d⁻¹ |
| T | temperature, mean of air | °C |
| TT | threshold_temperature | °C |
| CFMAX | degree_day_factor | mm °C⁻¹ d⁻¹ |
| CFR | refreezing_coefficient | – |
| CWH | water_holding_capacity | – |
| S | snow_water_equivalent, frozen | mm |
| W | snow_liquid_water | mm |

Melt and refreezing are potential rates; the kernel that uses them limits each by what is there.

Reference: Bergström, S. (1976) Development and application of a conceptual runoff model for Scandinavian catchments,
SMHI RHO 7; Seibert & Vis (2012), Hydrol. Earth Syst. Sci. 16, 3315–3325, doi:10.5194/hess-16-3315-2012.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import HARD, Thresholds, positive_part

Scalar = Float[Array, ""]


def threshold(threshold_temperature: Scalar) -> Scalar:
    """One threshold wherever the site lies [°C]."""
    return threshold_temperature


def threshold_of_mountains(threshold_temperature: Scalar, elevation: Scalar) -> Scalar:
    """The parameter below 2000 m, 4 °C above (HBV 2.0, Song et al. 2025, doi:10.1029/2024WR038928)."""
    return jnp.where(elevation >= 2000.0, jnp.full_like(threshold_temperature, 4.0), threshold_temperature)


def snow_fraction(temperature: Scalar, threshold_temperature: Scalar, *, thresholds: Thresholds = HARD) -> Scalar:
    """1 where air is colder than the threshold, else 0; a hard step has a derivative of 0 on both sides."""
    return thresholds.step(threshold_temperature - temperature)


def melt(
    temperature: Scalar, threshold_temperature: Scalar, degree_day_factor: Scalar, *, thresholds: Thresholds = HARD
) -> Scalar:
    """Potential melt [mm d⁻¹]."""
    return degree_day_factor * thresholds.positive_part(temperature - threshold_temperature)


def snow_fraction_at_freezing(temperature: Scalar, *, thresholds: Thresholds = HARD) -> Scalar:
    """1 in frost, else 0: the threshold is 0 °C."""
    return snow_fraction(temperature, jnp.zeros_like(temperature), thresholds=thresholds)


def melt_above_freezing(temperature: Scalar, degree_day_factor: Scalar, *, thresholds: Thresholds = HARD) -> Scalar:
    """Potential melt [mm d⁻¹] where the threshold is 0 °C."""
    return melt(temperature, jnp.zeros_like(temperature), degree_day_factor, thresholds=thresholds)


def refreezing(
    temperature: Scalar,
    threshold_temperature: Scalar,
    degree_day_factor: Scalar,
    refreezing_coefficient: Scalar,
    *,
    thresholds: Thresholds = HARD,
) -> Scalar:
    """Potential refreezing of the liquid water in the pack [mm d⁻¹]."""
    below = thresholds.positive_part(threshold_temperature - temperature)
    return refreezing_coefficient * degree_day_factor * below


def released_water(snow_water_equivalent: Scalar, snow_liquid_water: Scalar, water_holding_capacity: Scalar) -> Scalar:
    """The liquid water that the pack cannot hold [mm]."""
    return positive_part(snow_liquid_water - water_holding_capacity * snow_water_equivalent)
