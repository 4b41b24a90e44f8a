"""Heat in a column of soil that may freeze: conduction in enthalpy form, implicit in time, by Newton's method.

    h_i·Δz_i = h_i(before)·Δz_i + dt·(q_i − q_{i+1})
    q = (T_up − T_down)/(Δz_up/2k_up + Δz_down/2k_down)              downward through a face

The unknown is the heat h of every layer, from which temperature and liquid share follow (`dgeo.physics.soil_heat`):
the front of freezing needs no tracking, and the balance closes however the layers stand to it. At the top stands the
`surface_temperature` or a `surface_heat_flux`; at the bottom the parameter `geothermal_flux` or `bottom_temperature`.
Conductivity is a law, which reads temperature, liquid share or the depth of its layer, all as they are before the step.

Reference: Voller & Swaminathan (1991), doi:10.1080/10407799108944962, for the enthalpy method.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.errors import DgeoError, nearest
from dgeo.models.column import Layers, at_points
from dgeo.models.law import Formula, Law, Slot, Values
from dgeo.models.model import Budget, Model, Parameter, Scalar, Variable
from dgeo.models.solvers import FAILURE
from dgeo.numerics import Bounds, Limits
from dgeo.numerics.tridiagonal import newton_tridiagonal
from dgeo.physics import soil_heat
from dgeo.physics.net_radiation import MEGAJOULES_A_DAY

Column = Float[Array, " z"]
ITERATIONS, TOLERANCE = 60, 1e-9
UNCLOSED = 1e-4  # share of the heat of freezing and of 1 K by which the iteration may miss
TOPS = {"temperature": "surface_temperature", "flux": "surface_heat_flux"}
BOTTOMS = {"flux": (), "temperature": ("bottom_temperature",)}
ENTHALPY = ("latent_heat", "freezing_range", "thawed_heat_capacity", "frozen_heat_capacity")
FORCINGS: Mapping[str, Variable] = {
    "surface_temperature": Variable("degC", "temperature of the surface", 10.0),
    "surface_heat_flux": Variable("W m-2", "heat into the surface", 50.0),
    "bottom_temperature": Variable("degC", "temperature of the lower end", 10.0),
}


class SoilHeat(Model):
    """One column of soil; `soil_heat_column` builds it."""

    layers: Layers
    top: str = eqx.field(static=True, default="temperature", kw_only=True)
    bottom: str = eqx.field(static=True, default="flux", kw_only=True)

    slots: ClassVar = {
        "conductivity": Slot(
            Formula(soil_heat.conductivity),
            "W m-1 K-1",
            "thermal conductivity",
            Limits(0.0, scale=1.0),
            offers=("liquid_share", "temperature", "depth"),
        )
    }
    states: ClassVar = {
        "heat": Variable("MJ m-2", "heat in each layer, from thawed soil at 0 °C", 10.0),
        "temperature": Variable("degC", "temperature of each layer, as its heat says", 10.0),
    }
    fluxes: ClassVar = {
        "ground_heat_flux": Variable("MJ m-2 d-1", "heat into the surface", 5.0),
        "lower_heat_flux": Variable("MJ m-2 d-1", "heat out of the lower end", 0.01),
    }
    budget: ClassVar = Budget({"ground_heat_flux": (None, "heat"), "lower_heat_flux": ("heat", None)})
    diagnostics: ClassVar = {FAILURE: Variable("1", "1 where the iteration did not converge and nothing moved")}
    all_parameters: ClassVar = {
        "latent_heat": Parameter("MJ m-3", "heat of the water that freezes", Bounds(0.0, 250.0), 100.0),
        "freezing_range": Parameter("K", "range over which it freezes", Bounds(0.0, 2.0), 0.5),
        "thawed_heat_capacity": Parameter("MJ m-3 K-1", "heat capacity of thawed soil", Bounds(0.5, 4.2), 2.5),
        "frozen_heat_capacity": Parameter("MJ m-3 K-1", "heat capacity of frozen soil", Bounds(0.5, 3.0), 1.9),
        "thawed_conductivity": Parameter("W m-1 K-1", "conductivity of thawed soil", Bounds(0.1, 3.0), 1.0),
        "frozen_conductivity": Parameter("W m-1 K-1", "conductivity of frozen soil", Bounds(0.1, 4.0), 1.6),
        "geothermal_flux": Parameter("W m-2", "heat into the lower end", Bounds(0.0, 0.2), 0.06),
    }

    def __check_init__(self) -> None:
        """Meet boundaries that there are not at the door."""
        for kind, given, known in (("top", self.top, TOPS), ("bottom", self.bottom, BOTTOMS)):
            if given not in known:
                raise DgeoError(f"A column of heat has no {kind} {given!r}: {nearest(given, known)}")

    @property
    def step_parameters(self) -> tuple[str, ...]:  # type: ignore[override]
        """What the step reads whatever the laws."""
        return (*ENTHALPY, "geothermal_flux") if self.bottom == "flux" else ENTHALPY

    @property
    def forcings(self) -> dict[str, Variable]:
        """What the boundaries need."""
        return {name: FORCINGS[name] for name in (TOPS[self.top], *BOTTOMS[self.bottom])}

    def initial_state(self) -> Values:
        """Thawed soil at 5 °C."""
        warm = jnp.full_like(self.layers.thickness, 5.0)
        return self.at_temperature(warm, {n: jnp.asarray(p.default, warm.dtype) for n, p in self.parameters.items()})

    def at_temperature(self, temperature: Column, parameters: Values) -> Values:
        """The state of a column whose layers have these temperatures [°C]."""
        law = Formula(soil_heat.heat_at)
        heat = at_points(law, {**parameters, "temperature": temperature}, temperature.size)
        return {"heat": heat * self.layers.thickness, "temperature": temperature}

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One implicit step; nothing moves in one that fails."""
        arguments = (self, state, forcing, parameters, dt)
        start = state["heat"] / self.layers.thickness / _size(parameters)
        found = newton_tridiagonal(excess, start, arguments, iterations=ITERATIONS, tolerance=TOLERANCE)
        flow, temperature = self.flows(found, state, forcing, parameters)
        heat = state["heat"] - dt * jnp.diff(flow)
        unclosed = jnp.max(jnp.abs(heat / self.layers.thickness / _size(parameters) - found))
        failed = ~(unclosed <= UNCLOSED * (1 + jnp.max(jnp.abs(found))))
        fluxes = {"ground_heat_flux": flow[0], "lower_heat_flux": flow[-1]}
        after = {"heat": heat, "temperature": temperature}
        nothing = {name: jnp.zeros_like(flux) for name, flux in fluxes.items()}
        still = failed & ~jnp.isnan(unclosed)
        after, fluxes = jax.tree.map(lambda a, b: jnp.where(still, a, b), (dict(state), nothing), (after, fluxes))
        return after, fluxes | {FAILURE: failed.astype(dt.dtype)}

    def flows(
        self, scaled_heat: Column, state: Values, forcing: Values, parameters: Values
    ) -> tuple[Float[Array, " face"], Column]:
        """Downward flow of heat through every face [MJ m⁻² d⁻¹], and the temperature of every layer."""
        values = {**forcing, **parameters, "heat_content": scaled_heat * _size(parameters)}
        temperature = at_points(Formula(soil_heat.temperature), values, scaled_heat.size)
        half = self.layers.thickness / (2 * MEGAJOULES_A_DAY * self.conductivity(state, forcing, parameters))
        between = (temperature[:-1] - temperature[1:]) / (half[:-1] + half[1:])
        if self.top == "flux":
            above = MEGAJOULES_A_DAY * forcing["surface_heat_flux"]
        else:
            above = (forcing["surface_temperature"] - temperature[0]) / half[0]
        if self.bottom == "flux":
            below = -MEGAJOULES_A_DAY * parameters["geothermal_flux"]
        else:
            below = (temperature[-1] - forcing["bottom_temperature"]) / half[-1]
        return jnp.concatenate([above[None], between, below[None]]), temperature

    def conductivity(self, state: Values, forcing: Values, parameters: Values) -> Column:
        """Thermal conductivity of every layer [W m⁻¹ K⁻¹]."""
        values = {**forcing, **parameters, "heat_content": state["heat"] / self.layers.thickness}
        layers = self.layers.thickness.size
        values |= {"temperature": state["temperature"], "depth": self.layers.centre}
        values["liquid_share"] = at_points(Formula(soil_heat.liquid_share), values, layers)
        return at_points(self.present_laws["conductivity"], values, layers)


def excess(scaled_heat: Column, arguments: Any) -> Column:
    """Heat beyond what was there and came in, scaled; zero at the end of an implicit step."""
    column, state, forcing, parameters, dt = arguments
    flow, _ = column.flows(scaled_heat, state, forcing, parameters)
    return scaled_heat - (state["heat"] - dt * jnp.diff(flow)) / column.layers.thickness / _size(parameters)


def _size(parameters: Values) -> Array:
    """The heat that freezing and 1 K take [MJ m⁻³]: the unit in which the iteration counts."""
    return parameters["latent_heat"] + parameters["thawed_heat_capacity"]


def soil_heat_column(layers: Layers, *, top: str = "temperature", bottom: str = "flux", **laws: Law) -> SoilHeat:
    """A column of soil with these boundaries, and its law of conductivity replaced if given.

    Raises `DgeoError` for a law or a boundary that there is not.
    """
    return SoilHeat(layers, top=top, bottom=bottom, laws=dict(laws))
