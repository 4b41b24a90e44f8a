"""The stores that SHM and NonSense share: snow, soil and linear reservoirs, whatever the order of the water.

Each in two forms: one explicit step on amounts, the next flux seeing what the one before has left, and the rates of all
fluxes at one moment, in which what the step does at once takes a day.
"""

from collections.abc import Mapping

from jaxtyping import Array

from dgeo.models.law import Formula, Slot, Values
from dgeo.models.model import Model, Parameter, Scalar, Variable
from dgeo.models.solvers import OperatorSplit
from dgeo.numerics import Bounds, Limits, at_most, minimum, positive_part
from dgeo.physics import degree_day, linear_reservoir, soil_bucket

DAY = 1.0  # [d]
PUBLISHED = OperatorSplit()
STATES = {
    "snow_water_equivalent": Variable("mm", "water of the snowpack", 100.0),
    "fast_reservoir": Variable("mm", "water that did not enter the soil", 10.0),
    "soil_moisture": Variable("mm", "water in the unsaturated zone", 200.0),
    "interflow_reservoir": Variable("mm", "water on its way as interflow", 20.0),
    "baseflow_reservoir": Variable("mm", "water on its way as baseflow", 50.0),
}
PARAMETERS = {
    "degree_day_factor": Parameter("mm degC-1 d-1", "melt per degree and day", Bounds(0.0, 10.0), 3.0),
    "infiltration_capacity": Parameter("mm d-1", "water that the soil takes up", Bounds(10.0, 60.0), 30.0),
    "field_capacity": Parameter("mm", "largest soil moisture", Bounds(20.0, 700.0), 250.0),
    "beta": Parameter("1", "exponent of recharge against soil moisture", Bounds(1.0, 6.0), 2.0),
    "interflow_share": Parameter("1", "share of recharge that becomes interflow", Bounds(0.0, 1.0), 0.5),
    "k0": Parameter("d-1", "recession coefficient of quick flow", Bounds(0.05, 0.9), 0.3),
    "k1": Parameter("d-1", "recession coefficient of interflow", Bounds(0.01, 0.5), 0.1),
    "k2": Parameter("d-1", "recession coefficient of baseflow", Bounds(0.001, 0.2), 0.03),
}
STEP_PARAMETERS = ("field_capacity",)
FLOW = Limits(0.0, scale=1.0)  # [mm d-1]
SHARE = Limits(0.0, 1.0)
INFLOW = ("soil_inflow",)


def emptying(store: str, coefficient: str, meaning: str) -> Slot:
    """The slot of the outflow of a linear reservoir."""
    return Slot(Formula(linear_reservoir.outflow, (store, coefficient)), "mm d-1", meaning, FLOW, store)


SLOTS: Mapping[str, Slot] = {
    "snow_fraction": Slot(
        Formula(degree_day.snow_fraction_at_freezing), "1", "share of precipitation that is snow", SHARE
    ),
    "melt": Slot(
        Formula(degree_day.melt_above_freezing),
        "mm d-1",
        "potential melt",
        Limits(0.0, scale=5.0),
        "snow_water_equivalent",
    ),
    "infiltration_excess": Slot(
        Formula(soil_bucket.infiltration_excess), "mm d-1", "water that the soil does not take up", FLOW, offers=INFLOW
    ),
    "recharge_fraction": Slot(
        Formula(soil_bucket.recharge_fraction), "1", "share of water that runs through the soil", SHARE, offers=INFLOW
    ),
    "evaporation": Slot(
        Formula(soil_bucket.evaporation_with_jump),
        "mm d-1",
        "demand of evapotranspiration",
        Limits(0.0, scale=3.0),
        "soil_moisture",
    ),
    "interflow_fraction": Slot(
        Formula(linear_reservoir.constant, ("interflow_share",)), "1", "share of recharge that becomes interflow", SHARE
    ),
    "quick_flow": emptying("fast_reservoir", "k0", "runoff from the fast reservoir"),
    "interflow": emptying("interflow_reservoir", "k1", "outflow of the interflow reservoir"),
    "baseflow": emptying("baseflow_reservoir", "k2", "outflow of the baseflow reservoir"),
}


def snow_step(model: Model, now: Values, dt: Scalar) -> Values:
    """Snow falls, then melts."""
    snowfall = now["precipitation"] * model.law("snow_fraction", now)
    pack = now["snow_water_equivalent"] + snowfall * dt
    melt = minimum(model.law("melt", {**now, "snow_water_equivalent": pack}) * dt, pack)
    return {
        "snowfall": snowfall,
        "rainfall": now["precipitation"] - snowfall,
        "melt": melt / dt,
        "snow_water_equivalent": pack - melt,
    }


def soil_step(model: Model, now: Values, water: Array, dt: Scalar) -> Values:
    """`water` [mm d-1] runs through the soil or fills it; then it evaporates."""
    recharge = water * model.law("recharge_fraction", {**now, "soil_inflow": water})
    moisture = now["soil_moisture"] + (water - recharge) * dt
    excess = positive_part(moisture - now["field_capacity"])
    moisture = moisture - excess
    evaporation = minimum(model.law("evaporation", {**now, "soil_moisture": moisture}) * dt, moisture)
    return {
        "recharge": recharge,
        "excess": excess / dt,
        "evapotranspiration": evaporation / dt,
        "soil_moisture": moisture - evaporation,
    }


def reservoir_step(model: Model, now: Values, store: str, slot: str, water: Array, dt: Scalar) -> Values:
    """`water` [mm d-1] enters a reservoir, which then empties by the law in a slot, of the name of its flux."""
    filled = now[store] + water * dt
    out = at_most(model.law(slot, {**now, store: filled}) * dt, filled)
    return {slot: out / dt, store: filled - out}


def snow_rates(model: Model, now: Values) -> Values:
    """Fluxes into and out of the snowpack at one moment."""
    snowfall = now["precipitation"] * model.law("snow_fraction", now)
    return {
        "snowfall": snowfall,
        "rainfall": now["precipitation"] - snowfall,
        "melt": minimum(model.law("melt", now), now["snow_water_equivalent"] / DAY),
    }


def soil_rates(model: Model, now: Values, water: Array) -> Values:
    """Fluxes out of the soil at one moment, while `water` [mm d-1] enters."""
    return {
        "recharge": water * model.law("recharge_fraction", {**now, "soil_inflow": water}),
        "excess": positive_part(now["soil_moisture"] - now["field_capacity"]) / DAY,
        "evapotranspiration": minimum(model.law("evaporation", now), now["soil_moisture"] / DAY),
    }


def reservoir_rates(model: Model, now: Values, store: str, slot: str) -> Values:
    """Outflow of a reservoir at one moment."""
    return {slot: at_most(model.law(slot, now), now[store] / DAY)}
