"""A trained run beside the basins and days that it is applied to: other dates, other basins, no observations."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import xarray as xr

from dgeo import data
from dgeo.check import unsolved
from dgeo.data.splits import days
from dgeo.errors import DgeoError
from dgeo.hybrid import Inputs, Simulator, basins_of, load
from dgeo.training.config import Config
from dgeo.training.data_config import DataConfig
from dgeo.training.evaluate import ensemble, inputs_of
from dgeo.training.labelled import label
from dgeo.training.prepare import PET, after_gaps, check_inputs, load_dataset
from dgeo.training.run import config_of, seeds_of
from dgeo.training.simulation import run, times
from dgeo.training.states import Carries, next_day, read_state, some_sites

EVERY = slice(None)


@dataclass(frozen=True)
class Application:
    """A run's models, and the days `first` to before `last` of a dataset; `applied` makes it.

    The stores begin with what the file `state` holds, or are filled with the forcings of the days before `first`.
    """

    folder: Path
    config: Config
    dataset: xr.Dataset
    first: int
    last: int
    state: Path | None = None

    @cached_property
    def models(self) -> dict[str, Simulator]:
        """The models of all seeds."""
        return {f"seed_{seed}": load(path) for seed, path in seeds_of(self.folder)}

    @property
    def model(self) -> Simulator:
        """One of them: all say the same of themselves."""
        return next(iter(self.models.values()))

    @property
    def basins(self) -> list[str]:
        """The ids of the basins."""
        return [str(basin) for basin in self.dataset["basin"].values]

    @property
    def outputs(self) -> tuple[str, ...]:
        """What is kept: the outputs of the run, and what the model says of how it was solved."""
        return (*self.config.outputs, *self.model.diagnostics)

    @property
    def next_day(self) -> np.datetime64:
        """The day after the last."""
        return np.datetime64(self.dataset["time"].values[self.last - 1], "D") + np.timedelta64(1, "D")

    def inputs(self, part: slice = EVERY) -> Inputs:
        """Forcings of all days, and attributes, of some of the basins."""
        return inputs_of(self.config, self.dataset.isel(basin=part), basins_of(seeds_of(self.folder)[0][1]))

    def start(self, inputs: Inputs, part: slice = EVERY) -> Carries:
        """What each model remembers before the day `first`."""
        if self._saved is not None:
            return {name: some_sites(carry, part) for name, carry in self._saved.items()}
        carries = {name: model.initial_carry(inputs.sites) for name, model in self.models.items()}
        if self.first == 0:
            return carries
        before = times(inputs, slice(0, self.first))
        return {name: run(model, before, self.outputs, carries[name])[1] for name, model in self.models.items()}

    @cached_property
    def _saved(self) -> Carries | None:
        if self.state is None:
            return None
        sites = len(self.basins)
        return read_state(self.state, {name: model.initial_carry(sites) for name, model in self.models.items()})

    def simulated(self, part: slice = EVERY) -> tuple[xr.Dataset, Carries]:
        """Some of the basins: the mean over the seeds and their spread, labelled, and the carries after the last day.

        Models in continuous time come with `solver_failure`, and that in `words`.
        """
        inputs = self.inputs(part)
        wanted, carries = times(inputs, slice(self.first, self.last)), self.start(inputs, part)
        results = {name: run(model, wanted, self.outputs, carries[name]) for name, model in self.models.items()}
        mean, spread = ensemble([series for series, _ in results.values()])
        like = self.dataset.isel(basin=part, time=slice(self.first, self.last))
        spread = {name: values for name, values in spread.items() if name not in self.model.diagnostics}
        labelled = label(mean, like, self.model.variables).assign(label(spread, like, self.model.variables, "_spread"))
        for name in self.model.diagnostics:
            physics = getattr(self.model, "physics", self.model)
            labelled[name].attrs["words"] = unsolved(physics, mean[name], self.basins[part]) or ""
        return labelled, {name: carry for name, (_, carry) in results.items()}


def applied(
    folder: str | Path,
    *,
    file: str | Path | None = None,
    start: str | None = None,
    end: str | None = None,
    state: str | Path | None = None,
) -> Application:
    """A run's models beside checked data; the arguments are those of `apply`, as are the errors."""
    config = config_of(folder)
    needed = config.recipe.needed_forcings
    dataset = _dataset(config, file)
    if state is not None:
        start = _continued(state, folder, [str(basin) for basin in dataset["basin"].values], start)
    record = dataset["time"].values.astype("datetime64[D]")
    period = days((start or str(record[0]), end or str(record[-1])))
    given = str(period[0]), str(period[1])
    check_inputs(dataset, config, given)
    dataset = after_gaps(dataset, needed, given[0])
    first, last = np.searchsorted(dataset["time"].values, [period[0], period[1] + np.timedelta64(1, "D")])
    return Application(Path(folder), config, dataset, int(first), int(last), None if state is None else Path(state))


def _continued(state: str | Path, folder: str | Path, basins: list[str], start: str | None) -> str:
    day = next_day(state, folder, basins)
    if start is not None and start != day:
        raise DgeoError(f"The state {state} continues on {day}, but --start is {start}; start on that day.")
    return day


def _dataset(config: Config, file: str | Path | None) -> xr.Dataset:
    if file is None:
        return load_dataset(config.data)
    if Path(file).suffix == ".zarr":
        stored = {"source": "zarr", "file": file, "basins": None, "climate_years": None, "random_attributes": None}
        return load_dataset(DataConfig(**config.data.model_dump() | stored | {"also_observed": {}}))
    found = data.read_netcdf(file)
    present = {str(name) for name in (*found.variables, *found.dims)}
    rename = {old: new for old, new in config.data.rename.items() if old in present}
    changed = config.data.model_dump() | {"source": "netcdf", "file": file, "basins": None, "rename": rename}
    if PET in {*present, *rename.values()}:
        changed["potential_evapotranspiration"] = "given"
    return load_dataset(DataConfig(**changed))
