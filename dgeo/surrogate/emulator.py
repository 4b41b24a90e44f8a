"""Training an emulator on runs of a black box, its skill on runs it never saw, and its file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.errors import DgeoError
from dgeo.hybrid import FixedValues, Hybrid, Inputs, Learned
from dgeo.metrics import nse
from dgeo.models import Parameter, Variable
from dgeo.models.surrogate import Interface, Surrogate, surrogate
from dgeo.numerics import Bounds, read_metadata, read_tree, write_tree
from dgeo.surrogate.runs import Runs
from dgeo.training import Arrays, Member, Sampler, Task, fit, run, trainer_of
from dgeo.training.config import TargetConfig, TrainingConfig
from dgeo.training.progress import Watch
from dgeo.training.step import objective


@dataclass(frozen=True)
class Emulation:
    """The emulator, the seconds its training took, and its NSE on every held-out run, by output."""

    model: Surrogate
    seconds: float
    skill: dict[str, np.ndarray]


def emulate(
    interface: Interface,
    runs: Runs,
    held_out: Runs,
    checkpoint: Path,
    *,
    width: int = 64,
    training: TrainingConfig | None = None,
    seed: int = 0,
    fingerprint: str = "",
    watch: Watch = lambda row: None,
) -> Emulation:
    """Train an emulator on windows of the runs, with the loss of each output's NSE; score it on the held-out runs.

    `training` says how long and on what windows (its targets are ignored: they are the outputs). `checkpoint` is a
    file to resume from, if it is there, and to leave behind; `fingerprint` says what it belongs to.
    """
    training = (TrainingConfig() if training is None else training).model_copy(
        update={"targets": {name: TargetConfig() for name in interface.outputs}}
    )
    statistics = {name: (float(x.mean()), float(x.std()) or 1.0) for name, x in runs.forcing.items()}
    sizes = {name: float(x.std()) or 1.0 for name, x in runs.outputs.items()}
    fresh = surrogate(interface, statistics, sizes, width=width, key=jax.random.key(seed))
    hybrid = at_parameters(fresh, runs.parameters)
    trainer = trainer_of(hybrid, training)
    seen = np.ones((len(next(iter(runs.forcing.values()))), runs.count), bool)
    sampler = Sampler.create(seen, training.warmup, training.window)
    task = Task("emulator", seed, training.steps, checkpoint, fingerprint)
    member = Member(hybrid, _arrays(runs, training), sampler, task)
    (fitted,) = fit(trainer, [member], watch)
    assert isinstance(fitted.model, Hybrid)
    trained: Any = fitted.model.physics
    return Emulation(trained, fitted.progress.seconds, emulator_skill(trained, held_out, training.warmup))


def emulator_skill(model: Surrogate, runs: Runs, warmup: int) -> dict[str, np.ndarray]:
    """NSE of every output in every run [run], the first `warmup` steps left out."""
    simulated = emulator_outputs(model, runs)
    return {name: nse(simulated[name][warmup:], runs.outputs[name][warmup:]) for name in runs.outputs}


def emulator_outputs(model: Surrogate, runs: Runs) -> dict[str, np.ndarray]:
    """What the emulator gives at the forcings and parameters of some runs, [time, run] by name."""
    return run(at_parameters(model, runs.parameters), _inputs(runs), tuple(runs.outputs))[0]


def at_parameters(model: Surrogate, parameters: Mapping[str, np.ndarray]) -> Hybrid:
    """The emulator with known parameters, a row for each run."""
    known = {name: jnp.asarray(value, jnp.float32) for name, value in parameters.items()}
    return Hybrid(model, Learned((), model.all_parameters, 1, FixedValues(known)))


def _inputs(runs: Runs) -> Inputs:
    forcing = {name: jnp.asarray(series, jnp.float32) for name, series in runs.forcing.items()}
    return Inputs(forcing, {}, jnp.arange(runs.count))


def _arrays(runs: Runs, training: TrainingConfig) -> Arrays:
    outputs = {name: jnp.asarray(series, jnp.float32) for name, series in runs.outputs.items()}
    return Arrays(_inputs(runs), outputs, objective(training.targets).scale(outputs))


def save_emulator(path: str | Path, model: Surrogate) -> None:
    """Write an emulator as one portable file of numbers and names, from which `load_emulator` builds it again."""
    described = {group: {n: asdict(v) for n, v in members.items()} for group, members in vars(model.interface).items()}
    write_tree(path, model, {"dgeo_emulator": 1, "interface": described, "width": model.network.width})


def load_emulator(path: str | Path) -> Surrogate:
    """Read an emulator, its weights free to train; raises `DgeoError` for a file that is missing or of another kind."""
    metadata = read_metadata(path)
    if metadata.get("dgeo_emulator") != 1:
        raise DgeoError(f"{path} is no file of an emulator; give the emulator.safetensors of a surrogate's folder.")
    interface = _interface(metadata["interface"])
    statistics = dict.fromkeys(interface.forcings, (0.0, 1.0))
    sizes = {name: variable.scale for name, variable in interface.outputs.items()}
    like = surrogate(interface, statistics, sizes, width=metadata["width"], key=jax.random.key(0))
    return read_tree(path, like)[0]


def _interface(described: dict[str, Any]) -> Interface:
    parameters = {
        name: Parameter(**{**parts, "bounds": Bounds(**parts["bounds"])})
        for name, parts in described["parameters"].items()
    }
    forcings, outputs = (
        {name: Variable(**parts) for name, parts in described[group].items()} for group in ("forcings", "outputs")
    )
    return Interface(forcings, parameters, outputs)
