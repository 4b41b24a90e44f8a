"""What the names of a snowpack mean: its laws, parameters and variables."""

from collections.abc import Mapping

from dgeo.models.law import Formula, Slot
from dgeo.models.model import Parameter, Variable
from dgeo.numerics import Bounds, Limits, Thresholds
from dgeo.physics import degree_day, snow_energy

SLOTS: Mapping[str, Slot] = {
    "snow_fraction": Slot(
        Formula(degree_day.snow_fraction, options=(("thresholds", Thresholds(0.5)),)),
        "1",
        "share of precipitation that is snow",
        Limits(0.0, 1.0),
    ),
    "exchange": Slot(
        Formula(snow_energy.exchange),
        "1",
        "exchange coefficient of heat and vapour",
        Limits(0.0, scale=2e-3),
        offers=("richardson_number",),
    ),
    "darkening": Slot(
        Formula(snow_energy.darkening), "d-1", "rate at which snow takes the albedo of old snow", Limits(0.0, scale=0.1)
    ),
}
FORCINGS: Mapping[str, Variable] = {
    "precipitation": Variable("mm d-1", "rain and snow", 5.0),
    "temperature": Variable("degC", "air temperature at 2 m", 10.0),
    "shortwave_radiation": Variable("W m-2", "shortwave radiation from above", 150.0),
    "longwave_radiation": Variable("W m-2", "longwave radiation from above", 300.0),
    "wind_speed": Variable("m s-1", "wind at 2 m", 2.0),
    "vapour_pressure": Variable("Pa", "vapour pressure of the air", 500.0),
}
STATES: Mapping[str, Variable] = {
    "snow_water_equivalent": Variable("mm", "ice and liquid water of the pack", 100.0),
    "snow_heat": Variable("MJ m-2", "heat of the pack, from ice at 0 °C: negative if cold, of liquid water else", 5.0),
    "albedo": Variable("1", "albedo of the snow"),
    "surface_temperature": Variable("degC", "temperature of the snow's surface, at most 0", 10.0),
}
FLUXES: Mapping[str, Variable] = {
    "snowfall": Variable("mm d-1", "precipitation that falls as snow", 5.0),
    "rainfall": Variable("mm d-1", "precipitation that falls as rain", 5.0),
    "outflow": Variable("mm d-1", "water that leaves the pack below, or falls on bare ground", 5.0),
    "sublimation": Variable("mm d-1", "ice that leaves as vapour; negative for hoar", 0.5),
    "net_heat": Variable("MJ m-2 d-1", "heat that air and ground give to the pack", 5.0),
    "heat_of_precipitation": Variable("MJ m-2 d-1", "heat that snow and rain bring", 1.0),
    "heat_of_outflow": Variable("MJ m-2 d-1", "heat that water takes along", 2.0),
    "surplus_heat": Variable("MJ m-2 d-1", "heat that meets no more ice", 1.0),
}
PARAMETERS: Mapping[str, Parameter] = {
    "threshold_temperature": Parameter("degC", "temperature at which half of it falls as snow", Bounds(-2.0, 4.0), 1.0),
    "roughness_length": Parameter("m", "roughness of the snow", Bounds(1e-4, 0.1, "logarithmic"), 3e-3),
    "darkening_cold": Parameter("d-1", "darkening in frost", Bounds(1e-3, 0.1, "logarithmic"), 0.02),
    "darkening_wet": Parameter("d-1", "darkening of melting snow", Bounds(0.01, 1.0, "logarithmic"), 0.2),
    "surface_conductance": Parameter("W m-2 K-1", "from surface to pack", Bounds(0.3, 20.0, "logarithmic"), 2.0),
    "water_holding_capacity": Parameter("1", "liquid water held per ice", Bounds(0.0, 0.2), 0.05),
    "fresh_albedo": Parameter("1", "albedo of fresh snow", Bounds(0.7, 0.95), 0.85),
    "ground_heat": Parameter("W m-2", "heat from the ground", Bounds(0.0, 5.0), 2.0),
    "air_pressure": Parameter("Pa", "air pressure of the site", Bounds(5e4, 1.05e5), 9e4),
}
