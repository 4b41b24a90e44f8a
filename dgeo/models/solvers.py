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
whose result it cannot vouch for. In such a step nothing moves, so that a failure is a number to report and not a NaN.
Where the rates themselves are NaN (a gap in the forcing, a broken network), so is the step: nothing is hidden.

References: Kidger (2021) On neural differential equations, arXiv:2202.02435; for the implicit step and its gradient,
Song et al. (2024), doi:10.5194/hess-28-3051-2024.
"""

from typing import Any, Protocol, runtime_checkable

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool

from dgeo.errors import DgeoError
from dgeo.models.law import Values
from dgeo.models.model import Scalar
from dgeo.numerics.newton import newton

FAILURE = "solver_failure"
TRACE = 1e-6  # share of what is in all stores together or passes them


class Problem(eqx.Module):
    """What a solver solves: the model at one site, under the forcing and parameters of one step."""

    model: Any
    forcing: Values
    parameters: Values

    def rates(self, state: Values) -> Values:
        """All fluxes of the budget at this moment [per day]."""
        found = self.model.rates(state, self.forcing, self.parameters)
        return {flux: found[flux] for flux in self.model.budget.transfers}

    @property
    def amounts(self) -> tuple[str, ...]:
        """The stores that hold an amount: all but those that declared exchanges alone move, which may be negative."""
        budget = self.model.budget
        moved = [pair for flux, pair in budget.transfers.items() if flux not in budget.exchanges]
        return tuple(store for store in budget.stores if any(store in pair for pair in moved))

    def stores(self, state: Values, volumes: Values) -> Values:
        """The stores after these volumes have passed."""
        change = self.model.budget.tendencies(volumes)
        return {store: amount + change[store] for store, amount in state.items()}

    def turnover(self, state: Values, volumes: Values) -> Values:
        """What was in each store, and what has passed into or out of it, all positive."""
        total = {store: jnp.abs(amount) for store, amount in state.items()}
        for flux, pair in self.model.budget.transfers.items():
            for store in pair:
                if store is not None:
                    total[store] = total[store] + jnp.abs(volumes[flux])
        return total

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
    """The model's own published sequence of updates, `model.split`. Raises `DgeoError` for a model that has none."""

    def __call__(self, problem: Problem, state: Values, dt: Scalar) -> tuple[Values, Values]:
        """The state after dt, and the mean fluxes."""
        if not hasattr(problem.model, "split"):
            raise DgeoError(
                f"{type(problem.model).__name__} has no operator split, only rates: choose another solver, "
                "`ImplicitEuler()` or `FixedParts()`."
            )
        state, fluxes = problem.model.split(state, problem.forcing, problem.parameters, dt)
        return state, fluxes | {FAILURE: jnp.zeros_like(dt)}


class ImplicitEuler(eqx.Module):
    """S = S₀ + dt·B·rates(S), by Newton's method; stable whatever the step, accurate to first order.

    The gradient is that of the implicit function at the converged root. Fails where `iterations` do not bring the
    residual below `tolerance` × (1 + largest store) [mm], or below a hundred roundings of it, which in single
    precision is 1e-5 and more than the default asks for.
    """

    tolerance: float = eqx.field(static=True, default=1e-9)
    iterations: int = eqx.field(static=True, default=50)

    def __call__(self, problem: Problem, state: Values, dt: Scalar) -> tuple[Values, Values]:
        """The state after dt, and the mean fluxes."""
        start, unravel = ravel_pytree(state)

        def passed(problem: Problem, x: Array, dt: Scalar) -> Values:
            return {flux: dt * rate for flux, rate in problem.rates(unravel(x)).items()}

        def residual(x: Array, given: tuple[Problem, Values, Scalar]) -> Array:
            problem, before, dt = given
            return x - ravel_pytree(problem.stores(before, passed(problem, x, dt)))[0]

        given = (problem, state, dt)
        root, converged = newton(residual, start, given, tolerance=self.tolerance, iterations=self.iterations)
        return _vouched(problem, state, passed(_quiet(problem, ~converged), root, dt), dt, ~converged)


class FixedParts(eqx.Module):
    """A solver of diffrax in equal parts of the step: the same work at all sites.

    With `scan_kind="bounded"`, where a solver has it, derivatives exist in both modes. Euler has no stages and compiles
    three times as quickly as any other. Implicit solvers need a root finder with tolerances of its own,
    `Kvaerno3(root_finder=diffrax.VeryChord(rtol=1e-4, atol=1e-4))`.

    Fails where, in any part, a store comes out negative (by more than a thousandth of what was there or passed), the
    solver's own estimate of its error exceeds what was there or passed, or anything is not finite: so an explicit
    solver shows that a system is stiff. A millionth of the water in all stores is too little to fail by.
    """

    solver: diffrax.AbstractSolver = diffrax.Heun(scan_kind="bounded")
    parts: int = eqx.field(static=True, default=4)

    def __call__(self, problem: Problem, state: Values, dt: Scalar) -> tuple[Values, Values]:
        """The state after dt, and the mean fluxes."""
        terms, given = _terms(problem, state)
        part = dt / self.parts
        start = _nothing(problem, state)
        memory = self.solver.init(terms, jnp.zeros_like(dt), part, start, given)

        def advance(carry: Any, begin: Scalar) -> tuple[Any, None]:
            volumes, memory, failed = carry
            new, error, _, later, result = self.solver.step(
                terms, begin, begin + part, volumes, given, memory, made_jump=False
            )
            failed = failed | (result != diffrax.RESULTS.successful) | _unsound(problem, state, new, error)
            # stopped at the first failure, before numbers grow to infinity and derivatives to NaN
            return (*_where(failed, carry[:2], (new, later)), failed), None

        times = part * jnp.arange(self.parts, dtype=dt.dtype)
        volumes, _, failed = jax.lax.scan(advance, (start, memory, jnp.asarray(False)), times)[0]
        return _vouched(problem, state, volumes, dt, failed)


class Adaptive(eqx.Module):
    """A solver of diffrax that chooses its own parts of the step, to a tolerance in the volumes.

    Compiles several times longer than `FixedParts`, and all sites wait for the slowest. Fails where `max_parts` do not
    suffice, as they do not for a stiff system and an explicit solver. The default adjoint has reverse mode only;
    `diffrax.DirectAdjoint()` has both, where the solver's stages are looped over `scan_kind="bounded"`;
    `diffrax.BacksolveAdjoint()` needs no memory, and its gradient is only as exact as the tolerance.
    """

    solver: diffrax.AbstractAdaptiveSolver = diffrax.Tsit5()
    controller: diffrax.AbstractStepSizeController = diffrax.PIDController(rtol=1e-3, atol=1e-4)
    adjoint: diffrax.AbstractAdjoint = diffrax.RecursiveCheckpointAdjoint()
    max_parts: int = eqx.field(static=True, default=64)

    def __call__(self, problem: Problem, state: Values, dt: Scalar) -> tuple[Values, Values]:
        """The state after dt, and the mean fluxes."""
        terms, given = _terms(problem, state)
        solution = diffrax.diffeqsolve(
            terms,
            self.solver,
            t0=jnp.zeros_like(dt),
            t1=dt,
            dt0=dt,
            y0=_nothing(problem, state),
            args=given,
            stepsize_controller=self.controller,
            adjoint=self.adjoint,
            max_steps=self.max_parts,
            throw=False,
        )
        volumes = jax.tree.map(lambda series: series[-1], solution.ys)
        failed = (solution.result != diffrax.RESULTS.successful) | _unsound(problem, state, volumes, None)
        return _vouched(problem, state, volumes, dt, failed)


class Substeps(eqx.Module):
    """Any solver in equal parts of the step; the fluxes are means over all of them. Fails where any part does."""

    solver: Solver
    parts: int = eqx.field(static=True, default=4)

    def __call__(self, problem: Problem, state: Values, dt: Scalar) -> tuple[Values, Values]:
        """The state after dt, and the mean fluxes."""

        @jax.checkpoint
        def advance(state: Values, _: None) -> tuple[Values, Values]:
            return self.solver(problem, state, dt / self.parts)

        state, fluxes = jax.lax.scan(advance, state, None, length=self.parts)
        means = {name: jnp.mean(series, axis=0) for name, series in fluxes.items()}
        return state, means | {FAILURE: jnp.max(fluxes[FAILURE], axis=0)}


def _terms(problem: Problem, state: Values) -> tuple[diffrax.ODETerm, list[Array]]:
    """The rates as diffrax takes them, and the arrays that they read: adjoints take these alone, in a plain list."""
    arrays, static = eqx.partition((problem, state), eqx.is_array)
    given, structure = jax.tree.flatten(arrays)

    def rates(_: Any, volumes: Values, given: list[Array]) -> Values:
        problem, state = eqx.combine(jax.tree.unflatten(structure, given), static)
        return problem.rates(problem.stores(state, volumes))

    return diffrax.ODETerm(rates), given


def _nothing(problem: Problem, state: Values) -> Values:
    like = eqx.filter_eval_shape(problem.rates, state)
    return jax.tree.map(lambda rate: jnp.zeros(rate.shape, rate.dtype), like)


def _unsound(problem: Problem, state: Values, volumes: Values, error: Values | None) -> Bool[Array, ""]:
    """Whether an amount is negative, or the error of a store exceeds what was there or passed; NaN is unsound.

    A trace, a millionth of what was in all stores together or passed, is neither: water that reaches an empty store
    through several others within one part is all error, and nothing beside the rest.
    """
    after, turnover = problem.stores(state, volumes), problem.turnover(state, volumes)
    trace = TRACE * sum(jnp.sum(amount) for amount in turnover.values())
    sound = [after[store] >= -1e-3 * turnover[store] - trace for store in problem.amounts]
    if error is not None:
        change = problem.model.budget.tendencies(error)
        sound += [jnp.abs(change[store]) <= turnover[store] + trace for store in state]
    sound += [jnp.isfinite(after[store]) for store in state]
    return ~jnp.all(jnp.stack([jnp.all(one) for one in sound]))


def _where(condition: Bool[Array, ""], true: Any, false: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), true, false)


def _quiet(tree: Any, failed: Bool[Array, ""]) -> Any:
    """The same values; where the solver has failed, without derivatives: reverse mode makes NaN of 0·∞ there."""

    def quiet(x: Any) -> Any:
        return jnp.where(failed, jax.lax.stop_gradient(x), x) if eqx.is_inexact_array(x) else x

    return jax.tree.map(quiet, tree)


def _vouched(
    problem: Problem, state: Values, volumes: Values, dt: Scalar, failed: Bool[Array, ""]
) -> tuple[Values, Values]:
    """The result of the step; where the solver has failed, nothing moves. What was no number stays none."""
    rates = jax.tree.leaves(problem.rates(state))
    known = ~jnp.any(jnp.stack([jnp.any(jnp.isnan(rate)) for rate in rates]))
    still = jnp.where(known, 0.0, jnp.nan).astype(dt.dtype)
    chosen = jax.tree.map(lambda volume: jnp.where(failed, jnp.full_like(volume, still), volume), volumes)
    return problem.result(state, chosen, dt, failed & known)
