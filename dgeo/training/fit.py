"""The training loop: calls of many steps, validation, early stopping, checkpoints that resume bit for bit."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from dgeo.errors import DgeoError
from dgeo.hybrid import Hybrid
from dgeo.numerics import read_tree, write_tree
from dgeo.training.arrays import Arrays
from dgeo.training.diagnosis import blame
from dgeo.training.sampler import Sampler
from dgeo.training.step import Record, Trainer, TrainState

Row = dict[str, Any]
Validate = Callable[[Hybrid], float]
Watch = Callable[[Row], None]


@dataclass(frozen=True)
class Progress:
    """How far a phase of training has come: what a checkpoint holds besides the arrays."""

    history: list[Row] = field(default_factory=list)
    best_step: int = 0
    best_score: float = -np.inf
    stale: int = 0
    seconds: float = 0.0
    finished: bool = False


class Snapshot(NamedTuple):
    """Where a phase stands after a call. Replaced as a whole, so that an interruption never finds half of one."""

    state: TrainState
    best: Any
    progress: Progress


@dataclass(frozen=True)
class Task:
    """One phase of training for one seed."""

    phase: str
    seed: int
    steps: int
    checkpoint: Path
    fingerprint: str


@dataclass(frozen=True)
class Fitted:
    """The model of the best validated step (the last step, without validation), and how it came about."""

    model: Hybrid
    progress: Progress


def fit(
    trainer: Trainer,
    weights: Any,
    arrays: Arrays,
    sampler: Sampler,
    task: Task,
    *,
    validate: Validate | None = None,
    names: tuple[list[str], np.ndarray] | None = None,
    watch: Watch = lambda row: None,
    keep: Callable[[list[Row]], None] = lambda rows: None,
) -> Fitted:
    """Train from `weights`, or from the task's checkpoint, to its last step or until validation stops improving.

    `watch` is told of every call, `keep` of the whole history whenever a checkpoint is written.

    `names` are basin ids and dates, for the sentence that reports a NaN. An interruption (Ctrl-C) writes a
    checkpoint and raises `DgeoError`; so does a loss or gradient that is not finite, which names step and basin and
    leaves the last sound checkpoint as it was.
    """
    replicated = trainer.devices.replicated
    phase = _Phase(trainer, replicated(arrays), replicated(sampler), task, validate, names)
    now = _resume(trainer.start(weights), task, trainer.devices.count)
    now = Snapshot(replicated(now.state), replicated(now.best), now.progress)
    try:
        while not now.progress.finished:
            now = phase.advance(now)
            watch(now.progress.history[-1])
            if now.progress.finished or int(now.state.step) % trainer.config.checkpoint_every == 0:
                _save(task, now)
                keep(now.progress.history)
    except KeyboardInterrupt:
        _save(task, now)
        keep(now.progress.history)
        raise DgeoError(
            f"Interrupted at step {int(now.state.step)} of {task.steps} ({task.phase}, seed {task.seed}); nothing is "
            "lost: continue with --resume."
        ) from None
    chosen = now.state.weights if validate is None else now.best
    return Fitted(trainer.model(TrainState(chosen, now.state.optimiser, now.state.step)), now.progress)


@dataclass(frozen=True)
class _Phase:
    """What all calls of one task share."""

    trainer: Trainer
    arrays: Arrays
    sampler: Sampler
    task: Task
    validate: Validate | None
    names: tuple[list[str], np.ndarray] | None

    def advance(self, now: Snapshot) -> Snapshot:
        """One call of the compiled training step, and validation where it is due."""
        began = time.perf_counter()
        given = (now.state, self.arrays, self.sampler, jax.random.key(self.task.seed))
        state, record = self.trainer.advance(*given, self.trainer.config.steps_per_call)
        record = jax.tree.map(np.asarray, record)
        if not np.isfinite(record.loss + record.gradient).all():
            raise DgeoError(blame(self.trainer, *given, record, self.names))
        step, score = int(state.step), self._score(state)
        progress = _scored(now.progress, step, score, self.trainer.config.patience)
        seconds = progress.seconds + time.perf_counter() - began
        rows = [*progress.history, _row(self.task, step, record, score, seconds)]
        finished = progress.finished or step >= self.task.steps
        best = state.weights if progress.best_step == step else now.best
        return Snapshot(state, best, replace(progress, history=rows, seconds=seconds, finished=finished))

    def _score(self, state: TrainState) -> float | None:
        step = int(state.step)
        if self.validate is None or (step % self.trainer.config.validate_every and step < self.task.steps):
            return None
        score = self.validate(self.trainer.model(state))
        if np.isnan(score):
            raise DgeoError(
                f"The validation score of step {step} is NaN in every basin: the training basins have no varying "
                "observations in the validation years; choose other years in split.validation."
            )
        return score


def _scored(progress: Progress, step: int, score: float | None, patience: int | None) -> Progress:
    if score is None:
        return progress
    if score > progress.best_score:
        return replace(progress, best_step=step, best_score=score, stale=0)
    stale = progress.stale + 1
    return replace(progress, stale=stale, finished=patience is not None and stale >= patience)


def _row(task: Task, step: int, record: Record, score: float | None, seconds: float) -> Row:
    return {
        "seed": task.seed,
        "phase": task.phase,
        "step": step,
        "loss": float(record.loss.mean()),
        "gradient": float(record.gradient.mean()),
        "validation": score,
        "seconds": round(seconds, 2),
    }


def _save(task: Task, now: Snapshot) -> None:
    devices = len(now.state.step.sharding.device_set)
    metadata = {"fingerprint": task.fingerprint, "devices": devices, "progress": vars(now.progress)}
    write_tree(task.checkpoint, {"state": now.state, "best": now.best}, metadata)


def _resume(state: TrainState, task: Task, devices: int) -> Snapshot:
    if not task.checkpoint.exists():
        return Snapshot(state, state.weights, Progress())
    tree, metadata = read_tree(task.checkpoint, {"state": state, "best": state.weights})
    if metadata["fingerprint"] != task.fingerprint:
        raise DgeoError(
            f"{task.checkpoint} belongs to another config or other data; restore them, or train into a new folder."
        )
    if metadata["devices"] != devices:
        raise DgeoError(
            f"{task.checkpoint} was written on {metadata['devices']} devices and here are {devices}, which round "
            f"differently; set JAX_NUM_CPU_DEVICES={metadata['devices']}, or train into a new folder."
        )
    return Snapshot(tree["state"], tree["best"], Progress(**metadata["progress"]))
