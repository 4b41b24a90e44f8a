"""A small world and a config that trains on it in seconds, shared by the tests of training and commands."""

import functools
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from dgeo import virtual
from dgeo.hybrid import Hybrid, build
from dgeo.training import (
    Arrays,
    Config,
    Fitted,
    Member,
    Sampler,
    Task,
    Trainer,
    fit,
    parse_config,
    to_arrays,
    training_statistics,
)
from dgeo.training.arrays import day_mask
from dgeo.training.step import objective

ATTRIBUTES = ["elev_mean", "aridity", "frac_snow"]
CONTENT: dict[str, Any] = {
    "data": {"source": "netcdf", "potential_evapotranspiration": "given"},
    "split": {
        "train": ["2000-10-01", "2002-09-30"],
        "validation": ["2002-04-01", "2002-09-30"],
        "test": ["2002-10-01", "2003-09-30"],
    },
    "model": {
        "attributes": ATTRIBUTES,
        "components": 1,
        "static": {"width": 4, "depth": 1},
        "routing_days": 5,
    },
    "training": {
        "batch": 3,
        "warmup": 20,
        "window": 30,
        "steps": 8,
        "steps_per_call": 2,
        "validate_every": 4,
        "checkpoint_every": 2,
        "spin_up": 60,
    },
    "outputs": ["streamflow", "evapotranspiration", "snow_water_equivalent"],
}


@functools.cache
def _world() -> xr.Dataset:
    return virtual.basins(count=5, years=3, seed=1, gaps=0.05).dataset


def world() -> xr.Dataset:
    """Five virtual basins of three water years, 2001 to 2003, a twentieth of the flow missing."""
    return _world().copy(deep=True)


def content(**changes: dict[str, Any]) -> dict[str, Any]:
    """The config as a file holds it, with the changes of each section."""
    sections = {name: dict(section) if isinstance(section, dict) else section for name, section in CONTENT.items()}
    for name, change in changes.items():
        sections[name] = {**sections[name], **change} if isinstance(change, dict) else change
    return sections


def config(**changes: dict[str, Any]) -> Config:
    """The config, with the changes of each section."""
    return parse_config(content(**changes), "test")


def observed_arrays(settings: Config, dataset: xr.Dataset, hide_validation: bool = True) -> Arrays:
    """Arrays with targets of the training days alone."""
    targets = settings.training.targets
    without = settings.split.validation if hide_validation else None
    seen = day_mask(dataset, settings.split.train, without)
    forcings = settings.model.needed_forcings
    return to_arrays(dataset, forcings, settings.model.attributes, tuple(targets), objective(targets), seen)


@functools.cache
def _trainer(settings: str, members: int) -> Trainer:
    parsed = Config.model_validate_json(settings)
    return Trainer(fresh_model(parsed, 0), parsed.training, members)


def fresh_model(settings: Config, seed: int) -> Hybrid:
    """An untrained model."""
    return build(settings.model, training_statistics(world(), settings), jax.random.key(seed))


def trainer(settings: Config, members: int = 1) -> Trainer:
    """A compiled training call, which tests of one config share."""
    return _trainer(settings.model_dump_json(), members)


def member(settings: Config, task: Task, dataset: xr.Dataset | None = None, **parts: Any) -> Member:
    """What is trained: an untrained model of the task's seed on the training days."""
    arrays = observed_arrays(settings, world() if dataset is None else dataset)
    observed = np.stack([np.isfinite(np.asarray(value)) for value in arrays.targets.values()]).any(0)
    sampler = Sampler.create(observed, settings.training.warmup, settings.training.window)
    return Member(fresh_model(settings, task.seed), arrays, sampler, task, **parts)


def fit_one(
    settings: Config, task: Task, *, dataset: xr.Dataset | None = None, watch: Any = None, **parts: Any
) -> Fitted:
    """Train one member."""
    (fitted,) = fit(trainer(settings), [member(settings, task, dataset, **parts)], watch or (lambda row: None))
    return fitted


def task(folder: Path, steps: int = 8, **changes: Any) -> Task:
    """A phase that keeps its checkpoint in `folder`."""
    parts = {"phase": "refit", "seed": 0, "steps": steps, "checkpoint": folder / "c.safetensors", "fingerprint": "f"}
    return Task(**{**parts, **changes})
