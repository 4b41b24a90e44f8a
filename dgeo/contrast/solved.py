"""The other side of the contrast: the equation solved step by step, and calibrated through the solver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dgeo.contrast.descent import Descent, descend, timed
from dgeo.contrast.pinn import Observed, Series, misfit
from dgeo.contrast.unknown import Unknown
from dgeo.engine import Parameters, simulate
from dgeo.models import ContinuousModel, FixedParts, Values


@dataclass(frozen=True)
class Solved:
    """Stores at the end of every day, fluxes as means over it, and the seconds of one run."""

    states: dict[str, np.ndarray]
    fluxes: dict[str, np.ndarray]
    seconds: float


@dataclass(frozen=True)
class Calibrated:
    """The parameters that were found, and what the search took."""

    parameters: dict[str, float]
    training: Descent


def solved(model: ContinuousModel, forcing: Mapping[str, Series], parameters: Values) -> Solved:
    """One run of the model at one site, by its own solver."""
    outputs, seconds = timed(lambda p: _run(model, forcing, p), parameters)
    found = {name: np.asarray(series) for name, series in outputs.items()}
    return Solved({n: found[n] for n in model.states}, {n: found[n] for n in model.fluxes}, seconds)


def finely(model: ContinuousModel, parts: int = 64) -> ContinuousModel:
    """The model with a solver that stands for the truth: Heun in many parts of a day."""
    return replace(model, solver=FixedParts(parts=parts))


def calibrate(
    model: ContinuousModel,
    forcing: Mapping[str, Series],
    parameters: Values,
    observed: Observed,
    unknown: Sequence[str],
    *,
    steps: int = 100,
    rate: float = 0.01,
) -> Calibrated:
    """The `unknown` parameters by gradient descent through the solver, from the middle of their bounds."""

    def loss(sought: Unknown, _: Array) -> Float[Array, ""]:
        return misfit(_run(model, forcing, sought(parameters))[observed.name], observed)

    training = descend(loss, Unknown.of(model.parameters, unknown), steps=steps, rate=rate, key=jax.random.key(0))
    return Calibrated({name: float(value) for name, value in training.variables(parameters).items()}, training)


def relative_error(found: np.ndarray, truth: np.ndarray) -> float:
    """Root mean square error as a share of the deviation of the truth."""
    return float(np.sqrt(np.mean((found - truth) ** 2)) / np.std(truth))


def _run(model: ContinuousModel, forcing: Mapping[str, Series], parameters: Values) -> Values:
    series = {name: values[:, None] for name, values in forcing.items()}
    static = {name: jnp.asarray(value)[None] for name, value in parameters.items()}
    outputs, _ = simulate(model, series, Parameters(static, {}), outputs=(*model.fluxes, *model.states))
    return {name: values[:, 0] for name, values in outputs.items()}
