"""A whole training run in a folder: choose the number of steps on validation years, refit, keep one model a seed."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import jax
import xarray as xr
import yaml

from dgeo.errors import DgeoError
from dgeo.hybrid import Simulator
from dgeo.hybrid.yaml_text import load_yaml
from dgeo.numerics import left_behind
from dgeo.training.config import Config, read_config, write_config
from dgeo.training.evolution import evolve
from dgeo.training.fit import Fitted, fit
from dgeo.training.lock import locked
from dgeo.training.prepare import load_dataset
from dgeo.training.processes import company, is_first
from dgeo.training.progress import Member, Watch
from dgeo.training.reference import ReferenceRecipe
from dgeo.training.series import Held
from dgeo.training.session import Session
from dgeo.training.step import Trainer, trainer_of

_SEED = re.compile(r"seed_([0-9]{1,10})\.safetensors")


def open_run(config: Config, folder: Path, resume: bool) -> None:
    """Make the run folder, or check that it is the one to resume; one without a checkpoint has nothing to lose.

    Raises `DgeoError` where the folder holds another run, or cannot be written. Only who holds the folder may write
    into it (`begin_run`).
    """
    recorded = folder / "config.yaml"
    begun = recorded.exists() and any((folder / "checkpoints").glob("*.safetensors"))
    if begun and not resume:
        raise DgeoError(f"{folder} already holds a run; continue it with --resume, or choose another --out.")
    if begun and read_config(recorded) != config:
        raise DgeoError(
            f"{folder} was begun with another config; restore it (see {recorded}), or choose another --out."
        )
    if not is_first():
        return
    try:
        for name in ("checkpoints", "models"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DgeoError(f"The run folder {folder} cannot be written ({reason}); choose another --out.") from error


def begin_run(config: Config, folder: Path) -> None:
    """Record the config of a folder that is held, and clear away what a killed process was about to write."""
    if not is_first():
        return
    for place in (folder, folder / "checkpoints", folder / "models"):
        for path in left_behind(place):
            path.unlink(missing_ok=True)
    write_config(folder / "config.yaml", config)


def train(
    config: Config,
    folder: str | Path,
    *,
    resume: bool = False,
    dataset: xr.Dataset | None = None,
    watch: Watch = lambda row: None,
) -> dict[int, Simulator]:
    """Train every seed of a config in `folder`; returns the models, which are also in `folder/models`.

    `dataset` spares reading it again. `watch` is told of every call of the compiled training step.
    """
    return train_runs({Path(folder): config}, resume=resume, dataset=dataset, watch=watch)[Path(folder)]


def train_runs(
    configs: Mapping[Path, Config],
    *,
    resume: bool = False,
    dataset: xr.Dataset | None = None,
    watch: Watch = lambda row: None,
) -> dict[Path, dict[int, Simulator]]:
    """Train several runs on the same data, each in its folder as `train` would: folds, learning rates, structures.

    Where `training.together` says so, all seeds of all runs that differ in seeds, splits and numbers of the optimiser
    alone train as one program. Raises `DgeoError` where the configs name different data, or another process trains in
    one of the folders.
    """
    given = next(iter(configs.values())).data
    for folder, config in configs.items():
        if config.data != given:
            raise DgeoError(f"{folder} is to be trained on other data than the runs beside it; train it by itself.")
    for folder, config in configs.items():
        open_run(config, folder, resume)
    with locked(configs):
        for folder, config in configs.items():
            begin_run(config, folder)
        return _train(configs, load_dataset(given) if dataset is None else dataset, watch)


def _train(configs: Mapping[Path, Config], dataset: xr.Dataset, watch: Watch) -> dict[Path, dict[int, Simulator]]:
    models: dict[Path, dict[int, Simulator]] = {}
    held: Held = {}
    families = defaultdict(list)
    for folder, config in configs.items():
        session = Session(config, folder, dataset, held)
        if isinstance(config.model, ReferenceRecipe):
            models[folder] = session.untrained()
        elif config.training.evolution is not None:
            models[folder] = dict(evolve(session, config.training.evolution, watch))
        else:
            families[session.structure].append(session)
    with company():
        for sessions in families.values():
            models |= _Family(sessions, watch).train()
    return {folder: models[folder] for folder in configs}


class _Family:
    """Runs of one structure, which share the compiled training call."""

    def __init__(self, sessions: Sequence[Session], watch: Watch) -> None:
        self.sessions, self.watch = sessions, watch
        self.training = sessions[0].config.training
        self.trainers: dict[int, Trainer] = {}

    def train(self) -> dict[Path, dict[int, Simulator]]:
        """Choose the steps of every run, then train all its seeds."""
        selecting = [session for session in self.sessions if session.selects]
        selected = self._fit([(session, session.selection()) for session in selecting])
        steps = {s.folder: f.progress.best_step for s, f in zip(selecting, selected, strict=True)}
        whole = self.training.steps
        last = [
            (s, s.final(seed, steps.get(s.folder, whole))) for s in self.sessions for seed in s.config.training.seeds
        ]
        models: dict[Path, dict[int, Simulator]] = {session.folder: {} for session in self.sessions}
        for (session, member), fitted in zip(last, self._fit(last), strict=True):
            models[session.folder][member.task.seed] = fitted.model
        return models

    def _fit(self, pairs: Sequence[tuple[Session, Member]]) -> list[Fitted]:
        together = jax.default_backend() != "cpu" if self.training.together is None else self.training.together
        size = max(len(pairs), 1) if together else 1
        return [f for i in range(0, len(pairs), size) for f in self._fit_group(pairs[i : i + size])]

    def _fit_group(self, pairs: Sequence[tuple[Session, Member]]) -> list[Fitted]:
        if len(pairs) not in self.trainers:
            self.trainers[len(pairs)] = trainer_of(pairs[0][1].model, self.training, len(pairs))
        fitted = fit(self.trainers[len(pairs)], [member for _, member in pairs], self.watch)
        for (session, member), one in zip(pairs, fitted, strict=True):
            if is_first():
                session.record(member.task, one.progress.history)
                if member.task.phase != "select":
                    session.keep(member, one)
        return fitted


def variations(path: str | Path, folder: Path, changes: Sequence[str], varied: Sequence[str]) -> dict[Path, Config]:
    """The configs of all combinations of `key.sub=[value, value]`, each with a run folder of its own in `folder`."""
    axes = []
    for change in varied:
        key, _, text = change.partition("=")
        values = _yaml_of(change, text) if text else None
        if not isinstance(values, list) or not values:
            raise DgeoError(f"--vary {change!r} gives no list of values; write --vary section.key=[value, value].")
        axes.append([(key, value) for value in values])
    runs = {}
    for chosen in product(*axes):
        name = ",".join(f"{key.rpartition('.')[2]}={_short(value)}" for key, value in chosen)
        changed = [f"{key}={json.dumps(value)}" for key, value in chosen]
        if folder / name in runs:
            raise DgeoError(f"--vary makes two runs of the name {name}; give files of one name a folder each by hand.")
        runs[folder / name] = read_config(path, [*changes, *changed])
    return runs


def _yaml_of(change: str, text: str) -> Any:
    try:
        return load_yaml(text)
    except yaml.YAMLError as error:
        raise DgeoError(f"--vary {change!r}: {text!r} is no YAML value; quote it.") from error


def _short(value: Any) -> str:
    """The value as a part of a folder's name, which leads nowhere else."""
    text = Path(value).stem if isinstance(value, str) else str(value)
    return text.replace("/", "_").replace("\\", "_").replace("\0", "_")[:100]


def seeds_of(folder: str | Path) -> Sequence[tuple[int, Path]]:
    """The seeds of a run that have a finished model, and its file; raises `DgeoError` where there is none."""
    paths = (Path(folder) / "models").glob("seed_*.safetensors")
    numbered = ((_SEED.fullmatch(path.name), path) for path in paths)
    found = sorted((int(match[1]), path) for match, path in numbered if match)
    if not found:
        raise DgeoError(
            f"{folder} holds no trained model; finish the run with `dgeo train CONFIG --out {folder} --resume`."
        )
    return found


def config_of(folder: str | Path) -> Config:
    """The config of a run folder."""
    if not (Path(folder) / "config.yaml").is_file():
        raise DgeoError(f"{folder} is no run folder: it holds no config.yaml; check the path.")
    return read_config(Path(folder) / "config.yaml")
