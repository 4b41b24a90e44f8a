"""Groundwater in a layer, confined or with a free surface, on a grid: heads, wells, recharge and rivers.

    S·A·∂h/∂t = Σ_faces q + R·A − W + C·(η − h)          q: see `dgeo.physics.darcy`

| symbol | name | unit |
|---|---|---|
| h, η | head, stage of a river in the cell | m |
| S | storativity; specific yield where the surface is free | 1 |
| A | area of a cell | m² |
| R, W | recharge, pumping | m d⁻¹, m³ d⁻¹ |
| C | conductance of the river's bed, 0 where there is no river; very large: a fixed head | m² d⁻¹ |

A step is backward Euler: a system of linear equations for a confined aquifer, solved and corrected once, some
iterations of Newton's method for a free surface, always without a matrix (`dgeo.numerics.implicit`). The solve only
finds the heads by which water moves; the water changes by what moved, so a loose solve costs accuracy and no water. The
heads given out are those of the solve: where the storativity is tiny, a cell's water has too few digits to tell them.
"""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dgeo.errors import DgeoError
from dgeo.models.law import Formula, Slot, Values
from dgeo.models.model import Budget, Model, Parameter, Scalar, Variable
from dgeo.numerics import Bounds, Frozen, Limits, at_least, minimum
from dgeo.numerics.implicit import matrix_free_root
from dgeo.physics import darcy

Cells = Float[Array, "y x"]
THINNEST = 1e-6  # [m] of water that conducts in a cell that fell dry


class Grid(Frozen):
    """Cells in rows and columns; `grid(...)` makes it from checked input.

    - `bottom`: of the layer [m]; `thickness`: what of it conducts where it is confined [m];
    - `width`, `depth`: of a cell along a row and along a column [m].
    """

    bottom: Cells
    thickness: Cells
    width: Scalar
    depth: Scalar

    @property
    def area(self) -> Scalar:
        """Of a cell [m²]."""
        return self.width * self.depth


def grid(
    shape: tuple[int, int], width: float, depth: float | None = None, bottom: Any = 0.0, thickness: Any = 1.0
) -> Grid:
    """Rows and columns of cells, `width` by `depth` (by default square).

    Raises `DgeoError` for sizes and thicknesses that are not positive.
    """
    depth = width if depth is None else depth
    layer = np.broadcast_to(np.asarray(thickness, np.float64), shape)
    for name, value in (("width", width), ("depth", depth), ("thickness", float(np.min(layer)))):
        if not value > 0:
            raise DgeoError(f"The {name} of the cells of a grid is {value:g} m: give a positive one.")
    floor = np.broadcast_to(np.asarray(bottom, np.float64), shape)
    sizes = (np.asarray(float(x)) for x in (width, depth))
    across, along = (jnp.asarray(x) for x in sizes)
    return Grid(jnp.asarray(floor), jnp.asarray(layer), across, along)


def given_conductivity(conductivity: Scalar) -> Scalar:
    """The parameter as it is [m d⁻¹]."""
    return conductivity


def given_recharge(recharge: Scalar) -> Scalar:
    """The forcing as it is [m d⁻¹]."""
    return recharge


def given_conductance(conductance: Scalar) -> Scalar:
    """The parameter as it is [m² d⁻¹]."""
    return conductance


class Aquifer(Model):
    """All cells are one site; forcings, parameters, states and fluxes are arrays [y, x].

    Slots, each a law of one cell, evaluated at the start of the step, which may read its `head`: `conductivity`,
    `recharge` and `conductance`. A well takes no more than the cell holds.
    """

    grid: Grid
    confined: bool = eqx.field(static=True, default=True)
    iterations: int = eqx.field(static=True, default=6)

    slots: ClassVar = {
        "conductivity": Slot(
            Formula(given_conductivity),
            "m d-1",
            "hydraulic conductivity",
            Limits(low=0.0, scale=10.0),
            offers=("head",),
        ),
        "recharge": Slot(Formula(given_recharge), "m d-1", "recharge", Limits(scale=1e-3), offers=("head",)),
        "conductance": Slot(
            Formula(given_conductance), "m2 d-1", "of a river's bed", Limits(low=0.0, scale=100.0), offers=("head",)
        ),
    }
    forcings: ClassVar = {
        "recharge": Variable("m d-1", "what reaches the groundwater from above", 1e-3),
        "pumping": Variable("m3 d-1", "what wells take from the cell", 100.0),
        "stage": Variable("m", "water level of the river in the cell", 1.0),
    }
    states: ClassVar = {"water": Variable("m3", "S·A·(h − bottom): what the cell gives while it drains", 1e3)}
    budget = Budget({"recharge": (None, "water"), "pumping": ("water", None), "seepage": (None, "water")})
    fluxes: ClassVar = {
        "recharge": Variable("m3 d-1", "from above", 10.0),
        "pumping": Variable("m3 d-1", "by wells, as far as there is water", 100.0),
        "seepage": Variable("m3 d-1", "from the river, negative towards it", 10.0),
        "head": Variable("m", "at the end of the step", 1.0),
    }
    all_parameters: ClassVar = {
        "conductivity": Parameter("m d-1", "hydraulic conductivity", Bounds(1e-3, 1e3, "logarithmic"), 10.0),
        "storativity": Parameter("1", "storativity or specific yield", Bounds(1e-6, 0.4, "logarithmic"), 0.1),
        "conductance": Parameter("m2 d-1", "of a river's bed", Bounds(0.0, 1e4), 0.0),
    }
    step_parameters: ClassVar = ("storativity",)

    def initial_state(self) -> Values:
        """Empty cells: heads at the bottom."""
        return {"water": jnp.zeros_like(self.grid.bottom)}

    def at_head(self, head: Cells, parameters: Values) -> Values:
        """The state with given heads [m]."""
        return {"water": parameters["storativity"] * self.grid.area * (head - self.grid.bottom)}

    def head(self, water: Cells, parameters: Values) -> Cells:
        """The heads [m] of a state."""
        return self.grid.bottom + water / (parameters["storativity"] * self.grid.area)

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One step of `dt` [d]."""
        water, storage = state["water"], parameters["storativity"] * self.grid.area / dt
        before = self.head(water, parameters)
        terms = self._terms(before, state, forcing, parameters)
        terms["pumping"] = minimum(forcing["pumping"], at_least(water / dt, jnp.zeros_like(water)))
        after = self._solved(before, before, storage, terms)
        moved = darcy.net_inflow(after, self._faces(after, terms))
        seepage = terms["conductance"] * (terms["stage"] - after)
        water = water + dt * (moved + terms["recharge"] - terms["pumping"] + seepage)
        fluxes = {"recharge": terms["recharge"], "pumping": terms["pumping"], "seepage": seepage}
        return {"water": water}, {**fluxes, "head": after}

    def steady_head(self, forcing: Values, parameters: Values, guess: Cells) -> Cells:
        """The heads at which nothing changes any more; somewhere there must be a river, or they are not determined."""
        terms = self._terms(guess, self.at_head(guess, parameters), forcing, parameters)
        terms["pumping"] = forcing["pumping"]
        return self._solved(guess, guess, jnp.zeros_like(guess), terms)

    def _terms(self, head: Cells, state: Values, forcing: Values, parameters: Values) -> Values:
        """What laws give at the start, per cell."""

        def of_cell(head: Scalar, state: Values, forcing: Values, parameters: Values) -> Values:
            values = {**self.values(state, forcing, parameters), "head": head}
            return {slot: self.law(slot, values) for slot in self.slots}

        terms = jax.vmap(jax.vmap(of_cell))(head, state, forcing, parameters)
        return {**terms, "recharge": terms["recharge"] * self.grid.area, "stage": forcing["stage"]}

    def _faces(self, head: Cells, terms: Values) -> darcy.Faces:
        thickness = self.grid.thickness
        if not self.confined:
            thickness = at_least(head - self.grid.bottom, jnp.full_like(head, THINNEST))
        return darcy.conductances(terms["conductivity"], thickness, self.grid.width, self.grid.depth)

    def _solved(self, start: Cells, before: Cells, storage: Cells, terms: Values) -> Cells:
        given = terms["recharge"] - terms["pumping"]

        def excess(head: Cells) -> Cells:
            gained = darcy.net_inflow(head, self._faces(head, terms)) + terms["conductance"] * (terms["stage"] - head)
            return storage * (head - before) - gained - given

        diagonal = storage + darcy.sum_of_faces(self._faces(start, terms)) + terms["conductance"]
        iterations = 2 if self.confined else self.iterations
        return matrix_free_root(excess, start, diagonal, iterations=iterations, symmetric=self.confined)
