"""A trained run applied elsewhere: other dates, other basins, no observations, from a saved state."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from dgeo import data
from dgeo.check import unsolved
from dgeo.data.splits import days
from dgeo.errors import DgeoError
from dgeo.hybrid import basins_of, load
from dgeo.numerics import read_metadata, read_tree, write_tree
from dgeo.training.config import Config
from dgeo.training.data_config import DataConfig
from dgeo.training.evaluate import ensemble, inputs_of
from dgeo.training.labelled import label
from dgeo.training.prepare import PET, after_gaps, check_inputs, load_dataset
from dgeo.training.records import fingerprint_of
from dgeo.training.run import config_of, seeds_of
from dgeo.training.simulation import run, times


def apply(
    folder: str | Path,
    *,
    file: str | Path | None = None,
    start: str | None = None,
    end: str | None = None,
    state: str | Path | None = None,
    save_state: str | Path | None = None,
) -> xr.Dataset:
    """Simulate a period with a run's models; the mean over its seeds, labelled, and with several seeds their spread.

    Models in continuous time come with `solver_failure`, 1 where a step failed and nothing moved, and that in `words`.

    **Arguments**

    - `file`: a NetCDF file with the forcings and attributes of any basins; the run's own data by default.
    - `start`, `end`: the first and last day; all days, or those from the state on, by default. Without `state`, the
      stores are filled with the forcings of the days before `start`.
    - `state`: a file that `save_state` wrote at the end of an earlier simulation; the run continues it exactly.

    **Raises** `DgeoError` for missing variables, dates outside the record, or a state of other basins.
    """
    config = config_of(folder)
    needed = config.recipe.needed_forcings
    dataset = _dataset(config, file)
    basins = [str(basin) for basin in dataset["basin"].values]
    if state is not None:
        start = _check_state(state, basins, start, _fingerprints(folder))
    period = _period(dataset, start, end)
    check_inputs(dataset, config, period)
    dataset = after_gaps(dataset, needed, period[0])
    record = dataset["time"].values
    first = int(np.searchsorted(record, np.datetime64(period[0])))
    last = int(np.searchsorted(record, np.datetime64(period[1]), side="right"))
    inputs = inputs_of(config, dataset, basins_of(seeds_of(folder)[0][1]))
    models = {f"seed_{seed}": load(path) for seed, path in seeds_of(folder)}
    model = next(iter(models.values()))
    outputs = (*config.outputs, *model.diagnostics)
    carries = {name: model.initial_carry(inputs.sites) for name, model in models.items()}
    if state is not None:
        carries, _ = read_tree(state, carries)
        _check_finite(state, carries)
    elif first > 0:
        before = times(inputs, slice(0, first))
        carries = {name: run(model, before, outputs, carries[name])[1] for name, model in models.items()}
    wanted = times(inputs, slice(first, last))
    results = {name: run(model, wanted, outputs, carries[name]) for name, model in models.items()}
    if save_state is not None:
        next_day = np.datetime64(period[1]) + np.timedelta64(1, "D")
        after = {name: carry for name, (_, carry) in results.items()}
        notes = {"basins": basins, "next_day": str(next_day), "models": _fingerprints(folder)}
        write_tree(save_state, after, notes)
    mean, spread = ensemble([series for series, _ in results.values()])
    like = dataset.isel(time=slice(first, last))
    spread = {name: values for name, values in spread.items() if name not in model.diagnostics}
    labelled = label(mean, like, model.variables).assign(label(spread, like, model.variables, "_spread"))
    for name in model.diagnostics:
        labelled[name].attrs["words"] = unsolved(getattr(model, "physics", model), mean[name], basins) or ""
    return labelled


def _dataset(config: Config, file: str | Path | None) -> xr.Dataset:
    if file is None:
        return load_dataset(config.data)
    found = data.read_netcdf(file)
    present = {str(name) for name in (*found.variables, *found.dims)}
    rename = {old: new for old, new in config.data.rename.items() if old in present}
    changed = config.data.model_dump() | {"source": "netcdf", "file": file, "basins": None, "rename": rename}
    if PET in {*present, *rename.values()}:
        changed["potential_evapotranspiration"] = "given"
    return load_dataset(DataConfig(**changed))


def _period(dataset: xr.Dataset, start: str | None, end: str | None) -> tuple[str, str]:
    record = dataset["time"].values.astype("datetime64[D]")
    first, last = days((start or str(record[0]), end or str(record[-1])))
    return str(first), str(last)


def _fingerprints(folder: str | Path) -> list[str]:
    """What tells the models of one run from those of another."""
    return [fingerprint_of(path) for _, path in seeds_of(folder)]


def _check_finite(path: str | Path, carries: Any) -> None:
    for leaf in jax.tree.leaves(carries):
        if jnp.issubdtype(leaf.dtype, jnp.inexact) and not bool(jnp.isfinite(leaf).all()):
            raise DgeoError(f"The state {path} holds a number that is not finite; simulate again from the beginning.")


def _check_state(path: str | Path, basins: list[str], start: str | None, models: list[str]) -> str:
    """The day on which a state continues, after a look at whose state it is."""
    metadata = read_metadata(path)
    of = metadata.get("basins")
    if "next_day" not in metadata or not isinstance(of, list) or not of:
        raise DgeoError(f"{path} is no state of a simulation; give a file that --save-state wrote.")
    next_day = str(metadata["next_day"])
    if start is not None and start != next_day:
        raise DgeoError(f"The state {path} continues on {next_day}, but --start is {start}; start on that day.")
    if of != basins:
        raise DgeoError(
            f"The state {path} is that of {len(of)} basins from {of[0]} on, not of the {len(basins)} basins from "
            f"{basins[0]} on to simulate; give the data it was saved with."
        )
    if metadata.get("models") != models:
        raise DgeoError(f"The state {path} was saved by the models of another run; simulate with that run.")
    return next_day
