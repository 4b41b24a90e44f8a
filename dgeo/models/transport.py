"""What a stream carries and what becomes of it: a solute, oxygen and its demand, heat.

    R·∂C/∂t + v·∂C/∂x = D·∂²C/∂x² + r(C, …)

along a line of equal cells, per square metre of the cross-section. A step is Strang's: half of the reaction, half of
the advection, the dispersion, and the other halves backwards; of second order where every part is. Time is in seconds.

The reaction of a cell is a law, of any form. It is integrated by an exponential midpoint rule, exact for a linear one:

    C* = C + φ(J·τ/2)·(τ/2)·r(C),      C' = C + φ(J·τ)·τ·(r(C*) − J·(C* − C)),      φ(z) = (e^z − 1)/z

with J = ∂r/∂C of each substance by itself, so that a fast decay neither overshoots nor goes below nothing.

Laws and their verification: Streeter & Phelps (1925); Edinger, Duttweiler & Geyer (1968), doi:10.1029/WR004i005p01137,
for the linear exchange of heat.
"""

from abc import abstractmethod
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.errors import DgeoError
from dgeo.models.law import Values
from dgeo.models.model import Model, Parameter, Scalar
from dgeo.numerics import Bounds, Frozen
from dgeo.physics import line_transport

Cells = Float[Array, " cell"]


class Line(Frozen):
    """Equal cells of a stream; `line(...)` makes it from checked input."""

    spacing: Scalar
    count: int = eqx.field(static=True)


def line(length: float, cells: int) -> Line:
    """A stream of a length [m] in some cells; raises `DgeoError` for none."""
    if not length > 0 or cells < 1:
        raise DgeoError(
            f"A stream of {length:g} m in {cells} cells is none: give a positive length, and 1 cell or more."
        )
    return Line(jnp.asarray(float(length) / cells), cells)


MOVING = {
    "velocity": Parameter("m s-1", "mean velocity of the water", Bounds(1e-3, 5.0, "logarithmic"), 0.5),
    "dispersion": Parameter("m2 s-1", "longitudinal dispersion", Bounds(1e-6, 1e3, "logarithmic"), 10.0),
}


class Transport(Model):
    """The substances of a stream, each with a store and, for its laws, a concentration per cell.

    A subclass names them in `substances` {store: concentration} and gives their `reactions`.
    """

    line: Line

    substances: ClassVar[dict[str, str]]
    step_parameters: ClassVar[tuple[str, ...]] = ("velocity", "dispersion")

    @abstractmethod
    def reactions(self, values: Values) -> Values:
        """∂C/∂t by reactions in one cell, for every store [per s]."""

    def capacity(self, parameters: Values) -> Scalar:
        """The store of a cell per metre and concentration: the retardation R [1]."""
        return jnp.ones_like(parameters["velocity"])

    def initial_state(self) -> Values:
        """Nothing anywhere (of heat: 0 degC)."""
        return {store: jnp.zeros(self.line.count, self.line.spacing.dtype) for store in self.substances}

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One step of `dt` [s]."""
        size = self.line.spacing * self.capacity(parameters)
        values = self.values(state, forcing, parameters)
        before = {store: x / size for store, x in state.items()}
        early = self._reacted(before, values, dt / 2)
        reacted = _sum(before, early)
        moved, entered, left = self._moved(reacted, forcing, parameters, dt)
        still = _sum(reacted, moved)
        late = self._reacted(still, values, dt / 2)
        after = {store: x + size * (early[store] + moved[store] + late[store]) for store, x in state.items()}
        fluxes: Values = {}
        for store, concentration in self.substances.items():
            fluxes |= {f"{store}_entering": entered[store] * size / dt, f"{store}_leaving": left[store] * size / dt}
            fluxes |= {f"{store}_reaction": (early[store] + late[store]) * size / dt}
            fluxes |= {concentration: after[store] / size}
        return after, fluxes

    def _reacted(self, c: Values, values: Values, tau: Scalar) -> Values:
        """The change of all cells in a time `tau` of reactions alone."""

        def rates(c: Values) -> Values:
            return self.reactions({**values, **{self.substances[store]: x for store, x in c.items()}})

        def of_cell(c: Values) -> Values:
            own = {s: jax.jvp(rates, (c,), ({o: jnp.full_like(c[o], o == s) for o in c},))[1][s] for s in c}
            start = rates(c)
            middle = {s: x + phi(own[s] * tau / 2) * tau / 2 * start[s] for s, x in c.items()}
            there = rates(middle)
            return {s: phi(own[s] * tau) * tau * (there[s] - own[s] * (middle[s] - x)) for s, x in c.items()}

        return jax.vmap(of_cell)(c)

    def _moved(self, c: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values, Values]:
        """The change of all cells by advection and dispersion, what entered and what left."""
        reduced = dt / self.capacity(parameters)
        courant = parameters["velocity"] * reduced / self.line.spacing
        number = parameters["dispersion"] * reduced / self.line.spacing**2

        def of_store(c: Cells, inflow: Scalar) -> tuple[Cells, Scalar, Scalar]:
            first, first_in, first_out = line_transport.advected(c, inflow, courant / 2)
            spread, spread_in = line_transport.dispersed(c + first, inflow, number)
            second, second_in, second_out = line_transport.advected(c + (first + spread), inflow, courant / 2)
            return first + spread + second, first_in + spread_in + second_in, first_out + second_out

        found = {store: of_store(x, forcing[f"{store}_inflow"]) for store, x in c.items()}
        changes, entered, left = ({store: part[i] for store, part in found.items()} for i in range(3))
        return changes, entered, left


def _sum(values: Values, changes: Values) -> Values:
    return {name: x + changes[name] for name, x in values.items()}


def phi(z: Scalar) -> Scalar:
    """(e^z − 1)/z, and 1 at 0."""
    small = jnp.abs(z) < 1e-3
    away = jnp.where(small, jnp.ones_like(z), z)
    return jnp.where(small, 1 + z / 2 + z**2 / 6, jnp.expm1(away) / away)
