"""Models in continuous time: their rates, and the solver that makes a step of them.

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

Forcing and parameters are constant within a step. Reference for the solvers: Kidger (2021) On neural differential
equations, arXiv:2202.02435.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

from dgeo.models.model import Model, Scalar, Values


@runtime_checkable
class Solver(Protocol):
    """A way to integrate dV/dt = rate(V, arguments) over one step."""

    def __call__(self, rate: Callable[[Values, Any], Values], volumes: Values, arguments: Any, dt: Scalar) -> Values:
        """The volumes after dt [d], from those at the start."""
        ...


class FixedParts(eqx.Module):
    """A solver of diffrax in equal parts of the step: the same work at all sites.

    With `scan_kind="bounded"`, where a solver has it, derivatives exist in both modes. Euler has no stages and compiles
    three times as quickly as any other.
    """

    solver: diffrax.AbstractSolver = diffrax.Heun(scan_kind="bounded")
    parts: int = eqx.field(static=True, default=4)

    def __call__(self, rate: Callable[[Values, Any], Values], volumes: Values, arguments: Any, dt: Scalar) -> Values:
        """The volumes after dt."""
        terms = _terms(rate)
        part = dt / self.parts
        memory = self.solver.init(terms, jnp.zeros_like(dt), part, volumes, arguments)

        def advance(carry: Any, start: Scalar) -> tuple[Any, None]:
            volumes, memory = carry
            after = self.solver.step(terms, start, start + part, volumes, arguments, memory, made_jump=False)
            return (after[0], after[3]), None

        return jax.lax.scan(advance, (volumes, memory), part * jnp.arange(self.parts, dtype=dt.dtype))[0][0]


class Adaptive(eqx.Module):
    """A solver of diffrax that chooses its own parts of the step, to a tolerance in the volumes.

    Compiles several times longer than `FixedParts`, and all sites wait for the slowest. Fails where `max_parts` do not
    suffice. The default adjoint has reverse mode only; `diffrax.DirectAdjoint()` has both.
    """

    solver: diffrax.AbstractAdaptiveSolver = diffrax.Tsit5()
    controller: diffrax.AbstractStepSizeController = diffrax.PIDController(rtol=1e-3, atol=1e-4)
    adjoint: diffrax.AbstractAdjoint = diffrax.RecursiveCheckpointAdjoint()
    max_parts: int = eqx.field(static=True, default=64)

    def __call__(self, rate: Callable[[Values, Any], Values], volumes: Values, arguments: Any, dt: Scalar) -> Values:
        """The volumes after dt."""
        solution = diffrax.diffeqsolve(
            _terms(rate),
            self.solver,
            t0=jnp.zeros_like(dt),
            t1=dt,
            dt0=dt,
            y0=volumes,
            args=arguments,
            stepsize_controller=self.controller,
            adjoint=self.adjoint,
            max_steps=self.max_parts,
        )
        return jax.tree.map(lambda series: series[-1], solution.ys)


def _terms(rate: Callable[[Values, Any], Values]) -> diffrax.ODETerm:
    return diffrax.ODETerm(lambda _, volumes, arguments: rate(volumes, arguments))


class ContinuousModel(Model):
    """A model that gives rates; its solver makes the step. Every state is a store of the budget."""

    solver: eqx.AbstractVar[Solver]

    @abstractmethod
    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """The fluxes at this moment, one for every transfer of the budget [per day], for one site."""

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One step by the solver; fluxes are means over it, the budget's sums included."""
        like = eqx.filter_eval_shape(self.rates, state, forcing, parameters)
        start = {flux: jnp.zeros(like[flux].shape, like[flux].dtype) for flux in self.budget.transfers}
        volumes = self.solver(_rates, start, (self, state, forcing, parameters), dt)
        means = {flux: volume / dt for flux, volume in volumes.items()}
        sums = {
            name: sum((means[part] for part in parts), jnp.zeros_like(dt)) for name, parts in self.budget.sums.items()
        }
        return _stores(self, state, volumes), {**means, **sums}


def _rates(volumes: Values, arguments: tuple[ContinuousModel, Values, Values, Values]) -> Values:
    model, state, forcing, parameters = arguments
    rates = model.rates(_stores(model, state, volumes), forcing, parameters)
    return {flux: rates[flux] for flux in volumes}


def _stores(model: ContinuousModel, state: Values, volumes: Values) -> Values:
    change = model.budget.tendencies(volumes)
    return {store: amount + change[store] for store, amount in state.items()}
