"""Solvers: ways to make a step of a model in continuous time. The physics is the same under each.

    dV/dt = rates(S₀ + B·V)        V(0) = 0        one volume V for every flux
    S(dt) = S₀ + B·V(dt)           mean flux over the step = V(dt)/dt

The unknowns are the volumes that have passed through each flux since the start of the step, not the stores: the
budget B sums them into stores. What leaves one store enters the next, so the ledger closes to rounding whatever the
solver and however coarse its tolerance; and small volumes are not lost beside large stores in float32.

| symbol | meaning | unit |
|---|---|---|
| S | stores | mm |
| V | volumes of the fluxes | mm |
| B | budget: −1 where a flux leaves a store, +1 where it enters | – |

Forcing and parameters are constant within a step. Every solver says whether it failed: `solver_failure` is 1 for a step
whose result it cannot vouch for. In such a step nothing moves, so that a failure is a number to report and not a NaN. References: Kidger (2021) On neural differential equations, arXiv:2202.02435; for the implicit step and
its gradient, Song et al. (2024), doi:10.5194/hess-28-3051-2024.
"""

from typing import Any, Protocol, runtime_checkable

import diffrax
import equinox as eqx
import jax
import jax.flatten_util
import jax.numpy as jnp
from jaxtyping import Array, Bool

from dgeo.models.model import Model, Scalar, Values
from dgeo.numerics.newton import newton

FAILURE = "solver_failure"


class Problem(eqx.Module):
    """What a solver solves: the model at one site, under the forcing and parameters of one step."""

    model: Any
    forcing: Values
    parameters: Values

    def rates(self, state: Values) -> Values:
        """All fluxes of the budget at this moment [per day]."""
        found = self.model.rates(state, self.forcing, self.parameters)
        return {flux: found[flux] for flux in self.model.budget.transfers}

    def stores(self, state: Values, volumes: Values) -> Values:
        """The stores after these volumes have passed."""
        change = self.model.budget.tendencies(volumes)
        return {store: amount + change[store] for store, amount in state.items()}

    def result(self, state: Values, volumes: Values, dt: Scalar, failed: Bool[Array, ""]) -> tuple[Values, Values]:
        """The state after the step, and the mean fluxes."""
        means = self.model.budget.totals({flux: volume / dt for flux, volume in volumes.items()})
        return self.stores(state, volumes), means | {FAILURE: failed.astype(dt.dtype)}


@runtime_checkable
class Solver(Protocol):
    """A way to make one step."""

    def __call__(self, problem: Problem, state: Values, dt: Scalar) -> tuple[Values, Values]:
        """The state after dt [d], and the mean fluxes over it with `solver_failure`."""
        ...


class OperatorSplit(eqx.Module):
    """The model's own published sequence of updates, `model.split`."""

    def __call__(self, problem: Problem, state: Values, dt: Scalar) -> tuple[Values, Values]:
        """The state after dt, and the mean fluxes."""
        state, fluxes = problem.model.split(state, problem.forcing, problem.parameters, dt)
        return state, fluxes | {FAILURE: jnp.zeros_like(dt)}


class ImplicitEuler(eqx.Module):
    """S = S₀ + dt·B·rates(S), by Newton's method; stable whatever the step, accurate to first order.

    The gradient is that of the implicit function at the converged root. Fails where `iterations` do not bring the
    residual below `tolerance` × (1 + largest store) [mm].
    """

    tolerance: float = eqx.field(static=True, default=1e-5)
    iterations: int = eqx.field(static=True, default=20)

    def __call__(self, problem: Problem, state: Values, dt: Scalar) -> tuple[Values, Values]:
        """The state after dt, and the mean fluxes."""
        start, unravel = jax.flatten_util.ravel_pytree(state)

        def passed(problem: Problem, x: Array, dt: Scalar) -> Values:
            return {flux: dt * rate for flux, rate in problem.rates(unravel(x)).items()}

        def residual(x: Array, given: tuple[Problem, Values, Scalar]) -> Array:
            problem, before, dt = given
            after = problem.stores(before, passed(problem, x, dt))
            return x - jax.flatten_util.ravel_pytree(after)[0]

        root, converged = newton(
            residual, start, (problem, state, dt), tolerance=self.tolerance, iterations=self.iterations
        )
        return _vouched(problem, state, passed(problem, root, dt), dt, ~converged)


class FixedParts(eqx.Module):
    """A solver of diffrax in equal parts of the step: the same work at all sites.

    With `scan_kind="bounded"`, where a solver has it, derivatives exist in both modes. Euler has no stages and compiles
    three times as quickly as any other. Fails where a store comes out negative (by more than a thousandth of what was
    there or came in; not where the model conserves nothing) or not finite, as an explicit solver makes it where a system
    is stiff.
    """

    solver: diffrax.AbstractSolver = diffrax.Heun(scan_kind="bounded")
    parts: int = eqx.field(static=True, default=4)

    def __call__(self, problem: Problem, state: Values, dt: Scalar) -> tuple[Values, Values]:
        """The state after dt, and the mean fluxes."""
        terms = _terms(state)
        part = dt / self.parts
        start = _nothing(problem, state)
        memory = self.solver.init(terms, jnp.zeros_like(dt), part, start, problem)

        def advance(carry: Any, begin: Scalar) -> tuple[Any, None]:
            volumes, memory = carry
            after = self.solver.step(terms, begin, begin + part, volumes, problem, memory, made_jump=False)
            return (after[0], after[3]), None

        times = part * jnp.arange(self.parts, dtype=dt.dtype)
        volumes = jax.lax.scan(advance, (start, memory), times)[0][0]
        return _vouched(problem, state, volumes, dt, _unsound(problem, state, volumes))


class Adaptive(eqx.Module):
    """A solver of diffrax that chooses its own parts of the step, to a tolerance in the volumes.

    Compiles several times longer than `FixedParts`, and all sites wait for the slowest. Fails where `max_parts` do not
    suffice. The default adjoint has reverse mode only; `diffrax.DirectAdjoint()` has both.
    """

    solver: diffrax.AbstractAdaptiveSolver = diffrax.Tsit5()
    controller: diffrax.AbstractStepSizeController = diffrax.PIDController(rtol=1e-3, atol=1e-4)
    adjoint: diffrax.AbstractAdjoint = diffrax.RecursiveCheckpointAdjoint()
    max_parts: int = eqx.field(static=True, default=64)

    def __call__(self, problem: Problem, state: Values, dt: Scalar) -> tuple[Values, Values]:
        """The state after dt, and the mean fluxes."""
        solution = diffrax.diffeqsolve(
            _terms(state),
            self.solver,
            t0=jnp.zeros_like(dt),
            t1=dt,
            dt0=dt,
            y0=_nothing(problem, state),
            args=problem,
            stepsize_controller=self.controller,
            adjoint=self.adjoint,
            max_steps=self.max_parts,
            throw=False,
        )
        volumes = jax.tree.map(lambda series: series[-1], solution.ys)
        failed = (solution.result != diffrax.RESULTS.successful) | _unsound(problem, state, volumes)
        return _vouched(problem, state, volumes, dt, failed)


class Substeps(eqx.Module):
    """Any solver in equal parts of the step; the fluxes are means over all of them."""

    solver: Solver
    parts: int = eqx.field(static=True, default=4)

    def __call__(self, problem: Problem, state: Values, dt: Scalar) -> tuple[Values, Values]:
        """The state after dt, and the mean fluxes."""

        @jax.checkpoint
        def advance(state: Values, _: None) -> tuple[Values, Values]:
            return self.solver(problem, state, dt / self.parts)

        state, fluxes = jax.lax.scan(advance, state, None, length=self.parts)
        return state, {name: jnp.mean(series, axis=0) for name, series in fluxes.items()}


def _terms(state: Values) -> diffrax.ODETerm:
    return diffrax.ODETerm(lambda _, volumes, problem: problem.rates(problem.stores(state, volumes)))


def _nothing(problem: Problem, state: Values) -> Values:
    like = eqx.filter_eval_shape(problem.rates, state)
    return jax.tree.map(lambda rate: jnp.zeros(rate.shape, rate.dtype), like)


def _unsound(problem: Problem, state: Values, volumes: Values) -> Bool[Array, ""]:
    turnover = sum(jnp.sum(jnp.abs(x)) for x in jax.tree.leaves((state, volumes)))
    stores = jax.tree.leaves(problem.stores(state, volumes))
    floor = -1e-3 * turnover if problem.model.budget.conserves else -jnp.inf
    return ~jnp.all(jnp.stack([jnp.all((amount >= floor) & jnp.isfinite(amount)) for amount in stores]))


def _vouched(
    problem: Problem, state: Values, volumes: Values, dt: Scalar, failed: Bool[Array, ""]
) -> tuple[Values, Values]:
    """The result of the step; where the solver has failed, nothing moves."""
    chosen = jax.tree.map(lambda volume: jnp.where(failed, jnp.zeros_like(volume), volume), volumes)
    return problem.result(state, chosen, dt, failed)
