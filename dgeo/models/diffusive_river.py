"""A network of river reaches and reservoirs that feel the water below them: the diffusive wave, implicit in time.

    V' = V + Δt·(q + Σ_above Q' − Q'),      Q' = K(h_f)·√S' at the end of the step

for all reaches at once (`dgeo.physics.diffusive_wave`; time in seconds). Weirs, tides and confluences hold water back,
and it may flow up the river. The unknowns are the depths; Newton's method treats y = √S as one more unknown of every
face, in which the equations hardly bend, and eliminates it: what remains is a forest (`dgeo.numerics.forest`), so that
a step costs a number of operations proportional to that of the reaches, and so does its derivative, that of the
implicit function.

| below an outlet (`tail`) | |
|---|---|
| uniform | the river goes on as it is: the surface falls as the bed |
| stage | water of a depth `stage` over the lower end of the bed: a sea, a lake, a weir |

A reservoir releases what its law says, whatever is below; the reach above it feels its level, V = length·A(h).

The volume changes by the flows, so that an iteration that has not converged costs accuracy and no water.
`solver_failure` is 1 for a step whose depths hold another volume than the reaches, by more than 1e-4 of 1 m and their
depth; in such a step nothing moves. Implicit Euler disperses a wave by c²Δt/2 besides what the reaches do (c its
celerity): where nothing is held back `River` is faster and disperses as it should.

Reference: Cunge, Holly & Verwey (1980) Practical aspects of computational river hydraulics, section 2.5.
"""

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from dgeo.errors import DgeoError, nearest
from dgeo.models.law import Values
from dgeo.models.model import Scalar, Variable
from dgeo.models.river_network import Reach, RiverNetwork
from dgeo.models.solvers import FAILURE
from dgeo.numerics import at_least, positive_part
from dgeo.numerics.forest import ForestMatrix, forest_solve
from dgeo.physics import channel, diffusive_wave

TAILS = ("uniform", "stage")
STAGE = Variable("m", "depth of the water below an outlet, over the lower end of its bed; elsewhere unread", 1.0)
LARGEST, SMALLEST = 1.0, 0.5  # no iteration changes a depth by more than LARGEST·(SMALLEST + depth)
ROUNDINGS = 100  # of a depth: a last change so small is none
UNCLOSED = 1e-4


class Given(NamedTuple):
    """What a step knows before its search: what laws read, the water with what came in, the stages, and Δt."""

    values: Values
    volume: Reach
    stage: Reach
    dt: Scalar


class Search(NamedTuple):
    """Where the search stands, and the last change of a depth over 1 m and itself."""

    i: Int[Array, ""]
    depth: Reach
    root: Reach
    change: Float[Array, ""]


class DiffusiveRiver(RiverNetwork):
    """Reaches that feel what is below them; laws and parameters are those of `RiverNetwork`."""

    tail: str = eqx.field(static=True, default="uniform", kw_only=True)
    iterations: int = eqx.field(static=True, default=60, kw_only=True)

    diagnostics: ClassVar = {FAILURE: Variable("1", "1 where the iteration did not converge and nothing moved")}

    def __check_init__(self) -> None:
        """Meet a lower end that there is not at the door."""
        if self.tail not in TAILS:
            raise DgeoError(f"A river has no tail {self.tail!r}: {nearest(self.tail, TAILS)}")

    @property
    def forcings(self) -> dict[str, Variable]:  # type: ignore[override]
        """Lateral inflow, and stages where there are any."""
        own = dict(RiverNetwork.forcings)
        return {**own, "stage": STAGE} if self.tail == "stage" else own

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One implicit step of `dt` [s]; nothing moves in one that fails."""
        values = jax.vmap(self.values)(state, forcing, parameters)
        lateral = at_least(forcing["lateral_inflow"], -state["volume"] / dt)
        given = Given(values, state["volume"] + dt * lateral, forcing.get("stage", jnp.zeros_like(lateral)), dt)
        depth = self._found(self.depth(state["volume"], values), given)
        discharge = self._discharge(depth, self._below(depth, given.stage), None, values)
        volume = given.volume + dt * (self.reaches.gathered(discharge) - discharge)
        unclosed = jnp.abs(self._stored(depth, values) - volume) / self._surface(depth, values) / (1 + depth)
        failed = ~(jnp.max(unclosed) <= UNCLOSED)
        leaving = jnp.where(self.reaches.outlets, discharge, jnp.zeros_like(discharge))
        fluxes = {"inflow": lateral, "outflow": leaving, "discharge": discharge}
        still = failed & ~jnp.any(jnp.isnan(given.volume))
        nothing = jax.tree.map(jnp.zeros_like, fluxes)
        after, fluxes = jax.tree.map(
            lambda a, b: jnp.where(still, a, b), (dict(state), nothing), ({"volume": volume}, fluxes)
        )
        return after, fluxes | {FAILURE: failed.astype(dt.dtype)}

    def depth(self, volume: Reach, parameters: Values) -> Reach:
        """Depth [m] of every reach that holds these volumes [m³]."""
        area = positive_part(volume) / self.reaches.length
        return channel.depth(area, parameters["bottom_width"], parameters["side_slope"])

    def _found(self, start: Reach, given: Given) -> Reach:
        """The depths at the end of the step, with the derivative of the implicit function."""
        arrays, rest = eqx.partition((self, given, start), eqx.is_inexact_array)
        held, known, start = eqx.combine(jax.lax.stop_gradient(arrays), rest)
        root = held._searched(start, known)
        matrix = _sound(held._linearised(root, known)[1])
        return positive_part(root - forest_solve(self.reaches.forest, matrix, self._excess(root, given)))

    def _searched(self, start: Reach, given: Given) -> Reach:
        tolerance = ROUNDINGS * float(np.finfo(start.dtype).eps)

        def onward(now: Search) -> Bool[Array, ""]:
            return (now.i < self.iterations) & ~(now.change <= tolerance)

        def iterate(now: Search) -> Search:
            excess, matrix = self._linearised(now.depth, given, now.root)
            limit = LARGEST * (SMALLEST + now.depth)
            depth = positive_part(
                now.depth - jnp.clip(forest_solve(self.reaches.forest, matrix, excess), -limit, limit)
            )
            there, bend = diffusive_wave.slope_of_root(now.root)
            root = now.root + (self._slope(depth, self._below(depth, given.stage)) - there) / bend
            change = jnp.max(jnp.abs(depth - now.depth) / (1 + depth))
            return Search(now.i + 1, depth, root, change)

        root = diffusive_wave.root_of_slope(self._slope(start, self._below(start, given.stage)))
        first = Search(jnp.zeros((), jnp.int32), start, root, jnp.asarray(jnp.inf, start.dtype))
        found = jax.lax.while_loop(onward, iterate, first).depth
        return jnp.where(jnp.all(jnp.isfinite(found)), found, start)

    def _linearised(self, depth: Reach, given: Given, root: Reach | None = None) -> tuple[Reach, ForestMatrix]:
        """The water beyond what was there and came in [m³], at these depths and what y comes to, and its derivatives.

        Without a y of its own, it is that of the depths.
        """
        values, volume, stage, dt = given
        below = self._below(depth, stage)
        slope = self._slope(depth, below)
        if root is None:
            root = diffusive_wave.root_of_slope(slope)
        there, bend = diffusive_wave.slope_of_root(root)
        flow, push = jax.linearize(lambda h, below, y: self._discharge(h, below, y, values), depth, below, root)
        one, none = jnp.ones_like(depth), jnp.zeros_like(depth)
        by_root = push(none, none, one) / bend
        flow = flow + by_root * (slope - there)
        rise = push(one, none, none) + by_root / self._distance()
        fall = push(none, one, none) - by_root / self._distance()
        outlets, gathered = self.reaches.outlets, self.reaches.gathered
        if self.tail == "uniform":
            rise = jnp.where(outlets, rise + fall, rise)
        inner = jnp.where(outlets, none, dt)
        excess = self._stored(depth, values) - volume + dt * (flow - gathered(flow))
        diagonal = self._surface(depth, values) + dt * (rise - gathered(fall))
        return excess, ForestMatrix(diagonal, inner * fall, -inner * rise)

    def _excess(self, depth: Reach, given: Given) -> Reach:
        """The same at the y of these depths; zero at the end of an implicit step."""
        flow = self._discharge(depth, self._below(depth, given.stage), None, given.values)
        return self._stored(depth, given.values) - given.volume + given.dt * (flow - self.reaches.gathered(flow))

    def _discharge(self, depth: Reach, below: Reach, root: Reach | None, values: Values) -> Reach:
        """What flows out of every reach [m³ s⁻¹] by its depth, that below it and y = √S."""
        slope = self._slope(depth, below)
        if root is None:
            root = diffusive_wave.root_of_slope(slope)
        face = diffusive_wave.face_depth(depth, below, slope * self._distance())
        section = (values["bottom_width"], values["side_slope"])
        roughness = self._laws("roughness", {**values, "depth": face})
        flow = diffusive_wave.conveyance(face, *section, roughness) * root
        if not self.reaches.has_reservoirs:
            return flow
        stored = {**values, "depth": depth, "volume": self._stored(depth, values)}
        return jnp.where(self.reaches.reservoir, self._laws("release", stored), flow)

    def _laws(self, slot: str, values: Values) -> Reach:
        law = self.present_laws[slot]
        return jax.vmap(law)({name: values[name] for name in law.inputs})

    def _stored(self, depth: Reach, values: Values) -> Reach:
        return self.reaches.length * channel.area(depth, values["bottom_width"], values["side_slope"])

    def _surface(self, depth: Reach, values: Values) -> Reach:
        """The area of the water's surface [m²]."""
        return self.reaches.length * channel.top_width(depth, values["bottom_width"], values["side_slope"])

    def _of_next(self, x: Reach) -> Reach:
        """The number of the reach below, 0 for outlets."""
        return jnp.pad(x, (0, 1))[self.reaches.downstream]

    def _below(self, depth: Reach, stage: Reach) -> Reach:
        """The depth on the other side of every reach's lower end."""
        tail = depth if self.tail == "uniform" else stage
        return jnp.where(self.reaches.outlets, tail, self._of_next(depth))

    def _distance(self) -> Reach:
        """From every centre to the next one below [m]; of outlets, to their lower end."""
        return (self.reaches.length + self._of_next(self.reaches.length)) / 2

    def _slope(self, depth: Reach, below: Reach) -> Reach:
        """The slope of the water's surface [1]."""
        falls = self.reaches.length * self.reaches.slope
        bed = (falls + self._of_next(falls)) / 2
        return (bed + depth - below) / self._distance()


def _sound(matrix: ForestMatrix) -> ForestMatrix:
    """The matrix, or the identity where it holds what is no number, so that nothing does that is solved with it."""
    one, none = jnp.ones_like(matrix.diagonal), jnp.zeros_like(matrix.diagonal)
    finite = jnp.all(jnp.isfinite(jnp.stack(matrix)))
    return jax.tree.map(lambda a, b: jnp.where(finite, a, b), matrix, ForestMatrix(one, none, none))
