"""Three streams: one that carries a solute, one whose oxygen is used up, one that warms and cools."""

from typing import ClassVar

from dgeo.models.law import Formula, Slot, Values
from dgeo.models.model import Budget, Parameter, Scalar, Variable
from dgeo.models.transport import MOVING, Transport
from dgeo.numerics import Bounds, Limits

HEAT_OF_WATER = 4.186e6  # [J m-3 K-1]
DAILY = Bounds(1e-8, 1e-3, "logarithmic")  # [s-1]: from a thousandth a day to a hundred


def _fluxes(store: str, name: str, units: str, unit: str) -> dict[str, Variable]:
    """What every substance of a stream gives out."""
    return {
        f"{store}_entering": Variable(f"{units} m s-1", "through the head of the stream"),
        f"{store}_leaving": Variable(f"{units} m s-1", "through its end"),
        f"{store}_reaction": Variable(f"{units} m s-1", "made in the cell, negative where it is used up"),
        name: Variable(unit, "in the cell at the end of the step"),
    }


def _transfers(store: str) -> dict[str, tuple[str | None, str | None]]:
    return {
        f"{store}_entering": (None, store),
        f"{store}_leaving": (store, None),
        f"{store}_reaction": (None, store),
    }


def first_order(concentration: Scalar, decay: Scalar) -> Scalar:
    """λ·C [g m⁻³ s⁻¹]."""
    return decay * concentration


def oxidation(demand: Scalar, deoxygenation: Scalar) -> Scalar:
    """k_d·L [g m⁻³ s⁻¹]."""
    return deoxygenation * demand


def aeration(dissolved_oxygen: Scalar, saturation: Scalar, reaeration: Scalar) -> Scalar:
    """k_a·(O_s − O) [g m⁻³ s⁻¹]."""
    return reaeration * (saturation - dissolved_oxygen)


def linear_exchange(temperature: Scalar, air_temperature: Scalar, exchange_coefficient: Scalar) -> Scalar:
    """K·(Te − T) [W m⁻²], with the air's temperature as that of equilibrium."""
    return exchange_coefficient * (air_temperature - temperature)


class Solute(Transport):
    """A solute that decays, or what its law says; slot `decay`, the loss of a cell, may read the `concentration`."""

    substances: ClassVar = {"solute": "concentration"}
    slots: ClassVar = {
        "decay": Slot(Formula(first_order), "g m-3 s-1", "loss", Limits(low=0.0, scale=1e-5), offers=("concentration",))
    }
    forcings: ClassVar = {"solute_inflow": Variable("g m-3", "concentration of what flows in", 1.0)}
    states: ClassVar = {"solute": Variable("g m-2", "in the cell, per area of the cross-section", 100.0)}
    budget = Budget(_transfers("solute"), exchanges=("solute_reaction",))
    fluxes: ClassVar = _fluxes("solute", "concentration", "g m-3", "g m-3")
    all_parameters: ClassVar = {
        **MOVING,
        "retardation": Parameter("1", "total over dissolved", Bounds(1.0, 100.0, "logarithmic"), 1.0),
        "decay": Parameter("s-1", "first-order decay", DAILY, 1e-5),
    }
    step_parameters: ClassVar = ("velocity", "dispersion", "retardation")

    def capacity(self, parameters: Values) -> Scalar:
        """The retardation."""
        return parameters["retardation"]

    def reactions(self, values: Values) -> Values:
        """−decay/R."""
        return {"solute": -self.law("decay", values) / values["retardation"]}


class Oxygen(Transport):
    """Dissolved oxygen O and the biochemical demand L for it: L' = −oxidation, O' = aeration − oxidation.

    Both slots may read the `demand` and the `dissolved_oxygen` of the cell.
    """

    substances: ClassVar = {"demand_store": "demand", "oxygen_store": "dissolved_oxygen"}
    slots: ClassVar = {
        "oxidation": Slot(
            Formula(oxidation),
            "g m-3 s-1",
            "oxygen used up",
            Limits(low=0.0, scale=1e-5),
            offers=("demand", "dissolved_oxygen"),
        ),
        "aeration": Slot(
            Formula(aeration),
            "g m-3 s-1",
            "oxygen from the air",
            Limits(scale=1e-5),
            offers=("demand", "dissolved_oxygen"),
        ),
    }
    forcings: ClassVar = {
        "demand_store_inflow": Variable("g m-3", "demand of what flows in", 10.0),
        "oxygen_store_inflow": Variable("g m-3", "oxygen in what flows in", 10.0),
        "saturation": Variable("g m-3", "oxygen at saturation", 10.0),
    }
    states: ClassVar = {
        "demand_store": Variable("g m-2", "demand in the cell, per area of the cross-section", 1e3),
        "oxygen_store": Variable("g m-2", "oxygen in the cell, per area of the cross-section", 1e3),
    }
    budget = Budget(
        {**_transfers("demand_store"), **_transfers("oxygen_store")},
        exchanges=("demand_store_reaction", "oxygen_store_reaction"),
    )
    fluxes: ClassVar = {
        **_fluxes("demand_store", "demand", "g m-3", "g m-3"),
        **_fluxes("oxygen_store", "dissolved_oxygen", "g m-3", "g m-3"),
    }
    all_parameters: ClassVar = {
        **MOVING,
        "deoxygenation": Parameter("s-1", "rate of oxidation", DAILY, 3e-6),
        "reaeration": Parameter("s-1", "rate of aeration", DAILY, 8e-6),
    }

    def reactions(self, values: Values) -> Values:
        """What is used up of the demand is used up of the oxygen."""
        used = self.law("oxidation", values)
        return {"demand_store": -used, "oxygen_store": self.law("aeration", values) - used}


class StreamTemperature(Transport):
    """Heat in a stream of a depth h: ∂T/∂t = Φ/(ρ·c·h), with the surface's exchange Φ [W m⁻²] as a slot.

    Its law may read the `temperature` of the cell.
    """

    substances: ClassVar = {"heat": "temperature"}
    slots: ClassVar = {
        "surface_heat": Slot(
            Formula(linear_exchange), "W m-2", "heat into the water", Limits(scale=100.0), offers=("temperature",)
        )
    }
    forcings: ClassVar = {
        "heat_inflow": Variable("degC", "temperature of what flows in", 10.0),
        "air_temperature": Variable("degC", "temperature of the air", 10.0),
    }
    states: ClassVar = {"heat": Variable("degC m", "temperature times length of the cell", 1e3)}
    budget = Budget(_transfers("heat"), exchanges=("heat_reaction",))
    fluxes: ClassVar = _fluxes("heat", "temperature", "degC", "degC")
    all_parameters: ClassVar = {
        **MOVING,
        "depth": Parameter("m", "mean depth of the water", Bounds(0.05, 10.0, "logarithmic"), 0.5),
        "exchange_coefficient": Parameter("W m-2 K-1", "of the surface", Bounds(1.0, 100.0, "logarithmic"), 30.0),
    }
    step_parameters: ClassVar = ("velocity", "dispersion", "depth")

    def reactions(self, values: Values) -> Values:
        """Φ/(ρ·c·h)."""
        return {"heat": self.law("surface_heat", values) / (HEAT_OF_WATER * values["depth"])}
