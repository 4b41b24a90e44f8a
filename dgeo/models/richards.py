"""Water in a column of soil: Richards' equation in mixed form, implicit in time, by Newton's method.

    ∂θ/∂t = ∂/∂z [K(ψ)·(∂ψ/∂z + 1)] − S        z upward, θ = θr + (θs − θr)·Se(ψ) + elastic water

    water of a layer   W_i(ψ_i) = W_i(before) + dt·(q_i − q_{i+1} − S_i),   W = θ·Δz
    flow through a face, downward   q = ½(K_up + K_down)·(1 + (ψ_up − ψ_down)/distance)
    uptake by roots   S_i = potential transpiration · root share_i · uptake(ψ_i)

| at the top | |
|---|---|
| ponding | the surface has a head of its own, ψs: max(ψs, 0) = ponded before + dt·(rain − q₀) |
| flux | `surface_flux` enters, or leaves if negative, whatever the head |
| head | the surface is at `surface_head` |

With ponding all the rain enters while ψs < 0, and as much as the soil takes up above; water deeper than
`largest_ponding` runs off and does not press.

| at the bottom | |
|---|---|
| free drainage | no gradient of head: q = K |
| head | the lower end is at `bottom_head`, 0 for a water table |
| flux | `bottom_flux` leaves |
| closed | nothing passes |

A layer carries both its water and its head. The iteration only finds the flows; the water
changes by them, so that an iteration that has not converged costs accuracy, never water. `solver_failure` is 1 for a
step whose heads hold another water than the layers, by more than 1e-4 of their volume; in such a step nothing moves.

References: Celia, Bouloutas & Zarba (1990), doi:10.1029/WR026i007p01483; for the constitutive relations see
`dgeo.physics.soil_hydraulics`.
"""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.errors import DgeoError, nearest
from dgeo.models.column import Layers, at_points, of_joint, with_ends
from dgeo.models.law import Law, Values
from dgeo.models.model import Budget, Model, Scalar, Variable
from dgeo.models.richards_names import FLUXES, FORCINGS, PARAMETERS, SLOTS, STATES
from dgeo.models.solvers import FAILURE
from dgeo.numerics import Frozen, at_most, positive_part
from dgeo.numerics.tridiagonal import newton_tridiagonal
from dgeo.physics.soil_hydraulics import elastic_water, water_content

Column = Float[Array, " z"]
Heads = Float[Array, " unknown"]  # of the surface if it ponds, and of the layers
SEARCH = {"largest_change": 0.5, "smallest_size": 0.05, "tolerance": 1e-6}  # of a head: half of it and 5 cm
UNCLOSED = 1e-4  # [1] water content by which heads and water may differ
TOP_FORCING = {"ponding": "precipitation", "flux": "surface_flux", "head": "surface_head"}
BOTTOM_FORCING = {"free drainage": (), "closed": (), "head": ("bottom_head",), "flux": ("bottom_flux",)}


class Roots(Frozen):
    """The share of the roots in each layer [z]; together 1."""

    share: Column


class Richards(Model):
    """One column of soil; `richards` builds it."""

    layers: Layers
    roots: Roots | None = None
    top: str = eqx.field(static=True, default="ponding", kw_only=True)
    bottom: str = eqx.field(static=True, default="free drainage", kw_only=True)
    iterations: int = eqx.field(static=True, default=40, kw_only=True)

    all_parameters: ClassVar = dict(PARAMETERS)
    diagnostics: ClassVar = {FAILURE: Variable("1", "1 where the iteration did not converge and nothing moved")}

    def __check_init__(self) -> None:
        """Meet boundaries that there are not, and roots of another length, at the door."""
        for kind, given, known in (("top", self.top, TOP_FORCING), ("bottom", self.bottom, BOTTOM_FORCING)):
            if given not in known:
                raise DgeoError(f"A column has no {kind} {given!r}: {nearest(given, known)}")
        if self.roots is not None and self.roots.share.shape != self.layers.thickness.shape:
            raise DgeoError(
                f"The roots are given for {self.roots.share.size} layers and the column has "
                f"{self.layers.thickness.size}: give one share for each."
            )

    @property
    def ponds(self) -> bool:
        """Whether water may stand on the surface."""
        return self.top == "ponding"

    @property
    def slots(self) -> dict[str, Any]:  # type: ignore[override]
        """Retention and conductivity, and uptake where there are roots."""
        return {name: slot for name, slot in SLOTS.items() if name != "uptake" or self.roots is not None}

    @property
    def step_parameters(self) -> tuple[str, ...]:  # type: ignore[override]
        """What the step reads whatever the laws."""
        own = ("residual_water", "saturated_water", "specific_storage")
        return (*own, "largest_ponding") if self.ponds else own

    @property
    def forcings(self) -> dict[str, Variable]:
        """What the boundaries and the roots need."""
        roots = () if self.roots is None else ("potential_transpiration",)
        return {name: FORCINGS[name] for name in (TOP_FORCING[self.top], *BOTTOM_FORCING[self.bottom], *roots)}

    @property
    def states(self) -> dict[str, Variable]:
        """Water and head of the layers, and of a surface that ponds."""
        surface = ("ponded_water", "surface_head") if self.ponds else ()
        return {name: STATES[name] for name in ("soil_water", "pressure_head", *surface)}

    @property
    def fluxes(self) -> dict[str, Variable]:
        """What passes the surface, the bottom and the roots."""
        return {name: FLUXES[name] for name in self.budget.transfers}

    @property
    def budget(self) -> Budget:
        """From the surface through the layers to the bottom, the roots and the brook."""
        transfers: dict[str, tuple[str | None, str | None]] = {"infiltration": (None, "soil_water")}
        if self.ponds:
            transfers = {
                "precipitation": (None, "ponded_water"),
                "runoff": ("ponded_water", None),
                "infiltration": ("ponded_water", "soil_water"),
            }
        transfers["drainage"] = ("soil_water", None)
        return Budget(transfers if self.roots is None else {**transfers, "transpiration": ("soil_water", None)})

    def initial_state(self) -> Values:
        """Every layer at a head of −1 m, in the soil of the default parameters."""
        head = jnp.full_like(self.layers.thickness, -1.0)
        return self.at_head(head, {name: jnp.asarray(p.default, head.dtype) for name, p in self.parameters.items()})

    def at_head(self, head: Column, parameters: Values) -> Values:
        """The state of a column whose layers have these heads [m]; nothing stands on the surface."""
        surface = {"ponded_water": jnp.zeros_like(head[0]), "surface_head": head[0]} if self.ponds else {}
        return {"soil_water": self.water(head, parameters), "pressure_head": head, **surface}

    def water(self, head: Column, parameters: Values) -> Column:
        """Water that the layers hold at these heads [m]."""
        saturation = at_points(self._law("saturation"), {**parameters, "pressure_head": head}, head.size)
        elastic = elastic_water(head, parameters["specific_storage"])
        content = water_content(saturation, elastic, parameters["residual_water"], parameters["saturated_water"])
        return content * self.layers.thickness

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One implicit step; nothing moves in one that fails."""
        learned = of_joint(self.joint, {**forcing, **parameters, **state}, self.layers.thickness.size)
        arguments = (self, state, forcing, {**parameters, **learned}, dt)
        start = state["pressure_head"]
        if self.ponds:
            start = jnp.concatenate([state["surface_head"][None], start])
        found = newton_tridiagonal(excess, start, arguments, iterations=self.iterations, **SEARCH)
        return self._moved(found, *arguments[1:])

    def flows(self, heads: Heads, forcing: Values, parameters: Values) -> tuple[Float[Array, " face"], Column]:
        """Downward flow through every face and uptake from every layer [m d⁻¹], at the heads that are unknown."""
        points = self._points(heads, forcing, parameters)
        values = {**forcing, **with_ends(parameters), "pressure_head": points}
        values["effective_saturation"] = at_points(self._law("saturation"), values, points.size)
        conductivity = at_points(self._law("conductivity"), values, points.size)
        flow = (conductivity[1:] + conductivity[:-1]) / 2 * (1 - jnp.diff(points) / self.layers.spacing)
        if self.top == "flux":
            flow = flow.at[0].set(forcing["surface_flux"])
        if self.bottom in ("flux", "closed"):
            flow = flow.at[-1].set(forcing["bottom_flux"] if self.bottom == "flux" else 0.0)
        return flow, self._uptake(values, forcing)

    def _uptake(self, values: Values, forcing: Values) -> Column:
        if self.roots is None:
            return jnp.zeros_like(self.layers.thickness)
        share = at_points(self._law("uptake"), values, values["pressure_head"].size)[1:-1]
        return forcing["potential_transpiration"] * self.roots.share * share

    def _points(self, heads: Heads, forcing: Values, parameters: Values) -> Float[Array, " point"]:
        """The heads of surface, layers and bottom; a free lower end has that of the last layer."""
        layers = heads[1:] if self.ponds else heads
        surface = layers[0]
        if self.ponds:
            surface = at_most(heads[0], parameters["largest_ponding"])
        elif self.top == "head":
            surface = forcing["surface_head"]
        bottom = forcing["bottom_head"] if self.bottom == "head" else layers[-1]
        return jnp.concatenate([surface[None], layers, bottom[None]])

    def _law(self, slot: str) -> Law:
        return self.present_laws[slot]

    def _moved(
        self, heads: Heads, state: Values, forcing: Values, parameters: Values, dt: Scalar
    ) -> tuple[Values, Values]:
        """The state after the flows at these heads, and the fluxes."""
        flow, uptake = self.flows(heads, forcing, parameters)
        if self.ponds:
            flow = flow.at[0].set(at_most(flow[0], forcing["precipitation"] + state["ponded_water"] / dt))
        layers = heads[1:] if self.ponds else heads
        water = state["soil_water"] - dt * (jnp.diff(flow) + uptake)
        unclosed = jnp.max(jnp.abs(self.water(layers, parameters) - water) / self.layers.thickness)
        failed = ~(unclosed <= UNCLOSED)
        fluxes = {"infiltration": flow[0], "drainage": flow[-1]}
        after = {"soil_water": water, "pressure_head": layers}
        if self.ponds:
            standing = state["ponded_water"] + dt * (forcing["precipitation"] - flow[0])
            runoff = positive_part(standing - parameters["largest_ponding"])
            fluxes |= {"precipitation": forcing["precipitation"], "runoff": runoff / dt}
            after |= {"ponded_water": standing - runoff, "surface_head": heads[0]}
        if self.roots is not None:
            fluxes["transpiration"] = uptake
        nothing = {name: jnp.zeros_like(flux) for name, flux in fluxes.items()}
        still = failed & ~jnp.isnan(unclosed)
        after, fluxes = jax.tree.map(lambda a, b: jnp.where(still, a, b), (dict(state), nothing), (after, fluxes))
        return after, fluxes | {FAILURE: failed.astype(dt.dtype)}


def excess(heads: Heads, arguments: Any) -> Heads:
    """Water beyond what was there and came in, as a content of the layer [1] and a depth on the surface [m].

    Zero at the end of an implicit step.
    """
    column, state, forcing, parameters, dt = arguments
    flow, uptake = column.flows(heads, forcing, parameters)
    layers = heads[1:] if column.ponds else heads
    gain = dt * (jnp.diff(flow) + uptake)
    content = (column.water(layers, parameters) - state["soil_water"] + gain) / column.layers.thickness
    if not column.ponds:
        return content
    standing = positive_part(heads[0]) - state["ponded_water"] - dt * (forcing["precipitation"] - flow[0])
    return jnp.concatenate([standing[None], content])


def richards(
    layers: Layers, *, roots: Roots | None = None, top: str = "ponding", bottom: str = "free drainage", **laws: Law
) -> Richards:
    """A column of soil with these boundaries, and any of its laws replaced by name.

    Raises `DgeoError` for a law or a boundary that there is not.
    """
    return Richards(layers, roots, top=top, bottom=bottom, laws=dict(laws))
