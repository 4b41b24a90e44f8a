"""Networks as solutions beside solvers, on an ordinary and a partial differential equation: errors and costs."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError

from dgeo.contrast.aquifer import Aquifer, exact_heads, implicit
from dgeo.contrast.aquifer_pinn import Found, Wells, aquifer_calibrated, aquifer_pinn
from dgeo.contrast.descent import timed
from dgeo.contrast.pinn import Network, Observed, PinnResult, Series, pinn
from dgeo.contrast.solved import Solved, calibrate, finely, relative_error, solved
from dgeo.errors import DgeoError
from dgeo.hybrid.strict import Seed, Strict
from dgeo.hybrid.yaml_text import read_yaml
from dgeo.models import ContinuousModel, Values, model_named
from dgeo.numerics import make_folder, write_atomically
from dgeo.virtual import basins

CELLS = 51


class ContrastConfig(Strict):
    """What is solved twice: a model that is driven by precipitation alone, for one basin, and an aquifer.

    `parameters` are known; `unknown` is the one that is sought from `observed_days` values of runoff, and the
    transmissivity from `wells` heads, both with Gaussian errors of `noise` deviations.
    """

    model: str = "cascade"
    parameters: dict[str, float] = Field(default_factory=lambda: {"k": 0.2})
    unknown: str = "k"
    days: PositiveInt = 365
    steps: PositiveInt = 2000
    rate: PositiveFloat = 2e-3
    frequencies: PositiveInt = 64
    observed_days: PositiveInt = 24
    wells: PositiveInt = 24
    noise: float = Field(0.05, ge=0)
    seed: Seed = 0


@dataclass(frozen=True)
class Row:
    """One way to answer one question: its error as a share of the deviation of the truth, and its seconds.

    `sought` and `true` are the unknown parameter, where there is one.
    """

    problem: str
    method: str
    error: float
    seconds: float
    sought: float | None = None
    true: float | None = None


@dataclass(frozen=True)
class Contrast:
    """All rows, and what a picture needs: runoff [day] and heads on the last day [cell] by method, and losses."""

    rows: tuple[Row, ...]
    runoff: dict[str, np.ndarray]
    heads: dict[str, np.ndarray]
    losses: dict[str, np.ndarray]


def read_contrast(path: str | Path) -> ContrastConfig:
    """The config in a YAML file; raises `DgeoError` for a file, a key or a value that is not right."""
    try:
        return ContrastConfig.model_validate(read_yaml(path) or {})
    except ValidationError as error:
        first = error.errors()[0]
        known = ", ".join(ContrastConfig.model_fields)
        raise DgeoError(
            f"{path}: {'.'.join(map(str, first['loc']))} is not accepted ({first['msg']}); the keys are {known}."
        ) from error


def contrast(config: ContrastConfig) -> Contrast:
    """Solve, train and calibrate all; about a minute on two cores."""
    ordinary, partial = _ordinary(config), _partial(config)
    rows = (*ordinary.rows, *partial.rows)
    return Contrast(rows, ordinary.runoff, partial.heads, ordinary.losses | partial.losses)


def write_contrast(folder: str | Path, found: Contrast, config: ContrastConfig) -> Path:
    """Write pinn.json: the config, the rows and the last losses."""
    path = Path(folder) / "pinn.json"
    make_folder(path.parent)
    last = {name: float(losses[-1]) for name, losses in found.losses.items()}
    content = {"config": config.model_dump(), "rows": [asdict(row) for row in found.rows], "last_loss": last}
    write_atomically(path, lambda temporary: temporary.write_text(json.dumps(content, indent=1) + "\n"))
    return path


def _ordinary(config: ContrastConfig) -> Contrast:
    model, forcing, parameters = _basin(config)
    truth = solved(finely(model), forcing, parameters)
    step = solved(model, forcing, parameters)
    network = Network(steps=config.steps, rate=config.rate, frequencies=config.frequencies)
    run = _trained(model, forcing, parameters, config, network)
    observed = _observed(truth, config)
    known = run()
    joint = run(observed=observed, unknown=(config.unknown,))
    found = calibrate(model, forcing, parameters, observed, (config.unknown,))
    again = solved(model, forcing, {name: jnp.asarray(value) for name, value in found.parameters.items()})

    def row(method: str, runoff: np.ndarray, seconds: float, sought: float | None = None) -> Row:
        true = None if sought is None else config.parameters[config.unknown]
        error = relative_error(runoff, truth.fluxes["runoff"])
        return Row(f"{config.model}, one basin, {config.days} days", method, error, seconds, sought, true)

    rows = (
        row("solver", step.fluxes["runoff"], step.seconds),
        row("PINN", known.fluxes["runoff"], known.training.seconds),
        row("calibrated", again.fluxes["runoff"], found.training.seconds, found.parameters[config.unknown]),
        row("PINN, inverse", joint.fluxes["runoff"], joint.training.seconds, joint.parameters[config.unknown]),
    )
    runoff = {"truth": truth.fluxes["runoff"], "solver": step.fluxes["runoff"], "PINN": known.fluxes["runoff"]}
    return Contrast(rows, runoff, {}, {f"{config.model} {n}": r.training.losses for n, r in _both(known, joint)})


def _trained(
    model: ContinuousModel, forcing: dict[str, Series], parameters: Values, config: ContrastConfig, network: Network
) -> Callable[..., PinnResult]:
    return lambda **more: pinn(model, forcing, parameters, key=jax.random.key(config.seed), network=network, **more)


def _both(known: Any, joint: Any) -> tuple[tuple[str, Any], ...]:
    return ("PINN", known), ("PINN, inverse", joint)


def _basin(config: ContrastConfig) -> tuple[ContinuousModel, dict[str, Series], Values]:
    model = model_named(config.model)
    if not isinstance(model, ContinuousModel):
        raise DgeoError(f"The model {config.model!r} has no rates, so there is no equation for a network to satisfy.")
    if missing := [name for name in model.forcings if name != "precipitation"]:
        raise DgeoError(
            f"The model {config.model!r} reads {missing[0]} too; choose one that precipitation alone drives."
        )
    for name in model.parameters:
        if name not in config.parameters:
            raise DgeoError(f"The config names no value for {name!r}; add it to `parameters`.")
    world = basins(1, years=-(-config.days // 365) + 1, seed=config.seed)
    rain = np.asarray(world.dataset["precipitation"].values[: config.days, 0])
    values = {name: jnp.asarray(config.parameters[name]) for name in model.parameters}
    return model, {"precipitation": jnp.asarray(rain, jnp.result_type(float))}, values


def _observed(truth: Solved, config: ContrastConfig) -> Observed:
    random = np.random.default_rng(config.seed)
    days = np.sort(random.choice(config.days, config.observed_days, replace=False))
    runoff = truth.fluxes["runoff"]
    values = runoff[days] + config.noise * np.std(runoff) * random.normal(size=days.size)
    return Observed("runoff", jnp.asarray(days), jnp.asarray(values, jnp.result_type(float)))


def _partial(config: ContrastConfig) -> Contrast:
    aquifer, key, value = Aquifer(), jax.random.key(config.seed), 200.0
    truth = np.asarray(exact_heads(aquifer, jnp.asarray(value), CELLS))
    steps, seconds = timed(lambda v: implicit(aquifer, v, CELLS), jnp.asarray(value))
    wells = _wells(truth, config)
    known, joint = aquifer_pinn(aquifer, value, key=key), aquifer_pinn(aquifer, value, key=key, wells=wells)
    found = aquifer_calibrated(aquifer, wells)

    def row(method: str, heads: np.ndarray, seconds: float, run: Found | None = None) -> Row:
        sought = (None, None) if run is None else (run.transmissivity, value)
        return Row("groundwater between rivers", method, relative_error(heads, truth), seconds, *sought)

    rows = (
        row("solver", np.asarray(steps), seconds),
        row("PINN", known.heads, known.training.seconds),
        row("calibrated", found.heads, found.training.seconds, found),
        row("PINN, inverse", joint.heads, joint.training.seconds, joint),
    )
    heads = {"truth": truth[-1], "solver": np.asarray(steps)[-1], "PINN": known.heads[-1]}
    return Contrast(rows, {}, heads, {f"groundwater {n}": r.training.losses for n, r in _both(known, joint)})


def _wells(truth: np.ndarray, config: ContrastConfig) -> Wells:
    random = np.random.default_rng(config.seed)
    day, cell = (random.integers(size, size=config.wells) for size in truth.shape)
    head = truth[day, cell] + config.noise * np.std(truth) * random.normal(size=config.wells)
    return Wells(day, cell, jnp.asarray(head, jnp.result_type(float)), CELLS)
