"""Where the series of a run are: all on the devices, or in a store of which only the windows at hand are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Bool

from dgeo import data
from dgeo.hybrid import Inputs, Recipe
from dgeo.models import Values
from dgeo.training.arrays import Arrays, Read, Source, Streamed, targets_of, to_inputs
from dgeo.training.config import Config, TrainingConfig
from dgeo.training.feed import Reader
from dgeo.training.fresh import SITES, YEARS, at_some
from dgeo.training.sampler import Sampler
from dgeo.training.simulation import times
from dgeo.training.step import objective

Held = dict[tuple[object, ...], Inputs]
Sites = np.ndarray


class Material(NamedTuple):
    """What a member trains on (see `progress.Member`)."""

    source: Source
    sampler: Sampler
    read: Read | None


@dataclass(frozen=True)
class Resident:
    """All series of a dataset on the devices; runs on the same data hold them once, in `held`."""

    config: Config
    dataset: xr.Dataset
    held: Held

    @cached_property
    def inputs(self) -> Inputs:
        """Forcings and attributes of all basins."""
        names = (self.config.model.needed_forcings, self.config.model.needed_attributes)
        key = (*names, str(self.dataset["time"].values[0]), self.dataset.sizes["time"])
        if key not in self.held:
            self.held[key] = to_inputs(self.dataset, *names)
        return self.held[key]

    def material(self, days: Bool[np.ndarray, " time"], sites: Bool[np.ndarray, " basin"]) -> Material:
        """For a training that sees the targets of these days and basins alone."""
        training = self.config.training
        targets = targets_of(self.dataset, tuple(training.targets), days[:, None] & sites[None])
        observed = np.any([np.isfinite(np.asarray(value)) for value in targets.values()], axis=0)
        sampler = Sampler.create(observed, training.warmup, training.window)
        parts = data.parts_of(len(sites))
        scale = _scale(training, [{name: value[:, part] for name, value in targets.items()} for part in parts])
        return Material(Arrays(self.inputs, targets, scale), sampler, None)

    def blocks(self, sites: Sites, days: slice) -> Iterable[tuple[Sites, Inputs]]:
        """Basins and their inputs of some days, in parts that are simulated one after the other: here, one."""
        return [(sites, at_some(times(self.inputs, days), sites))]

    def sample(self, sites: Sites) -> Inputs:
        """The inputs of the basins that laws are taught on before training: here, of all."""
        return self.inputs if len(sites) == self.inputs.sites else at_some(self.inputs, sites)


@dataclass(frozen=True)
class Stored:
    """Series that are read when they are needed, of a part of the basins at a time, and not kept."""

    config: Config
    dataset: xr.Dataset

    def material(self, days: Bool[np.ndarray, " time"], sites: Bool[np.ndarray, " basin"]) -> Material:
        """For a training that sees the targets of these days and basins alone."""
        training, model, names = self.config.training, self.config.model, tuple(self.config.training.targets)
        on_days, at_sites = np.zeros(len(days), bool), []

        def parts() -> Iterator[Values]:
            for seen, block in zip(_parts(sites), data.blocks_of(self.dataset), strict=True):
                targets = targets_of(block, names, days[:, None] & seen[None])
                observed = np.any([np.isfinite(np.asarray(value)) for value in targets.values()], axis=0)
                np.logical_or(on_days, observed.any(1), out=on_days)
                at_sites.append(observed.any(0))
                yield targets

        scale = _scale(training, parts())
        sampler = Sampler.spanning(on_days, np.concatenate(at_sites), training.warmup, training.window)
        length = training.warmup + training.window
        read = Reader(self.dataset, model.needed_forcings, names, days, length)
        return Material(Streamed(to_inputs(self.dataset, (), model.needed_attributes), scale), sampler, read)

    def blocks(self, sites: Sites, days: slice) -> Iterable[tuple[Sites, Inputs]]:
        """Basins and their inputs of some days, in parts that are simulated one after the other."""
        return _Blocks(self, sites, days)

    def sample(self, sites: Sites) -> Inputs:
        """The inputs of the basins and days that laws are taught on before training."""
        model = self.config.model
        every = model.per_basin and isinstance(model, Recipe) and any(law.pretrain for law in model.laws)
        return self.read(sites if every else sites[:SITES], slice(YEARS * 365))

    def read(self, sites: Sites, days: slice) -> Inputs:
        """The inputs of some basins and days."""
        names = (self.config.model.needed_forcings, self.config.model.needed_attributes)
        known = [str(basin) for basin in self.dataset["basin"].values]
        return to_inputs(self.dataset.isel(basin=sites, time=days), *names, basins=known)


@dataclass(frozen=True)
class _Blocks:
    """Read anew each time they are gone through."""

    series: Stored
    sites: Sites
    days: slice

    def __iter__(self) -> Iterator[tuple[Sites, Inputs]]:
        return ((sites, self.series.read(sites, self.days)) for sites in _parts(self.sites))


def series_of(config: Config, dataset: xr.Dataset, held: Held) -> Resident | Stored:
    """As the config says: a Zarr store is read as training goes, all else is held."""
    return Stored(config, dataset) if config.data.streamed else Resident(config, dataset, held)


def _scale(training: TrainingConfig, parts: Iterable[Values]) -> Any:
    """What the loss measures errors in, from targets of parts of the basins.

    Always by parts, since a sum over days is rounded otherwise when more basins are summed at once.
    """
    scales = [objective(training.targets).scale(targets) for targets in parts]
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *scales)


def _parts(sites: np.ndarray) -> list[np.ndarray]:
    return [sites[part] for part in data.parts_of(len(sites))]
