"""A soil of one bucket: what runs through it, what evaporates from it, what rises into it.

    recharge fraction = min((SM/FC)^β, 1)
    evaporation       = E·min((SM/(LP·FC))^βET, 1)
    evaporation (SHM) = 0.9·E·[SM/FC if SM ≤ 0.8·FC, else 1]
    capillary rise    = C·SLZ·(1 − min(SM/FC, 1))
    infiltration excess = max(I − IC, 0)

| symbol | name | unit |
|---|---|---|
| SM | soil_moisture | mm |
| FC | field_capacity | mm |
| β | beta | – |
| E | potential_evapotranspiration | mm d⁻¹ |
| LP | lp, the share of FC above which evaporation is potential | – |
| βET | beta_et | – |
| C | capillary | d⁻¹ |
| SLZ | lower_zone | mm |
| I | soil_inflow, rain and meltwater | mm d⁻¹ |
| IC | infiltration_capacity | mm d⁻¹ |

Evaporation and capillary rise are demands; the kernel limits each by what is there.

Reference: Bergström (1976) SMHI RHO 7; the exponent βET and the capillary rise: Feng et al. (2022), Water Resour.
Res. 58, e2022WR032404, doi:10.1029/2022WR032404; Song et al. (2025), "unseen extreme events" version 1.1p of the
same model; the laws of SHM: Acuña Espinoza et al. (2024), doi:10.5194/hess-28-2705-2024.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import HARD, Thresholds, power

Scalar = Float[Array, ""]
LAND_USE = 0.9  # share of the potential that a basin's land cover evaporates
WATER_STRESS = 0.8  # share of field capacity below which plants lack water


def recharge_fraction(
    soil_moisture: Scalar, field_capacity: Scalar, beta: Scalar, *, thresholds: Thresholds = HARD
) -> Scalar:
    """The share of incoming water that passes through the soil (0…1)."""
    return thresholds.minimum(power(soil_moisture / field_capacity, beta), jnp.ones_like(beta))


def evaporation(
    soil_moisture: Scalar,
    potential_evapotranspiration: Scalar,
    field_capacity: Scalar,
    lp: Scalar,
    *,
    thresholds: Thresholds = HARD,
) -> Scalar:
    """Evaporation demand that falls linearly with soil moisture below LP·FC [mm d⁻¹]."""
    wetness = soil_moisture / (lp * field_capacity)
    return potential_evapotranspiration * thresholds.minimum(wetness, jnp.ones_like(wetness))


def evaporation_with_shape(
    soil_moisture: Scalar,
    potential_evapotranspiration: Scalar,
    field_capacity: Scalar,
    lp: Scalar,
    beta_et: Scalar,
    *,
    thresholds: Thresholds = HARD,
) -> Scalar:
    """Evaporation demand that falls as a power βET of soil moisture below LP·FC [mm d⁻¹]."""
    wetness = power(soil_moisture / (lp * field_capacity), beta_et)
    return potential_evapotranspiration * thresholds.minimum(wetness, jnp.ones_like(wetness))


def evaporation_with_jump(
    soil_moisture: Scalar,
    potential_evapotranspiration: Scalar,
    field_capacity: Scalar,
    *,
    thresholds: Thresholds = HARD,
) -> Scalar:
    """Evaporation demand of SHM [mm d⁻¹]: in proportion to soil moisture up to 0.8·FC, where it jumps to 0.9·E."""
    wetness = soil_moisture / field_capacity
    share = wetness + (1 - wetness) * thresholds.step(wetness - WATER_STRESS)
    return LAND_USE * potential_evapotranspiration * share


def infiltration_excess(soil_inflow: Scalar, infiltration_capacity: Scalar, *, thresholds: Thresholds = HARD) -> Scalar:
    """What comes faster than the soil takes it up [mm d⁻¹]."""
    return thresholds.positive_part(soil_inflow - infiltration_capacity, scale=10.0)


def capillary_rise(
    soil_moisture: Scalar,
    field_capacity: Scalar,
    lower_zone: Scalar,
    capillary: Scalar,
    *,
    thresholds: Thresholds = HARD,
) -> Scalar:
    """Water drawn up from groundwater into a soil below field capacity [mm d⁻¹]."""
    wetness = thresholds.minimum(soil_moisture / field_capacity, jnp.ones_like(field_capacity))
    return capillary * lower_zone * (1 - wetness)


def no_capillary_rise(soil_moisture: Scalar) -> Scalar:
    """Soil and groundwater apart [mm d⁻¹]."""
    return jnp.zeros_like(soil_moisture)
