"""The data of a run as plain arrays on the device: one per variable, time first."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float, Int

from dgeo.hybrid import Hybrid, Inputs
from dgeo.hybrid.recipe import Recipe
from dgeo.models import Values
from dgeo.training.loss import Loss


class Arrays(eqx.Module):
    """Everything a training or a simulation reads.

    - `inputs`: forcings [time, basin], attributes [basin];
    - `targets`: observations [time, basin], NaN in gaps;
    - `scale`: what the loss measures errors in, by target [basin].
    """

    inputs: Inputs
    targets: Values
    scale: Any


def needed_forcings(recipe: Recipe, model: Hybrid | None = None) -> tuple[str, ...]:
    """The forcings that physics and networks read, each once."""
    physics = recipe.physics.build() if model is None else model.physics
    dynamic = () if recipe.dynamic is None else recipe.dynamic.forcings
    return tuple(dict.fromkeys((*physics.forcings, *dynamic)))


def to_arrays(
    dataset: xr.Dataset,
    forcings: Sequence[str],
    attributes: Sequence[str],
    targets: Sequence[str] = (),
    loss: Loss | None = None,
    training_days: np.ndarray | None = None,
) -> Arrays:
    """Float32 arrays of the named variables.

    `training_days` is a mask [time] of the days whose targets may be seen; the others are hidden (NaN) from the loss
    and from its scale.
    """
    observed = {name: dataset[name].values.astype(np.float32) for name in targets}
    if training_days is not None:
        observed = {
            name: np.where(training_days[:, None], value, np.float32(np.nan)) for name, value in observed.items()
        }
    inputs = Inputs(
        {name: jnp.asarray(dataset[name].values, jnp.float32) for name in forcings},
        {name: jnp.asarray(dataset[name].values, jnp.float32) for name in attributes},
        jnp.arange(dataset.sizes["basin"]),
    )
    visible = {name: jnp.asarray(value) for name, value in observed.items()}
    return Arrays(inputs, visible, None if loss is None else loss.scale(visible))


def window(
    arrays: Arrays, basins: Int[Array, " batch"], starts: Int[Array, " batch"], offset: int, length: int
) -> tuple[Inputs, Values]:
    """The days starts + offset … + length of the given basins: inputs and targets [length, batch]."""
    rows = starts[None] + offset + jnp.arange(length, dtype=starts.dtype)[:, None]

    def cut(series: Float[Array, "time basin"]) -> Float[Array, "length batch"]:
        return series[rows, basins[None]]

    inputs = Inputs(
        {name: cut(series) for name, series in arrays.inputs.forcing.items()},
        {name: value[basins] for name, value in arrays.inputs.attributes.items()},
        None if arrays.inputs.index is None else arrays.inputs.index[basins],
    )
    return inputs, {name: cut(series) for name, series in arrays.targets.items()}


def day_mask(
    dataset: xr.Dataset, period: tuple[str, str], without: tuple[str, str] | None = None
) -> Bool[np.ndarray, " time"]:
    """Which days of a dataset lie in `period` and not in `without`; raises nothing: periods are checked at the door."""
    time = dataset["time"].values
    inside = (time >= np.datetime64(period[0])) & (time < np.datetime64(period[1]) + np.timedelta64(1, "D"))
    if without is None:
        return inside
    return inside & ~day_mask(dataset, without)
