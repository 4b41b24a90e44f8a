"""How far a phase of training has come, and the checkpoint that holds it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dgeo.errors import DgeoError
from dgeo.hybrid import Simulator
from dgeo.numerics import read_tree, write_tree
from dgeo.training.arrays import Read, Source
from dgeo.training.sampler import Sampler
from dgeo.training.step import Record, TrainState

Row = dict[str, Any]
Validate = Callable[[Simulator], float]
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

    def scored(self, step: int, score: float | None, patience: int | None) -> "Progress":
        """After a validation, if there was one."""
        if score is None:
            return self
        if score > self.best_score:
            return replace(self, best_step=step, best_score=score, stale=0)
        stale = self.stale + 1
        return replace(self, stale=stale, finished=patience is not None and stale >= patience)

    def after(self, task: "Task", step: int, record: Record, score: float | None, seconds: float) -> "Progress":
        """After a call that ended with `step` and took so many seconds."""
        total = self.seconds + seconds
        row = {
            "seed": task.seed,
            "phase": task.phase,
            "step": step,
            "loss": float(record.loss.mean()),
            "gradient": float(record.gradient.mean()),
            "validation": score,
            "seconds": round(total, 2),
        }
        finished = self.finished or step >= task.steps
        return replace(self, history=[*self.history, row], seconds=total, finished=finished)


@dataclass(frozen=True)
class Task:
    """One phase of training for one seed."""

    phase: str
    seed: int
    steps: int
    checkpoint: Path
    fingerprint: str

    @property
    def run(self) -> str:
        """The name of the run folder, in whose folder of checkpoints this one lies."""
        return self.checkpoint.parent.parent.name


@dataclass(frozen=True)
class Member:
    """A model to be trained in one program with others, on what, and what is to be done about it on the way.

    `names` are basin ids and dates, for the sentence that reports a NaN; `keep` is told of the whole history whenever a
    checkpoint is written; `numbers` are those of the optimiser, where they differ from the trainer's; `read` gets the
    windows of a call from a data set that is not in memory.
    """

    model: Simulator
    source: Source
    sampler: Sampler
    task: Task
    validate: Validate | None = None
    names: tuple[list[str], np.ndarray] | None = None
    keep: Callable[[list[Row]], None] = lambda rows: None
    numbers: dict[str, float] | None = None
    read: Read | None = None


class Saved(NamedTuple):
    """What a checkpoint holds: where training stands, the weights of the best validated step, how it came there."""

    state: TrainState
    best: Any
    progress: Progress


def save(task: Task, now: Saved, keep: Callable[[list[Row]], None]) -> None:
    """Write a checkpoint, and the history beside it."""
    metadata = {"fingerprint": task.fingerprint, "progress": vars(now.progress)}
    write_tree(task.checkpoint, {"state": now.state, "best": now.best}, metadata)
    keep(now.progress.history)


def resume(task: Task, state: TrainState) -> Saved:
    """What the task's checkpoint holds, or the beginning, where there is none; `state` is that before the first step.

    The devices may be others than those of the checkpoint. Raises `DgeoError` for one of another run.
    """
    if not task.checkpoint.exists():
        return Saved(state, state.weights, Progress())
    tree, metadata = read_tree(task.checkpoint, {"state": state, "best": state.weights})
    if metadata.get("fingerprint") != task.fingerprint:
        raise DgeoError(
            f"{task.checkpoint} belongs to another config or other data; restore them, or train into a new folder."
        )
    try:
        return Saved(tree["state"], tree["best"], Progress(**metadata["progress"]))
    except (KeyError, TypeError) as error:
        raise DgeoError(
            f"{task.checkpoint} is of another version of dgeo ({error}); finish the run with that one, or train into a "
            "new folder."
        ) from error
