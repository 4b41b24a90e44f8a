"""One run in its folder: its data as arrays, and what is to be trained on them."""

import hashlib
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import xarray as xr

from dgeo import data
from dgeo.hybrid import Inputs, Simulator, save
from dgeo.metrics import nse
from dgeo.training.arrays import day_mask
from dgeo.training.config import Config
from dgeo.training.fit import Fitted
from dgeo.training.fresh import at_some, fresh
from dgeo.training.optimiser import numbers_of
from dgeo.training.prepare import checked, in_years, training_basins, training_statistics
from dgeo.training.processes import is_first
from dgeo.training.progress import Member, Row, Task, Validate
from dgeo.training.records import describe_data, environment, fingerprint_of, write_csv, write_json
from dgeo.training.series import Held, Material, Resident, series_of
from dgeo.training.simulation import run, times


class Session:
    """The phases of one run. Runs on the same data hold their inputs once, in `held`."""

    def __init__(self, config: Config, folder: Path, dataset: xr.Dataset, held: Held) -> None:
        """Check the data, and write what they are."""
        self.config, self.folder = config, folder
        self.dataset = in_years(checked(dataset, config), config, "train")
        self.basins = training_basins(self.dataset, config)
        self.statistics = training_statistics(self.dataset, config)
        self.history: dict[tuple[str, int], list[Row]] = {}
        self.series = series_of(config, self.dataset, held)
        self.start = cache(self._fresh)
        self.material = cache(self._material)
        if is_first():
            write_json(folder / "environment.json", environment())
            write_json(folder / "data.json", describe_data(self.dataset, config.data.known_root()))

    @cached_property
    def structure(self) -> str:
        """What must be the same in members of one program."""
        training = self.config.training.model_dump(mode="json", exclude={"seeds", "start_from"})
        optimiser = self.config.training.optimiser
        training["optimiser"] = (optimiser.name, optimiser.schedule, sorted(numbers_of(optimiser)))
        sizes = (self.dataset.sizes["time"], self.dataset.sizes["basin"], len(self.basins))
        return repr((self.config.model.model_dump(mode="json"), training, sizes, type(self.series)))

    @cached_property
    def fingerprint(self) -> str:
        """Of the config, the data, and the model that the run starts from, if any."""
        start = self.config.training.start_from
        origin = "" if start is None else fingerprint_of(start)
        return hashlib.sha256(
            (self.config.model_dump_json() + data.fingerprint(self.dataset) + origin).encode()
        ).hexdigest()

    def untrained(self) -> dict[int, Simulator]:
        """A run that has nothing to train has no history and no models."""
        if is_first():
            write_csv(self.folder / "history.csv", [])
        return {}

    @property
    def selects(self) -> bool:
        """Whether the number of steps is chosen on validation years, for a refit on all."""
        return self.config.split.validation is not None and self.config.training.refit

    def selection(self) -> Member:
        """The first seed, which chooses the number of steps."""
        return self._member("select", self.config.training.seeds[0], self.config.training.steps, validating=True)

    def final(self, seed: int, steps: int) -> Member:
        """The model of a seed, on all years of the training; without a refit, the best validated one."""
        validating = self.config.split.validation is not None and not self.config.training.refit
        return self._member("train" if validating else "refit", seed, steps, validating)

    def keep(self, member: Member, fitted: Fitted) -> None:
        """Write the model of a seed."""
        notes = {"seed": member.task.seed, "basins": self.basins}
        save(self.folder / "models" / f"seed_{member.task.seed}.safetensors", fitted.model, self.config.recipe, notes)

    def inputs(self, days: slice) -> Inputs:
        """Forcings and attributes of the training basins on some days."""
        assert isinstance(self.series, Resident)
        return at_some(times(self.series.inputs, days), np.flatnonzero(self.trained))

    def record(self, task: Task, rows: list[Row]) -> None:
        """Keep the history of a phase beside those of the others."""
        self.history[task.phase, task.seed] = rows
        write_csv(self.folder / "history.csv", [row for part in self.history.values() for row in part])

    def _member(self, phase: str, seed: int, steps: int, validating: bool) -> Member:
        source, sampler, read = self.material(validating)
        checkpoint = self.folder / "checkpoints" / f"{phase}_seed_{seed}.safetensors"
        task = Task(phase, seed, steps, checkpoint, self.fingerprint)
        return Member(
            self.start(seed),
            source,
            sampler,
            task,
            self._validation() if validating else None,
            ([str(basin) for basin in self.dataset["basin"].values], self.dataset["time"].values),
            lambda rows: self.record(task, rows),
            numbers_of(self.config.training.optimiser),
            read,
        )

    @cached_property
    def trained(self) -> np.ndarray:
        """Which basins are trained on."""
        return np.isin(self.dataset["basin"].values.astype(str), self.basins)

    def _material(self, validating: bool) -> Material:
        """What training may see: no target of the days and basins that are kept for later."""
        split = self.config.split
        return self.series.material(
            day_mask(self.dataset, split.train, split.validation if validating else None), self.trained
        )

    def _fresh(self, seed: int) -> Simulator:
        inputs = self.series.sample(np.flatnonzero(self.trained))
        return fresh(self.config, self.statistics, seed, inputs, self.basins)

    def _validation(self) -> Validate:
        """The median NSE of the first target over the validation years, after a spin-up on forcings alone."""
        assert self.config.split.validation is not None
        days = np.flatnonzero(day_mask(self.dataset, self.config.split.validation))
        first, last = max(int(days[0]) - self.config.training.spin_up, 0), int(days[-1]) + 1
        blocks = self.series.blocks(np.flatnonzero(self.trained), slice(first, last))
        target = next(iter(self.config.training.targets))
        record = self.dataset[target].isel(time=days)

        def score(model: Simulator, sites: np.ndarray, inputs: Inputs) -> np.ndarray:
            simulated, _ = run(model, inputs, (target,))
            return nse(simulated[target][-len(days) :], record.isel(basin=sites).values)

        def validate(model: Simulator) -> float:
            return float(np.nanmedian(np.concatenate([score(model, *block) for block in blocks])))

        return validate
