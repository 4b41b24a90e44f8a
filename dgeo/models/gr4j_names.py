"""The names of GR4J: stores, fluxes, parameters with their published 80 % intervals, budget and laws."""

from collections.abc import Mapping

from dgeo.models.law import Formula, Slot
from dgeo.models.model import Budget, Parameter, Variable
from dgeo.numerics import Bounds, Limits
from dgeo.physics import power_reservoir, production_store, regional_exchange

STATES = {
    "production_store": Variable("mm", "water in the soil", 200.0),
    "slow_hydrograph": Variable("mm", "water on its way to the routing store, by the days until it arrives", 5.0),
    "quick_hydrograph": Variable("mm", "water on its way to the river, by the days until it arrives", 1.0),
    "routing_store": Variable("mm", "water in the routing store", 50.0),
}
FLUXES = {
    "precipitation": Variable("mm d-1", "rain"),
    "evapotranspiration": Variable("mm d-1", "actual evapotranspiration, interception included"),
    "percolation": Variable("mm d-1", "water that leaves the production store from below, a part of the two inflows"),
    "slow_inflow": Variable("mm d-1", "effective rain into the slow hydrograph"),
    "quick_inflow": Variable("mm d-1", "effective rain into the quick hydrograph"),
    "slow_outflow": Variable("mm d-1", "water from the slow hydrograph to the routing store"),
    "slow_exchange": Variable("mm d-1", "water gained from the region by the routing store; negative if lost to it"),
    "quick_exchange": Variable("mm d-1", "water gained from the region by the quick branch; negative if lost to it"),
    "routed_flow": Variable("mm d-1", "runoff from the routing store"),
    "quick_flow": Variable("mm d-1", "runoff from the quick hydrograph and its exchange"),
    "runoff": Variable("mm d-1", "sum of the two flows; the hydrographs are its routing"),
}
BUDGET = Budget(
    {
        "precipitation": (None, "production_store"),
        "evapotranspiration": ("production_store", None),
        "slow_inflow": ("production_store", "slow_hydrograph"),
        "quick_inflow": ("production_store", "quick_hydrograph"),
        "slow_outflow": ("slow_hydrograph", "routing_store"),
        "slow_exchange": (None, "routing_store"),
        "quick_exchange": (None, "quick_hydrograph"),
        "routed_flow": ("routing_store", None),
        "quick_flow": ("quick_hydrograph", None),
    },
    exchanges=("slow_exchange", "quick_exchange"),
    sums={"runoff": ("routed_flow", "quick_flow")},
)
PARAMETERS = {
    "x1": Parameter("mm", "capacity of the production store", Bounds(100.0, 1200.0), 350.0),
    "x2": Parameter("mm d-1", "exchange with the region", Bounds(-5.0, 3.0), 0.0),
    "x3": Parameter("mm", "reference level of the routing store", Bounds(20.0, 300.0), 90.0),
    "x4": Parameter("d", "time base of the slow hydrograph", Bounds(1.1, 2.9), 1.7),
}
STEP_PARAMETERS = ("x4",)
FLOW = Limits(0.0, scale=1.0)  # [mm d-1]
SLOTS: Mapping[str, Slot] = {
    "infiltration": Slot(
        Formula(production_store.infiltration),
        "mm",
        "net rain of the day that the production store takes",
        Limits(0.0, scale=5.0),
        offers=("net_rainfall",),
    ),
    "evaporation": Slot(
        Formula(production_store.evaporation),
        "mm",
        "water that the production store gives to the net evaporation of the day",
        Limits(0.0, scale=3.0),
        "production_store",
        offers=("net_evaporation",),
    ),
    "percolation": Slot(
        Formula(power_reservoir.percolation, ("production_store", "x1")),
        "mm",
        "percolation of the day",
        FLOW,
        "production_store",
    ),
    "slow_share": Slot(
        Formula(production_store.slow_share, ("production_store",)),
        "1",
        "share of effective rain that is routed slowly",
        Limits(0.0, 1.0),
    ),
    "exchange": Slot(
        Formula(regional_exchange.by_storage),
        "mm",
        "water that either branch gains from the region in a day; negative if lost to it",
        Limits(),
        "routing_store",
    ),
    "routed_flow": Slot(
        Formula(power_reservoir.emptied, ("routing_store", "x3")),
        "mm",
        "runoff of the day from the routing store",
        FLOW,
        "routing_store",
    ),
}
