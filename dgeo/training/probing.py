"""The examination of a trained run: its model, on its own data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from dgeo import data
from dgeo.check.probes import ProbeReport, examine
from dgeo.data.splits import days
from dgeo.hybrid import basins_of, load
from dgeo.training.evaluate import inputs_of
from dgeo.training.prepare import check_inputs, load_dataset, training_basins
from dgeo.training.run import config_of, seeds_of

DAYS = 8 * 365


def probe(
    folder: str | Path,
    *,
    basins: int | None = None,
    only: str = "",
    dataset: xr.Dataset | None = None,
    watch: Callable[[str], None] = lambda name: None,
) -> ProbeReport:
    """Put the probes to the first seed of a run, in the last eight years of its test period and those before.

    `basins` is how many of the data's basins are examined, evenly spread over them; all by default. `only` and `watch`
    are those of `dgeo.check.probes.examine`.
    """
    config = config_of(folder)
    recipe = config.recipe
    path = seeds_of(folder)[0][1]
    dataset = load_dataset(config.data) if dataset is None else dataset
    if recipe.per_basin:
        dataset = data.select(dataset, training_basins(dataset, config))
    if basins is not None and basins < dataset.sizes["basin"]:
        chosen = np.linspace(0, dataset.sizes["basin"] - 1, basins).round().astype(int)
        dataset = dataset.isel(basin=chosen)
    end = days(config.split.test)[1] + np.timedelta64(1, "D")
    until = int(np.searchsorted(dataset["time"].values, end))
    dataset = dataset.isel(time=slice(max(until - DAYS, 0), until))
    first, last = (str(day) for day in dataset["time"].values[[0, -1]].astype("datetime64[D]"))
    check_inputs(dataset, config, (first, last))
    inputs = inputs_of(config, dataset, basins_of(path))
    names = [str(basin) for basin in dataset["basin"].values]
    return examine(load(path), inputs, basins=names, only=only, watch=watch)
