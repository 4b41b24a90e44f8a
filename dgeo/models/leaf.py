"""A leaf: photosynthesis and stomata, coupled through the CO2 within it. No state: every moment is by itself.

    A(C) = gs(A)/1.6 · (Ca − C)      E = gs·D/p

Its laws are photosynthesis (C3 or C4, `dgeo.physics.photosynthesis`), stomata (`dgeo.physics.stomata`) and the
responses of three rates to temperature (`dgeo.physics.arrhenius`). C is solved for (`dgeo.physics.leaf_co2`), with the
derivative of the implicit function, whatever the laws.

    leaf()                                              C3, Medlyn
    leaf("C4")
    leaf(stomatal_conductance=Formula(ball_berry))      or a network

Responses: C3 by Bernacchi et al. (2001), doi:10.1111/j.1365-3040.2001.00668.x, and (2003),
doi:10.1046/j.0016-8025.2003.01050.x; C4 by von Caemmerer (2021), doi:10.1093/jxb/erab266.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from dgeo.errors import DgeoError
from dgeo.models.law import Formula, Law, Slot, Values
from dgeo.models.model import Budget, Model, Parameter, Scalar, Variable
from dgeo.numerics import Bounds, Limits
from dgeo.physics.arrhenius import arrhenius, bell
from dgeo.physics.humid_air import saturation_vapour_pressure
from dgeo.physics.leaf_co2 import intercellular_co2
from dgeo.physics.photosynthesis import c3, c4, electron_transport
from dgeo.physics.stomata import medlyn

RATE = "µmol m-2 s-1"
TEMPERATURE = ("leaf_temperature",)
RATES = ("intercellular_co2", "carboxylation", "electron_transport", "respiration")
SIZES = {"carboxylation": 60.0, "electron_transport": 100.0}


def _response(activation: float) -> Formula:
    return Formula(arrhenius, TEMPERATURE, options=(("activation", activation),))


C4_LAWS: dict[str, Law] = {
    "photosynthesis": Formula(c4),
    "carboxylation_response": _response(78000.0),
    "electron_transport_response": Formula(bell, TEMPERATURE, options=(("optimum", 43.0), ("width", 26.0))),
    "respiration_response": _response(66400.0),
}
FACTOR = Limits(0.0, scale=1.0)


class Leaf(Model):
    """A leaf; `leaf` builds it. `pressure` is that of the air [kPa], by which transpiration is reckoned."""

    pressure: float = eqx.field(static=True, default=101.325, kw_only=True)

    forcings: ClassVar = {
        "photon_flux": Variable(RATE, "photons of photosynthesis that fall on the leaf", 1000.0),
        "leaf_temperature": Variable("degC", "temperature of the leaf", 25.0),
        "vapour_pressure_deficit": Variable("kPa", "deficit of vapour from leaf to air", 1.0),
        "carbon_dioxide": Variable("µmol mol-1", "CO2 of the air at the leaf", 400.0),
    }
    states: ClassVar = {}
    fluxes: ClassVar = {
        "net_assimilation": Variable(RATE, "CO2 taken up less that breathed out", 10.0),
        "stomatal_conductance": Variable("mol m-2 s-1", "conductance for water vapour", 0.2),
        "transpiration": Variable("mmol m-2 s-1", "water vapour given off", 2.0),
        "intercellular_co2": Variable("µmol mol-1", "CO2 within the leaf", 300.0),
    }
    budget = Budget({})
    all_parameters: ClassVar = {
        "carboxylation_25": Parameter(RATE, "Vcmax at 25 °C", Bounds(1.0, 600.0, "logarithmic"), 60.0),
        "electron_transport_25": Parameter(RATE, "Jmax at 25 °C", Bounds(2.0, 1200.0, "logarithmic"), 110.0),
        "pep_carboxylation_25": Parameter(RATE, "Vpmax at 25 °C", Bounds(2.0, 400.0, "logarithmic"), 80.0),
        "respiration_25": Parameter(RATE, "respiration by day at 25 °C", Bounds(0.01, 10.0, "logarithmic"), 1.0),
        "triose_phosphate_use": Parameter(RATE, "use of triose phosphate", Bounds(2.0, 40.0, "logarithmic"), 12.0),
        "quantum_yield": Parameter("1", "electrons for each photon", Bounds(0.1, 0.5), 0.24),
        "curvature": Parameter("1", "curvature of the response to light", Bounds(0.1, 0.98), 0.7),
        "residual_conductance": Parameter("mol m-2 s-1", "g0", Bounds(0.0, 0.1), 0.01),
        "stomatal_slope": Parameter("kPa^0.5", "g1 of Medlyn", Bounds(1.0, 12.0), 4.0),
        "humidity_slope": Parameter("1", "g1 of Ball and Berry", Bounds(3.0, 20.0), 9.0),
    }
    step_parameters = ("carboxylation_25", "electron_transport_25", "respiration_25", "quantum_yield", "curvature")
    slots: ClassVar = {
        "photosynthesis": Slot(Formula(c3), RATE, "net assimilation", Limits(scale=10.0), offers=RATES, sizes=SIZES),
        "stomatal_conductance": Slot(
            Formula(medlyn), "mol m-2 s-1", "conductance for vapour", Limits(0.0, scale=0.2),
            offers=("net_assimilation", "relative_humidity"),
        ),
        "carboxylation_response": Slot(_response(65330.0), "1", "Vcmax over that at 25 °C", FACTOR),
        "electron_transport_response": Slot(_response(43540.0), "1", "Jmax over that at 25 °C", FACTOR),
        "respiration_response": Slot(_response(46390.0), "1", "Rd over that at 25 °C", FACTOR),
    }  # fmt: skip

    def initial_state(self) -> Values:
        """A leaf remembers nothing."""
        return {}

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """The exchange of one leaf at one moment, whatever dt."""
        saturation = saturation_vapour_pressure(forcing["leaf_temperature"]) / 1000
        humidity = jnp.clip(1 - forcing["vapour_pressure_deficit"] / saturation, 0.0, 1.0)
        now = (
            self.values(state, forcing, parameters) | self.rates(forcing, parameters) | {"relative_humidity": humidity}
        )
        inside, net, conductance = intercellular_co2(
            lambda carbon: self.law("photosynthesis", {**now, "intercellular_co2": carbon}),
            lambda net: self.law("stomatal_conductance", {**now, "net_assimilation": net}),
            forcing["carbon_dioxide"],
        )
        return state, {
            "net_assimilation": net,
            "stomatal_conductance": conductance,
            "transpiration": 1000 * conductance * forcing["vapour_pressure_deficit"] / self.pressure,
            "intercellular_co2": inside,
        }

    def response_to_co2(self, intercellular_co2: Scalar, forcing: Values, parameters: Values) -> Scalar:
        """Net assimilation [µmol m-2 s-1] at a known CO2 within the leaf [µmol mol-1]: one point of an A(Ci) curve."""
        now = {**forcing, **parameters} | self.rates(forcing, parameters)
        return self.law("photosynthesis", {**now, "intercellular_co2": intercellular_co2})

    def rates(self, forcing: Values, parameters: Values) -> Values:
        """Vcmax, J and Rd [µmol m-2 s-1] at the leaf's temperature and light."""
        now = {**forcing, **parameters}
        most = parameters["electron_transport_25"] * self.law("electron_transport_response", now)
        light = (forcing["photon_flux"], most, parameters["quantum_yield"], parameters["curvature"])
        return {
            "carboxylation": parameters["carboxylation_25"] * self.law("carboxylation_response", now),
            "electron_transport": electron_transport(*light),
            "respiration": parameters["respiration_25"] * self.law("respiration_response", now),
        }


def leaf(pathway: str = "C3", **laws: Law) -> Leaf:
    """A leaf of either pathway, laws replaced by name. Raises `DgeoError` for another pathway or an unknown law."""
    if pathway not in ("C3", "C4"):
        raise DgeoError(f"There is no pathway {pathway!r} of photosynthesis here: give 'C3' or 'C4'.")
    return Leaf(laws={**(C4_LAWS if pathway == "C4" else {}), **laws})
