"""The training loop: calls of many steps, validation, early stopping, checkpoints that resume bit for bit."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from dgeo.errors import DgeoError
from dgeo.hybrid import Simulator
from dgeo.training.arrays import Windows
from dgeo.training.diagnosis import blame
from dgeo.training.feed import feed
from dgeo.training.group import like, member, stacked, together
from dgeo.training.processes import agreed, from_first
from dgeo.training.progress import Member, Progress, Saved, Watch, resume, save
from dgeo.training.step import Case, Trainer, TrainState
from dgeo.training.writer import Writer


@dataclass(frozen=True)
class Fitted:
    """The model of the best validated step (the last step, without validation), and how it came about."""

    model: Simulator
    progress: Progress


class Snapshot(NamedTuple):
    """Where a group stands after a call. Replaced as a whole, so that an interruption never finds half of one."""

    states: TrainState
    best: Any
    progress: tuple[Progress, ...]


def fit(trainer: Trainer, members: Sequence[Member], watch: Watch = lambda row: None) -> list[Fitted]:
    """Train all members as one program, each to its last step or until its validation stops improving.

    They start from their checkpoints, where they have one. `watch` is told of every call and member, of the `steps`
    that it is to make and of its `run`. An interruption (Ctrl-C) writes the checkpoints, where this process has all
    members at hand, and raises `DgeoError`; so does a loss or gradient that is not finite, which names step and basin
    and leaves the last sound checkpoint as it was.
    """
    group = _Group.create(trainer, members)
    now = group.start()
    with Writer() as write, group.feed(now) as ahead:
        try:
            while not all(progress.finished for progress in now.progress):
                going = [not progress.finished for progress in now.progress]
                now = group.advance(now, next(ahead))
                for one, progress in compress(zip(members, now.progress, strict=True), going):
                    watch({**progress.history[-1], "steps": one.task.steps, "run": one.task.run})
                group.save(write, now, [due and g for due, g in zip(group.due(now), going, strict=True)])
        except KeyboardInterrupt:
            write.wait()
            if not trainer.devices.scattered:
                group.save(write, now, [not progress.finished for progress in now.progress])
            raise DgeoError(f"Interrupted at {group.place(now)}; nothing is lost: continue with --resume.") from None
    return group.fitted(now)


@dataclass(frozen=True)
class _Group:
    """What all calls of a group share."""

    trainer: Trainer
    members: Sequence[Member]
    cases: Sequence[Case]
    shared: Case
    own: tuple[bool, ...]

    @classmethod
    def create(cls, trainer: Trainer, members: Sequence[Member]) -> "_Group":
        cases = [trainer.case(m.model, m.source, m.sampler, m.task.seed, m.numbers) for m in members]
        shared, own = together(cases)
        return cls(trainer, members, cases, trainer.devices.placed(shared, like(shared, own)), own)

    def start(self) -> Snapshot:
        saved = [
            resume(m.task, self.trainer.start(m.model, case)) for m, case in zip(self.members, self.cases, strict=True)
        ]
        agreed("step of the checkpoint", [int(one.state.step) for one in saved])
        states, best = stacked([one.state for one in saved]), stacked([one.best for one in saved])
        placed = self.trainer.devices.placed
        everywhere = jax.tree.map(lambda _: True, (states, best))
        states, best = placed((states, best), everywhere)
        return Snapshot(states, best, tuple(one.progress for one in saved))

    def feed(self, now: Snapshot) -> AbstractContextManager[Iterator[Windows | None]]:
        """What is read for each of the calls from here to the last step."""
        steps = self.trainer.devices.fetched(now.states.step).tolist()
        left = max(m.task.steps - step for m, step in zip(self.members, steps, strict=True))
        calls = -(-left // self.trainer.config.steps_per_call)
        return feed(self.trainer, [m.read for m in self.members], self.cases, steps, calls)

    def advance(self, now: Snapshot, ahead: Windows | None) -> Snapshot:
        """One call of the compiled training step, and validation where it is due."""
        began = time.perf_counter()
        going = [not progress.finished for progress in now.progress]
        given = (ahead, self.shared, self.own, self.trainer.config.steps_per_call)
        states, record = self.trainer.advance(now.states, *given)
        record, steps = self.trainer.devices.fetched((record, states.step))
        states = states if all(going) else _chosen(np.asarray(going), states, now.states)
        for i in compress(range(len(going)), going):
            if not np.isfinite(record.loss[i] + record.gradient[i]).all():
                state = jax.tree.map(jnp.asarray, member(self.trainer.devices.fetched(now.states), i))
                read = jax.tree.map(jnp.asarray, member(self.trainer.devices.fetched(ahead), i))
                names = self.members[i].names
                raise DgeoError(blame(self.trainer, state, read, self.cases[i], member(record, i), names))
        scores = self._scores(states, steps, going)
        patience, elapsed = self.trainer.config.patience, (time.perf_counter() - began) / sum(going)
        progress = list(now.progress)
        for i in compress(range(len(going)), going):
            scored, step = progress[i].scored(int(steps[i]), scores[i], patience), int(steps[i])
            progress[i] = scored.after(self.members[i].task, step, member(record, i), scores[i], elapsed)
        better = [
            score is not None and p.best_step == step for p, step, score in zip(progress, steps, scores, strict=True)
        ]
        best = _chosen(np.asarray(better), states.weights, now.best) if any(better) else now.best
        return Snapshot(states, best, tuple(progress))

    def _scores(self, states: TrainState, steps: np.ndarray, going: Sequence[bool]) -> list[float | None]:
        config = self.trainer.config
        due = [
            g and m.validate is not None and (step % config.validate_every == 0 or step >= m.task.steps)
            for g, m, step in zip(going, self.members, steps, strict=True)
        ]
        if not any(due):
            return [None] * len(due)
        weights = self.trainer.devices.fetched(states.weights)
        return [self._score(weights, i, int(steps[i])) if wanted else None for i, wanted in enumerate(due)]

    def _score(self, weights: Any, place: int, step: int) -> float:
        validate, model = self.members[place].validate, self._model(weights, place)
        score = from_first(lambda: np.nan if validate is None else validate(model))
        if np.isnan(score):
            raise DgeoError(
                f"The validation score of step {step} is NaN in every basin: the training basins have no varying "
                "observations in the validation years; choose other years in split.validation."
            )
        return score

    def due(self, now: Snapshot) -> list[bool]:
        every = self.trainer.config.checkpoint_every
        return [p.finished or p.history[-1]["step"] % every == 0 for p in now.progress]

    def save(self, write: Writer, now: Snapshot, wanted: Sequence[bool]) -> None:
        if not any(wanted):
            return
        states, best = self.trainer.devices.fetched((now.states, now.best))
        for i in compress(range(len(wanted)), wanted):
            saved = Saved(member(states, i), member(best, i), now.progress[i])
            write(save, self.members[i].task, saved, self.members[i].keep)

    def place(self, now: Snapshot) -> str:
        """The step of the first member that goes on, and who it is."""
        first = next((i for i, progress in enumerate(now.progress) if not progress.finished), 0)
        task, history = self.members[first].task, now.progress[first].history
        step = history[-1]["step"] if history else 0
        return f"step {step} of {task.steps} ({task.phase}, seed {task.seed})"

    def fitted(self, now: Snapshot) -> list[Fitted]:
        last, best = self.trainer.devices.fetched((now.states.weights, now.best))
        chosen = [last if m.validate is None else best for m in self.members]
        return [Fitted(self._model(weights, i), now.progress[i]) for i, weights in enumerate(chosen)]

    def _model(self, weights: Any, place: int) -> Simulator:
        """A member's model, on the first device alone, where long simulations run."""
        return self.trainer.model(jax.tree.map(jnp.asarray, member(weights, place)), self.cases[place])


@jax.jit
def _chosen(mask: Bool[Array, " member"], new: Any, old: Any) -> Any:
    def choose(new: Array, old: Array) -> Array:
        return jnp.where(mask.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, new, old)
