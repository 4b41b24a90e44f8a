"""A land surface: where the energy it receives goes. No state: every moment is by itself.

    Rn − G = H + λE

by Penman and Monteith, or by the temperature of the surface (`dgeo.physics.surface_temperature`). The two resistances
are laws. The defaults are those of FAO-56: 70 s m⁻¹ for a grass, and the logarithmic profile of wind in neutral air.

    surface()                                                     λE by Penman–Monteith, from measured Rn and G
    surface("measured")                                           Ts by Newton, from measured Rn and G
    surface("isothermal")                                         the same, from Rn₀: the surface's warmth lowers Rn
    surface(surface_resistance=JARVIS)                            the product of stresses of a canopy
    surface(surface_resistance=network_law(…))                    a network in its place

Allen et al. (1998), FAO Irrigation and Drainage Paper 56, chapter 2.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from dgeo.errors import DgeoError, nearest
from dgeo.models.law import Formula, Law, Slot, Values
from dgeo.models.model import Budget, Model, Parameter, Scalar, Variable
from dgeo.numerics import Bounds, Limits
from dgeo.physics import canopy_resistance, penman_monteith
from dgeo.physics.humid_air import PSYCHROMETRIC, saturation_vapour_pressure
from dgeo.physics.linear_reservoir import constant
from dgeo.physics.surface_temperature import Air, emitted, latent_heat, sensible_heat, surface_temperature

BALANCES = ("penman_monteith", "measured", "isothermal")
POWER = "W m-2"
JARVIS = Formula(canopy_resistance.jarvis, forcings=("shortwave_radiation", "soil_moisture", "leaf_area_index"))
BY_FRICTION = Formula(penman_monteith.resistance_by_friction, forcings=("friction_velocity",))


class Surface(Model):
    """A surface; `surface` builds it."""

    balance: str = eqx.field(static=True, default=BALANCES[0], kw_only=True)

    forcings: ClassVar = {
        "net_radiation": Variable(POWER, "net radiation, Rn, or Rn₀ if isothermal", 300.0),
        "ground_heat_flux": Variable(POWER, "heat into the ground", 50.0),
        "air_temperature": Variable("degC", "temperature of the air", 20.0),
        "vapour_pressure": Variable("Pa", "vapour pressure of the air", 1000.0),
        "air_pressure": Variable("Pa", "pressure of the air", 1e5),
        "wind_speed": Variable("m s-1", "wind where it is measured", 3.0),
    }
    states: ClassVar = {}
    fluxes: ClassVar = {
        "latent_heat": Variable(POWER, "energy taken up by evaporation", 150.0),
        "sensible_heat": Variable(POWER, "energy that warms the air", 150.0),
        "surface_temperature": Variable("degC", "temperature of the surface", 20.0),
        "emitted_beyond_air": Variable(POWER, "longwave radiation lost by being warmer than the air", 30.0),
    }
    budget = Budget({})
    all_parameters: ClassVar = {
        "resistance": Parameter("s m-1", "of the surface to evaporation", Bounds(10.0, 5000.0, "logarithmic"), 70.0),
        "least_resistance": Parameter("s m-1", "of a leaf in full light", Bounds(10.0, 1000.0, "logarithmic"), 100.0),
        "light_of_half_opening": Parameter("W m-2", "shortwave that half opens stomata", Bounds(5.0, 500.0), 100.0),
        "deficit_of_closure": Parameter("Pa", "that closes them to 1/e", Bounds(300.0, 2e4, "logarithmic"), 2500.0),
        "wilting_moisture": Parameter("1", "soil moisture at which they close", Bounds(0.0, 0.1), 0.03),
        "limiting_moisture": Parameter("1", "above which it limits no more", Bounds(0.11, 0.5), 0.25),
        "measurement_height": Parameter("m", "height of the wind measurement", Bounds(2.0, 50.0), 2.0),
        "vegetation_height": Parameter("m", "height of the plants", Bounds(0.02, 1.5, "logarithmic"), 0.12),
        "emissivity": Parameter("1", "of the surface in the longwave", Bounds(0.9, 1.0), 0.97),
    }
    slots: ClassVar = {
        "surface_resistance": Slot(
            Formula(constant, ("resistance",)), "s m-1", "resistance of the surface", Limits(0.0, scale=100.0),
            offers=("vapour_pressure_deficit",), sizes={"vapour_pressure_deficit": 1000.0},
        ),
        "aerodynamic_resistance": Slot(
            Formula(penman_monteith.aerodynamic_resistance), "s m-1", "resistance of the air", Limits(0.0, scale=50.0)
        ),
    }  # fmt: skip

    @property
    def step_parameters(self) -> tuple[str, ...]:  # type: ignore[override]
        """The emissivity, where radiation answers to the surface."""
        return ("emissivity",) if self.balance == "isothermal" else ()

    def initial_state(self) -> Values:
        """A surface without heat capacity remembers nothing."""
        return {}

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """Where the energy goes at one moment, whatever dt."""
        temperature, vapour = forcing["air_temperature"], forcing["vapour_pressure"]
        deficit = saturation_vapour_pressure(temperature) - vapour
        now = self.values(state, forcing, parameters) | {"vapour_pressure_deficit": deficit}
        resistance = self.law("surface_resistance", now)
        pressure = forcing["air_pressure"]
        air = Air(temperature, vapour, pressure, PSYCHROMETRIC * pressure, self.law("aerodynamic_resistance", now))
        available = forcing["net_radiation"] - forcing["ground_heat_flux"]
        if self.balance == "penman_monteith":
            latent = penman_monteith.latent_heat(available, *air, resistance)
            return state, self.found(latent, available - latent, air, jnp.zeros_like(latent))
        emissivity = parameters["emissivity"] if self.balance == "isothermal" else jnp.zeros_like(temperature)
        warm = surface_temperature(available, air, resistance, emissivity)
        beyond = emitted(warm, air, emissivity)
        return state, self.found(latent_heat(warm, air, resistance), sensible_heat(warm, air), air, beyond)

    def found(self, latent: Scalar, sensible: Scalar, air: Air, beyond: Scalar) -> Values:
        """The fluxes by name, with the temperature at which the surface gives off its sensible heat."""
        return {
            "latent_heat": latent,
            "sensible_heat": sensible,
            "surface_temperature": air.temperature + sensible * air.resistance / air.heat_capacity,
            "emitted_beyond_air": beyond,
        }


def surface(balance: str = "penman_monteith", **laws: Law) -> Surface:
    """A surface with laws replaced by name. Raises `DgeoError` for a balance or law that there is not."""
    if balance not in BALANCES:
        raise DgeoError(f"There is no energy balance {balance!r}: {nearest(balance, BALANCES)}")
    return Surface(laws=dict(laws), balance=balance)
