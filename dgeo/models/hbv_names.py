"""The names of HBV: forcings, stores, fluxes, parameters with the bounds of Feng et al. (2022), budget and laws."""

from collections.abc import Mapping

from dgeo.models.law import Formula, Law, Slot
from dgeo.models.model import Budget, Parameter, Variable
from dgeo.numerics import Bounds, Limits
from dgeo.physics import degree_day, linear_reservoir, regional_exchange, soil_bucket

FORCINGS = {
    "precipitation": Variable("mm d-1", "rain and snow", 5.0),
    "temperature": Variable("degC", "mean air temperature", 10.0),
    "potential_evapotranspiration": Variable("mm d-1", "evaporation of a well-watered surface", 3.0),
}
STATES = {
    "snow_water_equivalent": Variable("mm", "frozen water of the snowpack", 100.0),
    "snow_liquid_water": Variable("mm", "liquid water held by the snowpack", 10.0),
    "soil_moisture": Variable("mm", "water in the soil", 200.0),
    "upper_zone": Variable("mm", "water in the upper groundwater box", 20.0),
    "lower_zone": Variable("mm", "water in the lower groundwater box", 50.0),
}
FLUXES = {
    "rainfall": Variable("mm d-1", "precipitation that falls as rain"),
    "snowfall": Variable("mm d-1", "precipitation that falls as snow"),
    "melt": Variable("mm d-1", "snow that melts into the pack's liquid water"),
    "refreezing": Variable("mm d-1", "liquid water of the pack that freezes again"),
    "infiltration": Variable("mm d-1", "meltwater that leaves the snowpack for the soil"),
    "recharge": Variable("mm d-1", "water that runs through the soil to the upper zone"),
    "excess": Variable("mm d-1", "water above field capacity, to the upper zone"),
    "evapotranspiration": Variable("mm d-1", "actual evapotranspiration"),
    "capillary_rise": Variable("mm d-1", "water drawn from the lower zone into the soil"),
    "floor_source_soil": Variable("mm d-1", "water made by the floor under the soil store"),
    "floor_source_groundwater": Variable("mm d-1", "water made by the floor under the lower zone"),
    "percolation": Variable("mm d-1", "water from the upper to the lower zone"),
    "quick_flow": Variable("mm d-1", "runoff from above the threshold of the upper zone"),
    "interflow": Variable("mm d-1", "runoff from the upper zone"),
    "regional_exchange": Variable("mm d-1", "water gained from the region by the lower zone; negative if lost to it"),
    "baseflow": Variable("mm d-1", "runoff from the lower zone"),
    "runoff": Variable("mm d-1", "sum of the three flows, before routing"),
}
BUDGET = Budget(
    {
        "snowfall": (None, "snow_water_equivalent"),
        "rainfall": (None, "soil_moisture"),
        "melt": ("snow_water_equivalent", "snow_liquid_water"),
        "refreezing": ("snow_liquid_water", "snow_water_equivalent"),
        "infiltration": ("snow_liquid_water", "soil_moisture"),
        "recharge": ("soil_moisture", "upper_zone"),
        "excess": ("soil_moisture", "upper_zone"),
        "evapotranspiration": ("soil_moisture", None),
        "capillary_rise": ("lower_zone", "soil_moisture"),
        "floor_source_soil": (None, "soil_moisture"),
        "floor_source_groundwater": (None, "lower_zone"),
        "percolation": ("upper_zone", "lower_zone"),
        "regional_exchange": (None, "lower_zone"),
        "quick_flow": ("upper_zone", None),
        "interflow": ("upper_zone", None),
        "baseflow": ("lower_zone", None),
    },
    exchanges=("floor_source_soil", "floor_source_groundwater", "regional_exchange"),
    sums={"runoff": ("quick_flow", "interflow", "baseflow")},
)
PARAMETERS = {
    "beta": Parameter("1", "exponent of recharge against soil moisture", Bounds(1.0, 6.0), 2.0),
    "field_capacity": Parameter("mm", "largest soil moisture", Bounds(50.0, 1000.0), 250.0),
    "k0": Parameter("d-1", "recession coefficient of quick flow", Bounds(0.05, 0.9), 0.3),
    "k1": Parameter("d-1", "recession coefficient of interflow", Bounds(0.01, 0.5), 0.1),
    "k2": Parameter("d-1", "recession coefficient of baseflow", Bounds(0.001, 0.2), 0.03),
    "lp": Parameter("1", "share of field capacity above which evaporation is potential", Bounds(0.2, 1.0), 0.7),
    "percolation_max": Parameter("mm d-1", "largest percolation", Bounds(0.0, 10.0), 2.0),
    "upper_zone_threshold": Parameter("mm", "upper-zone storage above which quick flow runs", Bounds(0.0, 100.0), 20.0),
    "threshold_temperature": Parameter(
        "degC", "temperature between snow and rain, freezing and melt", Bounds(-2.5, 2.5), 0.0
    ),
    "degree_day_factor": Parameter("mm degC-1 d-1", "melt per degree and day", Bounds(0.5, 10.0), 3.0),
    "refreezing_coefficient": Parameter("1", "refreezing relative to melt", Bounds(0.0, 0.1), 0.05),
    "water_holding_capacity": Parameter(
        "1", "liquid water a snowpack holds, as a share of its ice", Bounds(0.0, 0.2), 0.1
    ),
    "beta_et": Parameter("1", "exponent of evaporation against soil moisture", Bounds(0.3, 5.0), 1.0),
    "capillary": Parameter("d-1", "coefficient of capillary rise", Bounds(0.0, 1.0), 0.1),
    "regional_flow_max": Parameter("mm d-1", "largest exchange with the region", Bounds(0.0, 20.0), 1.0),
    "regional_area": Parameter("km2", "upstream area at which no water is exchanged", Bounds(0.0, 2500.0), 500.0),
}
STEP_PARAMETERS = ("field_capacity",)
FLOW = Limits(0.0, scale=1.0)  # [mm d-1]
SHARE = Limits(0.0, 1.0)
SLOTS: Mapping[str, Slot] = {
    "snow_threshold": Slot(
        Formula(degree_day.threshold, ("threshold_temperature",)),
        "degC",
        "temperature of snow, rain and melt",
        Limits(),
    ),
    "snow_fraction": Slot(Formula(degree_day.snow_fraction), "1", "share of precipitation that is snow", SHARE),
    "melt": Slot(Formula(degree_day.melt), "mm d-1", "potential melt", Limits(0.0, scale=5.0), "snow_water_equivalent"),
    "refreezing": Slot(Formula(degree_day.refreezing), "mm d-1", "potential refreezing", FLOW, "snow_liquid_water"),
    "release": Slot(
        Formula(degree_day.released_water), "mm", "liquid water the pack lets go", FLOW, "snow_liquid_water"
    ),
    "recharge_fraction": Slot(
        Formula(soil_bucket.recharge_fraction),
        "1",
        "share of water that runs through the soil",
        SHARE,
        offers=("soil_inflow",),
    ),
    "evaporation": Slot(
        Formula(soil_bucket.evaporation),
        "mm d-1",
        "demand of evapotranspiration",
        Limits(0.0, scale=3.0),
        "soil_moisture",
    ),
    "capillary_rise": Slot(
        Formula(soil_bucket.no_capillary_rise), "mm d-1", "water drawn from the lower zone", FLOW, "lower_zone"
    ),
    "percolation": Slot(
        Formula(linear_reservoir.constant, ("percolation_max",)), "mm d-1", "demand of percolation", FLOW, "upper_zone"
    ),
    "quick_flow": Slot(
        Formula(linear_reservoir.outflow_above, ("upper_zone", "k0", "upper_zone_threshold")),
        "mm d-1",
        "runoff from above the threshold of the upper zone",
        FLOW,
        "upper_zone",
    ),
    "interflow": Slot(
        Formula(linear_reservoir.outflow, ("upper_zone", "k1")),
        "mm d-1",
        "runoff from the upper zone",
        FLOW,
        "upper_zone",
    ),
    "regional_exchange": Slot(
        Formula(regional_exchange.none, ("lower_zone",)),
        "mm d-1",
        "water gained from the region; negative if lost to it",
        Limits(),
        "lower_zone",
    ),
    "baseflow": Slot(
        Formula(linear_reservoir.outflow, ("lower_zone", "k2")),
        "mm d-1",
        "runoff from the lower zone",
        FLOW,
        "lower_zone",
    ),
}
WITH_CAPILLARY_RISE: Mapping[str, Law] = {
    "evaporation": Formula(soil_bucket.evaporation_with_shape),
    "capillary_rise": Formula(soil_bucket.capillary_rise),
}
VERSIONS: Mapping[str, Mapping[str, Law]] = {
    "1.0": {},
    "1.0 with beta_et": {"evaporation": Formula(soil_bucket.evaporation_with_shape)},
    "1.1p": WITH_CAPILLARY_RISE,
    "2.0": {
        **WITH_CAPILLARY_RISE,
        "snow_threshold": Formula(
            degree_day.threshold_of_mountains, ("threshold_temperature", "elev_mean"), attributes=("elev_mean",)
        ),
        "regional_exchange": Formula(
            regional_exchange.by_area, ("area", "regional_flow_max", "regional_area"), attributes=("area",)
        ),
    },
}
