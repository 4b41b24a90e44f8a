"""The data of a run as plain arrays: one per variable, time first.

Either all of them lie on the device (`Arrays`), or only the windows of the coming steps do (`Streamed`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float, Int

from dgeo.hybrid import Inputs
from dgeo.models import Values
from dgeo.training.loss import Loss


class Draw(NamedTuple):
    """Windows of a batch, or a run of them: the place of each in the batch, its basin and its first day."""

    place: Int[Array, " batch"]
    basin: Int[Array, " batch"]
    start: Int[Array, " batch"]


class Windows(NamedTuple):
    """Forcings and targets of whole batches that were read ahead, each [..., day, batch]."""

    forcing: Mapping[str, Any]
    targets: Mapping[str, Any]


Read = Callable[[Int[np.ndarray, "step batch"], Int[np.ndarray, "step batch"]], Windows]


class Arrays(eqx.Module):
    """Everything a training or a simulation reads.

    - `inputs`: forcings [time, basin], attributes [basin];
    - `targets`: observations [time, basin], NaN in gaps;
    - `scale`: what the loss measures errors in, by target [basin].
    """

    inputs: Inputs
    targets: Values
    scale: Any

    def windows(self, ahead: Windows | None, number: Int[Array, ""], draw: Draw, length: int) -> Windows:
        """The windows drawn, of `length` days each: forcings and targets [day, batch]."""
        rows = draw.start[None] + jnp.arange(length, dtype=draw.start.dtype)[:, None]

        def cut(series: Float[Array, "time basin"]) -> Float[Array, "day batch"]:
            return series[rows, draw.basin[None]]

        return jax.tree.map(cut, Windows(self.inputs.forcing, self.targets))


class Streamed(eqx.Module):
    """The attributes of all basins (`inputs`, which have no forcings); series come with each call."""

    inputs: Inputs
    scale: Any

    def windows(self, ahead: Windows | None, number: Int[Array, ""], draw: Draw, length: int) -> Windows:
        """The same, of what was read `ahead` for a call, [step, day, batch]; `number` says which step it is."""

        def cut(series: Float[Array, "step day batch"]) -> Float[Array, "day here"]:
            # slices keep the layout in memory, on which the rounding of a sum depends; indices would turn it round
            step = jax.lax.dynamic_index_in_dim(series, number, keepdims=False)[:length]
            return jax.lax.dynamic_slice_in_dim(step, draw.place[0], len(draw.place), axis=1)

        return jax.tree.map(cut, ahead)


Source = Arrays | Streamed


def to_arrays(
    dataset: xr.Dataset,
    forcings: Sequence[str],
    attributes: Sequence[str],
    targets: Sequence[str] = (),
    loss: Loss | None = None,
    training_days: np.ndarray | None = None,
    basins: Sequence[str] | None = None,
) -> Arrays:
    """Float32 arrays of the named variables.

    `basins` are those of the training, where they differ from the ones at hand.

    `training_days` is a mask [time] of the days whose targets may be seen; the others are hidden (NaN) from the loss
    and from its scale.
    """
    visible = targets_of(dataset, targets, training_days)
    scale = None if loss is None else loss.scale(visible)
    return Arrays(to_inputs(dataset, forcings, attributes, basins), visible, scale)


def to_inputs(
    dataset: xr.Dataset, forcings: Sequence[str], attributes: Sequence[str], basins: Sequence[str] | None = None
) -> Inputs:
    """Forcings and attributes as float32 arrays; `basins` as for `to_arrays`."""
    return Inputs(
        {name: jnp.asarray(dataset[name].values, jnp.float32) for name in forcings},
        {name: jnp.asarray(dataset[name].values, jnp.float32) for name in attributes},
        places(dataset, basins),
    )


def targets_of(dataset: xr.Dataset, targets: Sequence[str], seen: np.ndarray | None = None) -> Values:
    """Observations as float32 arrays [time, basin], NaN where the mask `seen`, [time] or [time, basin], is false."""
    observed = {name: dataset[name].values.astype(np.float32) for name in targets}
    if seen is not None:
        mask = seen if seen.ndim == 2 else seen[:, None]
        observed = {name: np.where(mask, value, np.float32(np.nan)) for name, value in observed.items()}
    return {name: jnp.asarray(value) for name, value in observed.items()}


def places(dataset: xr.Dataset, basins: Sequence[str] | None) -> Int[Array, " basin"] | None:
    """The place of every basin among `basins`, in order by default; None where one is not among them."""
    here = [str(basin) for basin in dataset["basin"].values]
    known = {basin: place for place, basin in enumerate(here if basins is None else basins)}
    return jnp.asarray([known[basin] for basin in here]) if known.keys() >= set(here) else None


def day_mask(
    dataset: xr.Dataset, period: tuple[str, str], without: tuple[str, str] | None = None
) -> Bool[np.ndarray, " time"]:
    """Which days of a dataset lie in `period` and not in `without`; raises nothing: periods are checked at the door."""
    time = dataset["time"].values
    inside = (time >= np.datetime64(period[0])) & (time < np.datetime64(period[1]) + np.timedelta64(1, "D"))
    if without is None:
        return inside
    return inside & ~day_mask(dataset, without)
