"""A Richards column: mixed form, van Genuchten–Mualem, implicit Euler by Newton's method.

The state is the water in every layer and the head from which the iteration starts. The iteration only finds the flows;
the water changes by them, so an iteration that has not converged costs accuracy, never water.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp

from dgeo.models import Budget, Formula, Law, Model, Parameter, Values, Variable
from dgeo.numerics import Bounds, Frozen, positive_part, power
from dgeo.numerics.tridiagonal import newton_tridiagonal


def retention(pressure_head, alpha, n, residual, saturated):
    """Water content [1]; 1e-4 of it for each metre of head is elastic."""
    suction = power(alpha * positive_part(-pressure_head), n)
    return residual + (saturated - residual) * (1 + suction) ** (1 / n - 1) + 1e-4 * pressure_head


def conductivity(pressure_head, alpha, n, saturated_conductivity):
    """K = Ks·√Se·(1 − (1 − Se^{1/m})^m)², with 1 − Se^{1/m} = x/(1 + x) and x = (α|ψ|)^n [m d-1]."""
    suction, m = alpha * positive_part(-pressure_head), 1 - 1 / n
    opened = 1 - power(suction, n - 1) * (1 + power(suction, n)) ** -m
    return saturated_conductivity * (1 + power(suction, n)) ** (-m / 2) * opened**2


class Layers(Frozen):
    thickness: jax.Array


class Richards(Model):
    layers: Layers
    retention: Law = Formula(retention)
    conductivity: Law = Formula(conductivity)
    forcings: ClassVar = {"rain": Variable("m d-1", "")}
    states: ClassVar = {"soil_water": Variable("m", ""), "pressure_head": Variable("m", "")}
    budget = Budget({"infiltration": (None, "soil_water"), "drainage": ("soil_water", None)})
    fluxes: ClassVar = {name: Variable("m d-1", "") for name in budget.transfers}
    all_parameters: ClassVar = {
        "alpha": Parameter("m-1", "", Bounds(0.5, 5.0), 3.0), "n": Parameter("1", "", Bounds(1.2, 2.5), 1.6),
        "residual": Parameter("1", "", Bounds(0.0, 0.1), 0.05), "saturated": Parameter("1", "", Bounds(0.3, 0.6), 0.4),
        "saturated_conductivity": Parameter("m d-1", "", Bounds(0.01, 10.0, "logarithmic"), 0.3),
    }  # fmt: skip

    def initial_state(self) -> Values:
        default = {name: jnp.asarray(p.default, self.layers.thickness.dtype) for name, p in self.parameters.items()}
        return self.at_head(jnp.full_like(self.layers.thickness, -1.0), default)

    def at_head(self, head, parameters):
        return {"soil_water": self.water(head, parameters), "pressure_head": head}

    def water(self, head, parameters):
        return jax.vmap(lambda h: self.retention({**parameters, "pressure_head": h}))(head) * self.layers.thickness

    def flow(self, head, rain, parameters):
        """Darcy's downward flow through the top, between the centres of the layers, and freely out of the bottom."""
        K = jax.vmap(lambda h: self.conductivity({**parameters, "pressure_head": h}))(head)
        dz = self.layers.thickness
        between = (K[1:] + K[:-1]) / 2 * (1 + 2 * (head[:-1] - head[1:]) / (dz[1:] + dz[:-1]))
        return jnp.concatenate([rain[None], between, K[-1:]])

    def step(self, state, forcing, parameters, dt):
        arguments = (self, state["soil_water"], forcing["rain"], parameters, dt)
        head = newton_tridiagonal(excess, state["pressure_head"], arguments, iterations=12, largest_change=0.3)
        flow = self.flow(head, forcing["rain"], parameters)
        state = {"soil_water": state["soil_water"] - dt * jnp.diff(flow), "pressure_head": head}
        return state, {"infiltration": flow[0], "drainage": flow[-1]}


def excess(head, arguments):
    """Water beyond what was there and flowed in [m]; zero at the end of an implicit step."""
    column, before, rain, parameters, dt = arguments
    return column.water(head, parameters) - before + dt * jnp.diff(column.flow(head, rain, parameters))
