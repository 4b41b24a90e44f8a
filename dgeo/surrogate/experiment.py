"""The whole way: run a black box, emulate it, learn parameters through the emulator, run the black box with them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from dgeo import data
from dgeo.errors import DgeoError
from dgeo.hybrid import Hybrid, save
from dgeo.models import Model
from dgeo.surrogate.black_box import BlackBox, Series, named
from dgeo.surrogate.config import SurrogateConfig
from dgeo.surrogate.emulator import Emulation, emulate
from dgeo.surrogate.learn import Learning, inputs_of, learn_parameters, learned_parameters
from dgeo.surrogate.runs import Runs, run_batches, sample_runs
from dgeo.surrogate.twin import Twin, make_twin
from dgeo.training import load_dataset, run
from dgeo.training.arrays import day_mask
from dgeo.training.progress import Watch


@dataclass(frozen=True)
class Tested:
    """Learned parameters [basin] at the tested basins, and the runoff [time, basin] of the test years that they give.

    `through` is from the model they were learned through, `black_box` from the black box itself.
    """

    parameters: Series
    through: np.ndarray
    black_box: Series
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """All that an experiment found: what `summary` and the figure are made of."""

    black_box: BlackBox
    config: SurrogateConfig
    held_out: Runs
    emulation: Emulation
    learning: Learning
    tested: Tested
    equations: tuple[Learning, Tested] | None
    default: Series
    observed: np.ndarray
    twin: Twin | None
    sampling: tuple[int, float]


class Experiment:
    """One config, its data and its folder."""

    def __init__(self, config: SurrogateConfig, folder: Path, watch: Watch = lambda row: None) -> None:
        """Read the data, and make the truth if the config asks for it; meets bad data at the door."""
        self.config, self.folder, self.watch = config, folder, watch
        self.black_box = named(config.black_box)
        dataset = load_dataset(config.data)
        self.twin: Twin | None = None
        if config.twin is not None:
            given = (config.learning.attributes, config.twin.noise, config.twin.scatter, config.seed)
            self.twin = make_twin(self.black_box, dataset, *given)
            dataset = self.twin.dataset
        self._check(dataset)
        self.dataset = dataset
        basins = [str(basin) for basin in dataset["basin"].values]
        self.seen = basins[: len(basins) - config.split.unseen]
        self.tested = basins[len(self.seen) :] or basins
        self.statistics = data.statistics(dataset, config.learning.attributes, self.seen, config.split.train)
        self.fingerprint = hashlib.sha256((config.model_dump_json() + data.fingerprint(dataset)).encode()).hexdigest()

    def _check(self, dataset: xr.Dataset) -> None:
        forcings, attributes = tuple(self.black_box.interface.forcings), self.config.learning.attributes
        targets = tuple(self.config.learning.training.targets)
        for period in (self.config.split.train, self.config.split.test):
            data.check(dataset, forcings, attributes, period, targets, allow_missing_attributes=True)
        if self.config.split.unseen + 2 > dataset.sizes["basin"]:
            raise DgeoError(
                f"The split leaves {self.config.split.unseen} of {dataset.sizes['basin']} basins unseen, so fewer than "
                "two are left to train on; lower `split.unseen`."
            )

    def run(self) -> Outcome:
        """All stages, in order."""
        runs, held_out = self._sample()
        config = self.config.emulator
        checkpoint = self.folder / "checkpoints" / "emulator.safetensors"
        emulation = emulate(
            self.black_box.interface, runs, held_out, checkpoint, width=config.width, training=config.training,
            seed=self.config.seed, fingerprint=self.fingerprint, watch=self.watch,
        )  # fmt: skip
        learning = self._learn(emulation.model, "through_emulator")
        twin_model = self.black_box.differentiable
        equations = None
        if self.config.through_equations and twin_model is not None:
            found = self._learn(twin_model, "through_equations")
            equations = found, self._test(found.model)
        return Outcome(
            self.black_box, self.config, held_out, emulation, learning, self._test(learning.model), equations,
            self._default(), self._test_days("streamflow"), self.twin, (runs.count, runs.seconds),
        )  # fmt: skip

    def _sample(self) -> tuple[Runs, Runs]:
        """Runs on the forcings of training basins and years; the held-out runs have basins of their own."""
        training = data.select(self.dataset, self.seen, self.config.split.train)
        forcing = {name: training[name].values for name in self.black_box.interface.forcings}
        aside = np.arange(len(self.seen)) % 5 == 4 if len(self.seen) >= 5 else np.arange(len(self.seen)) == 0
        wanted = self.config.runs
        runs, held_out = (
            sample_runs(
                self.black_box, {name: values[:, chosen] for name, values in forcing.items()}, count, wanted.days,
                self.config.seed + part, batch=wanted.batch, watch=self.watch,
            )
            for part, (chosen, count) in enumerate(((~aside, wanted.count), (aside, wanted.held_out)))
        )  # fmt: skip
        return runs, held_out

    def _learn(self, physics: Model, name: str) -> Learning:
        learning = learn_parameters(
            physics, data.select(self.dataset, self.seen), self.config.split.train, self.statistics,
            self.config.learning, self.folder / "checkpoints" / f"{name}.safetensors", seed=self.config.seed,
            fingerprint=self.fingerprint, watch=self.watch,
        )  # fmt: skip
        save(self.folder / "models" / f"{name}.safetensors", learning.model)
        return learning

    def _until_test(self) -> xr.Dataset:
        """The tested basins from the first day of the record to the last of the test: the years before are spin-up."""
        return data.select(self.dataset, self.tested).sel(time=slice(None, self.config.split.test[1]))

    def _test_days(self, name: str) -> np.ndarray:
        dataset = self._until_test()
        return np.asarray(dataset[name].values[day_mask(dataset, self.config.split.test)])

    def _test(self, model: Hybrid) -> Tested:
        dataset = self._until_test()
        inputs = inputs_of(dataset, tuple(model.physics.forcings), self.config.learning.attributes)
        days = day_mask(dataset, self.config.split.test)
        parameters = learned_parameters(model, inputs)
        series, _ = run(model, inputs, ("streamflow",))
        outputs, seconds = self._black_box(parameters)
        return Tested(parameters, series["streamflow"][days], outputs, seconds)

    def _black_box(self, parameters: Series) -> tuple[Series, float]:
        dataset = self._until_test()
        forcing = {name: dataset[name].values for name in self.black_box.interface.forcings}
        outputs, seconds = run_batches(self.black_box, forcing, parameters, batch=self.config.runs.batch)
        days = day_mask(dataset, self.config.split.test)
        return {name: values[days] for name, values in outputs.items()}, seconds

    def _default(self) -> Series:
        """The black box with its default parameters: what there is without learning."""
        parameters = self.black_box.interface.parameters
        return self._black_box({n: np.full(len(self.tested), p.default) for n, p in parameters.items()})[0]
