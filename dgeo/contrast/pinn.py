"""A physics-informed network: the network is the solution, and the differential equation its loss.

    S(t) = S₀ + s·(1 − e^{−t/1 d})·NN(γ(t))         γ(t) = (t/T, sin 2πkt/T, cos 2πkt/T)      k = 1 … K
    loss = mean over t and stores of ((dS/dt − B·rates(S, x, θ))·10 d/s)² + mean over observed days of ((y − q)/σ)²

    S₀  the initial state, held exactly     s   typical size of a store        B·rates  the model's own tendencies
    x   forcing, constant within a day      T   length of the record [d]       y, q, σ  observed, its deviation

θ is known, or some of it is learned with the network from sparse observations. A network is the solution for one
forcing and one θ: another year or basin means another training. It is here as a contrast to solving and differentiating
the equation, with its error and its cost beside theirs.

References: Raissi, Perdikaris & Karniadakis (2019), doi:10.1016/j.jcp.2018.10.045; for the Fourier features, Tancik et
al. (2020), arXiv:2006.10739.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from dgeo.contrast.descent import Descent, descend
from dgeo.contrast.unknown import Unknown
from dgeo.models import ContinuousModel, Values
from dgeo.numerics import Frozen

Series = Float[Array, " time"]
TURNOVER = 10.0  # [d] with less the network spikes to meet each observation and leaves the equation


@dataclass(frozen=True)
class Network:
    """Size and training of the network. Every step asks for the equation at `points` random times of every day.

    At fixed times the loss falls to nothing and the solution is wrong between them. More `frequencies` follow single
    days and train worse.
    """

    width: int = 32
    depth: int = 2
    frequencies: int = 64
    points: int = 1
    steps: int = 2000
    rate: float = 2e-3


class Observed(Frozen):
    """Daily means of one output on some days."""

    name: str = eqx.field(static=True)
    days: Int[Array, " observed"]
    values: Float[Array, " observed"]


class Solution(eqx.Module):
    """The stores as a function of time."""

    network: eqx.nn.MLP
    days: int = eqx.field(static=True)
    sizes: tuple[tuple[str, float], ...] = eqx.field(static=True)

    def __call__(self, t: Float[Array, ""], start: Values) -> Values:
        """All stores at a time [d]."""
        found = -jnp.expm1(-t) * self.network(self._features(t))
        return {name: start[name] + size * found[i] for i, (name, size) in enumerate(self.sizes)}

    def _features(self, t: Float[Array, ""]) -> Float[Array, " feature"]:
        number = jnp.arange(1, (int(self.network.in_size) - 1) // 2 + 1, dtype=t.dtype)
        angle = 2 * jnp.pi * number * t / self.days
        return jnp.concatenate([(t / self.days)[None], jnp.sin(angle), jnp.cos(angle)])


@dataclass(frozen=True)
class PinnResult:
    """Stores at the end of every day, fluxes as means over it, the parameters, and what the training took."""

    states: dict[str, np.ndarray]
    fluxes: dict[str, np.ndarray]
    parameters: dict[str, float]
    training: Descent


def pinn(
    model: ContinuousModel,
    forcing: Mapping[str, Series],
    parameters: Values,
    *,
    key: PRNGKeyArray,
    network: Network = Network(),
    observed: Observed | None = None,
    unknown: Sequence[str] = (),
) -> PinnResult:
    """Train a network to be the solution of a model at one site, from its initial state.

    `forcing` holds daily series, `parameters` one number each; those named `unknown` are learned besides, from
    `observed`, starting from the middle of their bounds. Raises `DgeoError` for a name that there is not.
    """
    days = len(next(iter(forcing.values())))
    start = model.initial_state()
    sizes = tuple((name, variable.scale) for name, variable in model.states.items())
    wide = 1 + 2 * network.frequencies
    first, second = jax.random.split(key)
    mlp = eqx.nn.MLP(wide, len(sizes), network.width, network.depth, activation=jnp.tanh, key=first)
    variables = (Solution(mlp, days, sizes), Unknown.of(model.parameters, unknown))

    def loss(variables: tuple[Solution, Unknown], key: PRNGKeyArray) -> Float[Array, ""]:
        solution, sought = variables
        known = sought(parameters)
        grid = times(days, network.points, key)
        left = residual(model, lambda t: solution(t, start), forcing, known, grid)
        total = jnp.mean(jnp.stack([jnp.mean((TURNOVER * left[name] / size) ** 2) for name, size in sizes]))
        if observed is None:
            return total
        found = _fluxes(model, solution, start, forcing, known, grid)[observed.name]
        return total + misfit(found, observed)

    training = descend(loss, variables, steps=network.steps, rate=network.rate, key=second)
    solution, sought = training.variables
    known = sought(parameters)
    ends = jax.vmap(lambda t: solution(t, start))(jnp.arange(1.0, days + 1))
    fluxes = _fluxes(model, solution, start, forcing, known, times(days, 8))
    return PinnResult(_numpy(ends), _numpy(fluxes), {n: float(v) for n, v in known.items()}, training)


def times(days: int, points: int, key: PRNGKeyArray | None = None) -> Float[Array, "day point"]:
    """One time in each of `points` equal parts of every day [d]: the middle, or with a key any."""
    within = jnp.full((days, points), 0.5) if key is None else jax.random.uniform(key, (days, points))
    return jnp.arange(float(days))[:, None] + (jnp.arange(float(points))[None] + within) / points


def residual(
    model: ContinuousModel, solution: Any, forcing: Mapping[str, Series], parameters: Values, at: Array
) -> dict[str, Float[Array, "day point"]]:
    """dS/dt − B·rates(S) of a solution t → stores, at the times `at` [day, point] of every day of the forcing."""

    def left(t: Array, now: Values) -> Values:
        state, slope = jax.jvp(solution, (t,), (jnp.ones_like(t),))
        change = model.budget.tendencies(model.rates(state, now, parameters))
        return {store: slope[store] - change[store] for store in model.states}

    return jax.vmap(jax.vmap(left, (0, None)))(at, dict(forcing))


def misfit(found: Series, observed: Observed) -> Float[Array, ""]:
    """The squared error on the observed days, in variances of what was observed."""
    error = found[observed.days] - observed.values
    return jnp.mean(error**2) / jnp.var(observed.values)


def _fluxes(
    model: ContinuousModel,
    solution: Solution,
    start: Values,
    forcing: Mapping[str, Series],
    parameters: Values,
    at: Array,
) -> Values:
    def rates(t: Array, now: Values) -> Values:
        found = model.rates(solution(t, start), now, parameters)
        return model.budget.totals({flux: found[flux] for flux in model.budget.transfers})

    series = jax.vmap(jax.vmap(rates, (0, None)))(at, dict(forcing))
    return {name: jnp.mean(values, axis=1) for name, values in series.items()}


def _numpy(values: Values) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in values.items()}
