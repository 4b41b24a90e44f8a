"""A whole training run in a folder: choose the number of steps on validation years, refit, keep one model a seed."""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from dgeo import data
from dgeo.errors import DgeoError
from dgeo.hybrid import Hybrid, save
from dgeo.metrics import nse
from dgeo.training.arrays import Arrays, day_mask, to_arrays
from dgeo.training.config import Config, read_config, write_config
from dgeo.training.fit import Fitted, Row, Task, Watch, fit
from dgeo.training.fresh import fresh
from dgeo.training.optimiser import build_optimiser
from dgeo.training.prepare import checked, load_dataset, training_basins, training_statistics
from dgeo.training.records import describe_data, environment, write_csv, write_json
from dgeo.training.sampler import Sampler
from dgeo.training.simulation import run, times
from dgeo.training.step import Trainer, objective


def open_run(config: Config, folder: Path, resume: bool) -> None:
    """Make the run folder, or check that it is the one to resume; one without a checkpoint has nothing to lose.

    Raises `DgeoError` where the folder holds another run, or cannot be written.
    """
    recorded = folder / "config.yaml"
    begun = recorded.exists() and any((folder / "checkpoints").glob("*.safetensors"))
    if begun and not resume:
        raise DgeoError(f"{folder} already holds a run; continue it with --resume, or choose another --out.")
    if begun and read_config(recorded) != config:
        raise DgeoError(
            f"{folder} was begun with another config; restore it (see {recorded}), or choose another --out."
        )
    try:
        for name in ("checkpoints", "models"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        write_config(recorded, config)
    except OSError as error:
        raise DgeoError(
            f"The run folder {folder} cannot be written ({error.strerror}); choose another --out."
        ) from error


def train(
    config: Config,
    folder: str | Path,
    *,
    resume: bool = False,
    dataset: xr.Dataset | None = None,
    watch: Watch = lambda row: None,
) -> dict[int, Hybrid]:
    """Train every seed of a config in `folder`; returns the models, which are also in `folder/models`.

    `dataset` spares reading it again. `watch` is told of every call of the compiled training step.
    """
    folder = Path(folder)
    open_run(config, folder, resume)
    dataset = load_dataset(config.data) if dataset is None else dataset
    dataset = checked(dataset, config)
    write_json(folder / "environment.json", environment())
    write_json(folder / "data.json", describe_data(dataset, config.data.known_root()))
    session = _Session(config, folder, dataset, watch)
    steps = session.choose_steps()
    models = {}
    for seed in config.training.seeds:
        models[seed] = session.fit_seed(seed, steps).model
        notes = {"seed": seed, "basins": session.basins}
        save(folder / "models" / f"seed_{seed}.safetensors", models[seed], config.model, notes)
    return models


class _Session:
    """What the phases of one run share: arrays, names, statistics, one compiled training call."""

    def __init__(self, config: Config, folder: Path, dataset: xr.Dataset, watch: Watch) -> None:
        self.config, self.folder, self.watch = config, folder, watch
        self.basins = training_basins(dataset, config)
        self.statistics = training_statistics(dataset, config)
        self.training_set = data.select(dataset, self.basins)
        self.rows: list[Row] = []
        self.fingerprint = hashlib.sha256(
            (config.model_dump_json() + data.fingerprint(self.training_set) + self._origin()).encode()
        ).hexdigest()
        optimiser = build_optimiser(config.training.optimiser, config.training.steps)
        self.start = cache(self._fresh)
        self.trainer = Trainer(self.start(config.training.seeds[0]), optimiser, config.training)

    def choose_steps(self) -> int:
        """The step of the best validation score of the first seed, where the config asks for a refit."""
        config = self.config
        if config.split.validation is None or not config.training.refit:
            return config.training.steps
        return self._fit("select", config.training.seeds[0], config.training.steps, validating=True).progress.best_step

    def fit_seed(self, seed: int, steps: int) -> Fitted:
        """The final model of a seed."""
        validating = self.config.split.validation is not None and not self.config.training.refit
        return self._fit("train" if validating else "refit", seed, steps, validating)

    def _fit(self, phase: str, seed: int, steps: int, validating: bool) -> Fitted:
        arrays, sampler = self._arrays(validating)
        checkpoint = self.folder / "checkpoints" / f"{phase}_seed_{seed}.safetensors"
        task = Task(phase, seed, steps, checkpoint, self.fingerprint)
        names = (self.basins, self.training_set["time"].values)
        validate = self._validation(arrays) if validating else None
        weights = self.trainer.weights_of(self.start(seed))
        fitted = fit(
            self.trainer,
            weights,
            arrays,
            sampler,
            task,
            validate=validate,
            names=names,
            watch=self._watch(steps),
            keep=lambda rows: write_csv(self.folder / "history.csv", [*self.rows, *rows]),
        )
        self.rows += fitted.progress.history
        write_csv(self.folder / "history.csv", self.rows)
        return fitted

    def _origin(self) -> str:
        """What tells the model that this run starts from, if any."""
        start = self.config.training.start_from
        return "" if start is None else hashlib.sha256(start.read_bytes()).hexdigest()

    def _fresh(self, seed: int) -> Hybrid:
        return fresh(self.config, self.statistics, seed, self._arrays(validating=False)[0], self.basins)

    def _watch(self, steps: int) -> Watch:
        return lambda row: self.watch({**row, "steps": steps})

    def _arrays(self, validating: bool) -> tuple[Arrays, Sampler]:
        config = self.config
        without = config.split.validation if validating else None
        seen = day_mask(self.training_set, config.split.train, without)
        targets = config.training.targets
        names = (config.model.needed_forcings, config.model.needed_attributes)
        arrays = to_arrays(self.training_set, *names, tuple(targets), objective(targets), seen)
        observed = np.any([np.isfinite(np.asarray(value)) for value in arrays.targets.values()], axis=0)
        return arrays, Sampler.create(observed, config.training.warmup, config.training.window)

    def _validation(self, arrays: Arrays) -> Callable[[Hybrid], float]:
        """The median NSE of the first target over the validation years, after a spin-up on forcings alone."""
        assert self.config.split.validation is not None
        days = np.flatnonzero(day_mask(self.training_set, self.config.split.validation))
        first = max(int(days[0]) - self.config.training.spin_up, 0)
        inputs = times(arrays.inputs, slice(first, int(days[-1]) + 1))
        target = next(iter(self.config.training.targets))
        observed = self.training_set[target].values[days]

        def validate(model: Hybrid) -> float:
            simulated, _ = run(model, inputs, (target,))
            return float(np.nanmedian(nse(simulated[target][-len(days) :], observed)))

        return validate


def seeds_of(folder: str | Path) -> Sequence[tuple[int, Path]]:
    """The seeds of a run that have a finished model, and its file; raises `DgeoError` where there is none."""
    found = sorted((int(p.stem.removeprefix("seed_")), p) for p in (Path(folder) / "models").glob("seed_*.safetensors"))
    if not found:
        raise DgeoError(
            f"{folder} holds no trained model; finish the run with `dgeo train CONFIG --out {folder} --resume`."
        )
    return found


def config_of(folder: str | Path) -> Config:
    """The config of a run folder."""
    if not (Path(folder) / "config.yaml").exists():
        raise DgeoError(f"{folder} is no run folder: it holds no config.yaml; check the path.")
    return read_config(Path(folder) / "config.yaml")
