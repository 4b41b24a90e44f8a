"""Learning the parameters of a black box through its emulator: θ = NN(attributes), or a table with a row per basin.

    loss(emulator(forcings; θ), observed streamflow) → min over the weights of the network, the emulator frozen

The same function trains through any differentiable model instead, for comparison.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import PRNGKeyArray

from dgeo.hybrid import AttributeNetwork, Hybrid, Inputs, Layout, Learned, Source, Statistics, Table
from dgeo.hybrid.recipe import standardise
from dgeo.hybrid.strict import Depth, Strict, Width
from dgeo.models import Model
from dgeo.models.surrogate import Surrogate
from dgeo.nn import mlp, with_output_bias
from dgeo.surrogate.black_box import Series
from dgeo.training import Member, Sampler, Task, fit, to_arrays, trainer_of
from dgeo.training.arrays import day_mask
from dgeo.training.config import TrainingConfig
from dgeo.training.progress import Watch
from dgeo.training.step import objective


class LearningConfig(Strict):
    """Where parameters come from, and their training.

    `network` reads the `attributes` with `depth` layers of `width` units; `table` has one row of parameters for every
    training basin and says nothing about others.
    """

    parameters: Literal["network", "table"] = "network"
    attributes: tuple[str, ...] = ()
    width: Width = 32
    depth: Depth = 1
    training: TrainingConfig = TrainingConfig()


@dataclass(frozen=True)
class Learning:
    """The model whose parameters were learned, and the seconds that took."""

    model: Hybrid
    seconds: float


def learn_parameters(
    physics: Model,
    dataset: xr.Dataset,
    period: tuple[str, str],
    statistics: Statistics,
    config: LearningConfig,
    checkpoint: Path,
    *,
    seed: int = 0,
    fingerprint: str = "",
    watch: Watch = lambda row: None,
) -> Learning:
    """Train the parameters of `physics` at the basins of `dataset` on the observations of `period`.

    An emulator is frozen first. `checkpoint` and `fingerprint` are as for `emulate`.
    """
    physics = physics.frozen() if isinstance(physics, Surrogate) else physics
    hybrid = with_parameters(physics, config, statistics, dataset.sizes["basin"], jax.random.key(seed))
    training = config.training
    loss = objective(training.targets)
    targets = tuple(training.targets)
    arrays = to_arrays(dataset, tuple(physics.forcings), config.attributes, targets, loss, day_mask(dataset, period))
    observed = np.any([np.isfinite(np.asarray(value)) for value in arrays.targets.values()], axis=0)
    sampler = Sampler.create(observed, training.warmup, training.window)
    trainer = trainer_of(hybrid, training)
    phase = "through the emulator" if isinstance(physics, Surrogate) else "through the equations"
    task = Task(phase, seed, training.steps, checkpoint, fingerprint)
    names = ([str(basin) for basin in dataset["basin"].values], dataset["time"].values)
    member = Member(hybrid, arrays, sampler, task, names=names)
    (fitted,) = fit(trainer, [member], watch)
    assert isinstance(fitted.model, Hybrid)
    return Learning(fitted.model, fitted.progress.seconds)


def with_parameters(
    physics: Model, config: LearningConfig, statistics: Statistics, basins: int, key: PRNGKeyArray
) -> Hybrid:
    """The physics with an untrained source of its parameters, which starts near their defaults."""
    specifications = physics.parameters
    start = jnp.stack([p.bounds.to_unbounded(jnp.asarray(p.default, jnp.float32)) for p in specifications.values()])
    source: Source
    if config.parameters == "table":
        rows = {name: jnp.full((basins, 1), start[i]) for i, name in enumerate(specifications)}
        source = Table(rows)
    else:
        network = mlp(len(config.attributes), len(start), width=config.width, depth=config.depth, key=key)
        network = jax.tree.map(lambda x: x.astype(jnp.float32) if isinstance(x, jax.Array) else x, network)
        normaliser = jax.tree.map(lambda x: x.astype(jnp.float32), standardise(config.attributes, statistics))
        layout = Layout(1, tuple(specifications))
        source = AttributeNetwork(normaliser, with_output_bias(network, start), layout)
    return Hybrid(physics, Learned((source,), specifications))


def inputs_of(dataset: xr.Dataset, forcings: Sequence[str], attributes: Sequence[str]) -> Inputs:
    """What a hybrid model reads of a dataset."""
    return to_arrays(dataset, forcings, attributes).inputs


def learned_parameters(model: Hybrid, inputs: Inputs) -> Series:
    """The parameters at every site of `inputs`, by name [site]."""
    found, _, _ = model.parameters(inputs)
    return {name: np.asarray(value[:, 0], np.float64) for name, value in found.static.items()}
