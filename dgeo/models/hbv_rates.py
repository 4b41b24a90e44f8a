"""HBV in continuous time: every flux from the stores as they are, none before another."""

import jax.numpy as jnp

from dgeo.models.law import Values
from dgeo.models.model import Model
from dgeo.numerics import at_least, at_most, minimum, positive_part

DAY = 1.0  # [d] what the operator split does within a step of a day takes a day here


def rates(model: Model, state: Values, forcing: Values, parameters: Values) -> Values:
    """The fluxes of HBV at one moment [mm d-1]; a store below zero, as a solver may try it, counts as empty."""
    filled = {name: positive_part(amount) for name, amount in state.items()}
    now = model.values(filled, forcing, parameters)
    now["threshold_temperature"] = model.law("snow_threshold", now)
    now |= snow(model, now)
    now |= soil(model, now)
    return {**now, **groundwater(model, now)}


def snow(model: Model, now: Values) -> Values:
    """Fluxes into and out of the snowpack."""
    snowfall = now["precipitation"] * model.law("snow_fraction", now)
    return {
        "snowfall": snowfall,
        "rainfall": now["precipitation"] - snowfall,
        "melt": minimum(model.law("melt", now), now["snow_water_equivalent"] / DAY),
        "refreezing": minimum(model.law("refreezing", now), now["snow_liquid_water"] / DAY),
        "infiltration": at_most(model.law("release", now), now["snow_liquid_water"]) / DAY,
    }


def soil(model: Model, now: Values) -> Values:
    """Fluxes into and out of the soil."""
    water = now["rainfall"] + now["infiltration"]
    none = jnp.zeros_like(now["soil_moisture"])
    return {
        "recharge": water * model.law("recharge_fraction", {**now, "soil_inflow": water}),
        "excess": positive_part(now["soil_moisture"] - now["field_capacity"]) / DAY,
        "evapotranspiration": minimum(model.law("evaporation", now), now["soil_moisture"] / DAY),
        "capillary_rise": minimum(model.law("capillary_rise", now), now["lower_zone"] / DAY),
        "floor_source_soil": none,
        "floor_source_groundwater": none,
    }


def groundwater(model: Model, now: Values) -> Values:
    """Fluxes out of the two boxes below the soil."""
    upper, lower = now["upper_zone"] / DAY, now["lower_zone"] / DAY
    return {
        "percolation": minimum(model.law("percolation", now), upper),
        "quick_flow": at_most(model.law("quick_flow", now), upper),
        "interflow": at_most(model.law("interflow", now), upper),
        "regional_exchange": at_least(model.law("regional_exchange", now), -lower),
        "baseflow": at_most(model.law("baseflow", now), lower),
    }
