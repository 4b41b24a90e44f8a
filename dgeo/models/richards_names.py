"""What the names of a Richards column mean: its laws, parameters and variables."""

from collections.abc import Mapping

from dgeo.models.law import Formula, Slot
from dgeo.models.model import Parameter, Variable
from dgeo.numerics import Bounds, Limits
from dgeo.physics import root_uptake, soil_hydraulics

SLOTS: Mapping[str, Slot] = {
    "saturation": Slot(
        Formula(soil_hydraulics.van_genuchten_saturation),
        "1",
        "effective saturation at a pressure head",
        Limits(0.0, 1.0),
    ),
    "conductivity": Slot(
        Formula(soil_hydraulics.conductivity_with_entry),
        "m d-1",
        "hydraulic conductivity",
        Limits(0.0, scale=0.1),
        offers=("effective_saturation",),
    ),
    "uptake": Slot(
        Formula(root_uptake.s_shaped),
        "1",
        "share of their demand that roots draw",
        Limits(0.0, 1.0),
        "soil_water",
        offers=("effective_saturation",),
    ),
}
STATES: Mapping[str, Variable] = {
    "soil_water": Variable("m", "water in each layer", 0.02),
    "pressure_head": Variable("m", "pressure head in each layer, from which the next iteration starts", 1.0),
    "ponded_water": Variable("m", "water that stands on the surface", 0.01),
    "surface_head": Variable("m", "pressure head at the surface", 1.0),
}
FORCINGS: Mapping[str, Variable] = {
    "precipitation": Variable("m d-1", "water that reaches the surface", 0.01),
    "surface_flux": Variable("m d-1", "water pressed into the surface, whatever its head", 0.01),
    "surface_head": Variable("m", "pressure head at the surface", 1.0),
    "bottom_head": Variable("m", "pressure head at the lower end", 1.0),
    "bottom_flux": Variable("m d-1", "water drawn out of the lower end", 0.001),
    "potential_transpiration": Variable("m d-1", "what roots in moist soil would draw", 0.003),
}
FLUXES: Mapping[str, Variable] = {
    "precipitation": Variable("m d-1", "water that reaches the surface", 0.01),
    "runoff": Variable("m d-1", "water that leaves the full surface", 0.01),
    "infiltration": Variable("m d-1", "water through the surface, upward if negative", 0.01),
    "drainage": Variable("m d-1", "water through the lower end, upward if negative", 0.001),
    "transpiration": Variable("m d-1", "water drawn by the roots of each layer", 0.003),
}
PARAMETERS: Mapping[str, Parameter] = {
    "saturated_conductivity": Parameter("m d-1", "conductivity at saturation", Bounds(1e-3, 20.0, "logarithmic"), 0.25),
    "residual_water": Parameter("1", "water content that never leaves", Bounds(0.0, 0.15), 0.08),
    "saturated_water": Parameter("1", "water content at saturation", Bounds(0.25, 0.7), 0.43),
    "specific_storage": Parameter("m-1", "elastic water for a metre of head", Bounds(1e-5, 1e-3, "logarithmic"), 1e-4),
    "alpha": Parameter("m-1", "inverse of the suction at which pores empty", Bounds(0.2, 20.0, "logarithmic"), 3.6),
    "n": Parameter("1", "evenness of the pores", Bounds(1.1, 4.0), 1.56),
    "entry_head": Parameter("m", "head at which air enters", Bounds(-2.0, -0.01), -0.2),
    "pore_size_index": Parameter("1", "exponent of retention", Bounds(0.05, 2.0, "logarithmic"), 0.3),
    "retention_constant": Parameter("m^b", "where retention bends", Bounds(1e-4, 1e4, "logarithmic"), 1.0),
    "retention_exponent": Parameter("1", "how steeply retention falls", Bounds(1.0, 6.0), 2.0),
    "conductivity_constant": Parameter("m^g", "where conductivity bends", Bounds(1e-4, 1e4, "logarithmic"), 1.0),
    "conductivity_exponent": Parameter("1", "how steeply conductivity falls", Bounds(1.0, 8.0), 3.0),
    "sorptive_number": Parameter("m-1", "decline of ln K with suction", Bounds(0.1, 50.0, "logarithmic"), 2.0),
    "head_of_half_uptake": Parameter("m", "head at which roots draw half of their demand", Bounds(-50.0, -1.0), -8.0),
    "largest_ponding": Parameter("m", "depth of water that the surface holds back", Bounds(0.0, 0.1), 0.005),
}
