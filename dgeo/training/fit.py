"""The training loop: calls of many steps, validation, early stopping, checkpoints that resume bit for bit."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass
class Progress:
    """How far a phase of training has come: what a checkpoint holds besides the arrays."""

    history: list[Row] = field(default_factory=list)
    best_step: int = 0
    best_score: float = -np.inf
    stale: int = 0
    seconds: float = 0.0
    finished: bool = False


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
) -> Fitted:
    """Train from `weights`, or from the task's checkpoint, to its last step or until validation stops improving.

    `names` are basin ids and dates, for the sentence that reports a NaN. An interruption (Ctrl-C) writes a
    checkpoint and raises `DgeoError`; so does a loss or gradient that is not finite, which names step and basin and
    leaves the last sound checkpoint as it was.
    """
    config = trainer.config
    state, best, progress = _resume(trainer.start(weights), task)
    key = jax.random.key(task.seed)
    try:
        while not progress.finished:
            began = time.perf_counter()
            after, record = trainer.advance(state, arrays, sampler, key, config.steps_per_call)
            record = jax.tree.map(np.asarray, record)
            if not np.isfinite(record.loss + record.gradient).all():
                raise DgeoError(blame(trainer, state, arrays, sampler, key, record, names))
            state = after
            step = int(state.step)
            score = _validated(trainer, state, validate, step, task.steps)
            if score is not None and score > progress.best_score:
                best, progress.best_step, progress.best_score, progress.stale = state.weights, step, score, 0
            elif score is not None:
                progress.stale += 1
            progress.seconds += time.perf_counter() - began
            progress.history.append(_row(task, step, record, score, progress.seconds))
            progress.finished = step >= task.steps or (
                config.patience is not None and progress.stale >= config.patience
            )
            watch(progress.history[-1])
            if progress.finished or step % config.checkpoint_every == 0:
                _save(task, state, best, progress)
    except KeyboardInterrupt:
        _save(task, state, best, progress)
        raise DgeoError(
            f"Interrupted at step {int(state.step)} of {task.steps} ({task.phase}, seed {task.seed}); nothing is lost: "
            "continue with --resume."
        ) from None
    chosen = best if validate is not None else state.weights
    return Fitted(trainer.model(TrainState(chosen, state.optimiser, state.step)), progress)


def _validated(trainer: Trainer, state: TrainState, validate: Validate | None, step: int, last: int) -> float | None:
    if validate is None or (step % trainer.config.validate_every and step < last):
        return None
    return validate(trainer.model(state))


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


def _save(task: Task, state: TrainState, best: Any, progress: Progress) -> None:
    metadata = {"fingerprint": task.fingerprint, "progress": vars(progress)}
    write_tree(task.checkpoint, {"state": state, "best": best}, metadata)


def _resume(state: TrainState, task: Task) -> tuple[TrainState, Any, Progress]:
    if not task.checkpoint.exists():
        return state, state.weights, Progress()
    tree, metadata = read_tree(task.checkpoint, {"state": state, "best": state.weights})
    if metadata["fingerprint"] != task.fingerprint:
        raise DgeoError(
            f"{task.checkpoint} belongs to another config or other data; restore them, or train into a new folder."
        )
    return tree["state"], tree["best"], Progress(**metadata["progress"])
