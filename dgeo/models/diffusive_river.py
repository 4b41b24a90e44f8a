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
depth and the rounding of what passed; in such a step nothing moves. Implicit Euler disperses a wave by c²Δt/2 besides what the reaches do (c its
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
ROUNDINGS = 100  # make no difference
UNCLOSED = 1e-4


class Given(NamedTuple):
    """What a step knows before its search: what laws read, the water with what came in, the stages, and Δt."""

    values: Values
    volume: Reach
    stage: Reach
    dt: Scalar


class Flow(NamedTuple):
    """What is sought: the depths of all reaches and the roots y of all faces."""

    depth: Reach
    root: Reach


class Search(NamedTuple):
    """Where the search stands, and the last change of a depth over 1 m and itself."""

    i: Int[Array, ""]
    flow: Flow
    change: Float[Array, ""]


class Slopes(NamedTuple):
    """Derivatives: those of the water left over by the depths, y eliminated; dQ/dS at a depth; dS/dy."""

    matrix: ForestMatrix
    by_slope: Reach
    bend: Reach


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
        found, success = self._found(self.depth(state["volume"], values), given)
        discharge = self._discharge(found, given)
        volume = given.volume + dt * (self.reaches.gathered(discharge) - discharge)
        unclosed = jnp.abs(self._stored(found.depth, values) - volume)
        passed = given.volume + dt * (jnp.abs(discharge) + self.reaches.gathered(jnp.abs(discharge)))
        room = UNCLOSED * (1 + found.depth) * self._surface(found.depth, values) + _rounding(passed) * passed
        failed = ~(success & jnp.all(unclosed <= room))
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

    def _found(self, start: Reach, given: Given) -> tuple[Flow, Bool[Array, ""]]:
        """Depths and roots at the end of the step, with the derivative of the implicit function; and whether found."""
        arrays, rest = eqx.partition((self, given, start), eqx.is_inexact_array)
        held, known, start = eqx.combine(jax.lax.stop_gradient(arrays), rest)
        last = held._searched(start, known)
        slopes = held._slopes(last.flow, known)
        return held._moved(last.flow, slopes, *self._residuals(last.flow, given), known), last.change <= UNCLOSED

    def _searched(self, start: Reach, given: Given) -> Search:
        tolerance = _rounding(start)

        def onward(now: Search) -> Bool[Array, ""]:
            return (now.i < self.iterations) & ~(now.change <= tolerance)

        def iterate(now: Search) -> Search:
            slopes = self._slopes(now.flow, given)
            flow = self._moved(now.flow, slopes, *self._residuals(now.flow, given), given, LARGEST)
            change = jnp.max(jnp.abs(flow.depth - now.flow.depth) / (1 + now.flow.depth))
            return Search(now.i + 1, flow, change)

        root = diffusive_wave.root_of_slope(self._slope(start, self._below(start, given.stage)))
        first = Search(jnp.zeros((), jnp.int32), Flow(start, root), jnp.asarray(jnp.inf, start.dtype))
        return jax.lax.while_loop(onward, iterate, first)

    def _residuals(self, flow: Flow, given: Given) -> tuple[Reach, Reach]:
        """The water beyond what was there and came in [m³], and by how much the slopes exceed those of the roots."""
        discharge = self._discharge(flow, given)
        excess = self._stored(flow.depth, given.values) - given.volume
        excess = excess + given.dt * (discharge - self.reaches.gathered(discharge))
        slope = self._slope(flow.depth, self._below(flow.depth, given.stage))
        return excess, slope - diffusive_wave.slope_of_root(flow.root)[0]

    def _slopes(self, flow: Flow, given: Given) -> Slopes:
        values, dt, distance = given.values, given.dt, self._distance()
        bend = diffusive_wave.slope_of_root(flow.root)[1]
        below = self._below(flow.depth, given.stage)
        _, push = jax.linearize(lambda h, below, y: self._through(h, below, y, values), flow.depth, below, flow.root)
        one, none = jnp.ones_like(bend), jnp.zeros_like(bend)
        by_slope = push(none, none, one) / bend
        rise = push(one, none, none) + by_slope / distance
        fall = push(none, one, none) - by_slope / distance
        outlets = self.reaches.outlets
        if self.tail == "uniform":
            rise = jnp.where(outlets, rise + fall, rise)
        inner = jnp.where(outlets, none, dt)
        diagonal = self._surface(flow.depth, values) + dt * (rise - self.reaches.gathered(fall))
        return Slopes(_sound(ForestMatrix(diagonal, inner * fall, -inner * rise)), by_slope, bend)

    def _moved(
        self, flow: Flow, slopes: Slopes, excess: Reach, mismatch: Reach, given: Given, largest: float = jnp.inf
    ) -> Flow:
        """One Newton step, of which no depth moves by more than `largest` allows; no depth becomes negative.

        Slopes change as the step says, and not as the depths do: surfaces of nearly still water differ by less than the
        rounding of depths, and flows must not be those of rounding.
        """
        by_mismatch = slopes.by_slope * mismatch
        excess = excess + given.dt * (by_mismatch - self.reaches.gathered(by_mismatch))
        limit = largest * (SMALLEST + flow.depth)
        step = jnp.clip(forest_solve(self.reaches.forest, slopes.matrix, excess), -limit, limit)
        moved = at_least(-step, -flow.depth)
        steeper = (moved - self._below(moved, jnp.zeros_like(moved))) / self._distance()
        return Flow(flow.depth + moved, flow.root + (mismatch + steeper) / slopes.bend)

    def _discharge(self, flow: Flow, given: Given) -> Reach:
        """What flows out of every reach [m³ s⁻¹]."""
        return self._through(flow.depth, self._below(flow.depth, given.stage), flow.root, given.values)

    def _through(self, depth: Reach, below: Reach, root: Reach, values: Values) -> Reach:
        """The same by its depth, that below it, and y."""
        face = diffusive_wave.face_depth(depth, below, root, self._distance())
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


def _rounding(x: Array) -> float:
    """What counts as rounding of such numbers."""
    return ROUNDINGS * float(np.finfo(x.dtype).eps)
