"""Optimiser steps: many in one compiled call, each a window of days in a batch of basins."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt

from dgeo.errors import DgeoError
from dgeo.hybrid import Inputs, Simulator
from dgeo.numerics import trainable
from dgeo.training.arrays import Draw, Source, Windows
from dgeo.training.config import TargetConfig, TrainingConfig
from dgeo.training.devices import Devices, summed
from dgeo.training.group import like, over_members
from dgeo.training.loss import Loss, Sums, combined
from dgeo.training.losses import LOSSES
from dgeo.training.optimiser import build_optimiser, numbers_of
from dgeo.training.sampler import Sampler

PARTS = {"parameters": "parameters", "laws": "physics", "forcing": "forcing"}
REMEMBERED = 8
_trainers: dict[tuple[str, int], "Trainer"] = {}


class TrainState(eqx.Module):
    """All that changes in training; with the seed it determines every later step."""

    weights: Any
    optimiser: Any
    step: Int[Array, ""]


class Record(NamedTuple):
    """What every step leaves behind: its loss and the norm of its gradient."""

    loss: Float[Array, " step"]
    gradient: Float[Array, " step"]


def objective(targets: Mapping[str, TargetConfig]) -> Loss:
    """The weighted sum of the losses of all targets."""
    return combined({name: (LOSSES[target.loss], target.weight) for name, target in targets.items()})


def window_sums(
    model: Simulator, source: Source, windows: Windows, draw: Draw, key: PRNGKeyArray, config: TrainingConfig
) -> Sums:
    """The sums [batch] that make the loss, over one window of each basin.

    The warm-up fills stores and memories, without gradient unless asked for.
    """
    outputs = tuple(config.targets)
    attributes = {name: value[draw.basin] for name, value in source.inputs.attributes.items()}
    index = None if source.inputs.index is None else source.inputs.index[draw.basin]

    def days(part: slice) -> Inputs:
        return Inputs({name: series[part] for name, series in windows.forcing.items()}, attributes, index)

    observed = {name: series[config.warmup :] for name, series in windows.targets.items()}
    if config.warmup_gradient or config.warmup == 0:
        simulated, _ = model(days(slice(None)), outputs=outputs, key=key, segment=config.segment)
        simulated = {name: series[config.warmup :] for name, series in simulated.items()}
    else:
        _, carry = model(days(slice(config.warmup)), outputs=("streamflow",), key=key)
        after = days(slice(config.warmup, None))
        simulated, _ = model(after, jax.lax.stop_gradient(carry), outputs=outputs, key=key, segment=config.segment)
    scale = jax.tree.map(lambda value: value[draw.basin], source.scale)
    return objective(config.targets).sums(simulated, observed, scale)


class Case(eqx.Module):
    """What a member of a group has besides its weights: all in which seeds, folds and settings may differ."""

    frozen: Any
    source: Source
    sampler: Sampler
    seed: UInt[Array, ""]
    numbers: dict[str, Float[Array, ""]]


class Trainer:
    """The compiled training call of one model structure; what has the same shapes shares its compilation.

    `members` models train in it side by side, as one program; `local` leaves out the devices of other processes.
    """

    def __init__(self, model: Simulator, config: TrainingConfig, members: int = 1, *, local: bool = False) -> None:
        """Split the model into what is trained and what is not."""
        self.config = config
        self.members = members
        self.devices = Devices(config.batch, members, jax.local_devices() if local else jax.devices())
        self.outline = eqx.filter(model, eqx.is_array, inverse=True)
        self.loss = objective(config.targets)
        if not jax.tree.leaves(self.split(model)[0]):
            raise DgeoError(
                "Nothing is left to train: take something off `training.freeze`, or put a network somewhere."
            )
        build_optimiser(config.optimiser, config.steps)  # complains of a wrong name or option now
        self.advance = eqx.filter_jit(self._advance)

    def split(self, model: Simulator) -> tuple[Any, Any]:
        """What is trained of a model of this structure, and its other arrays."""
        trained = trainable(model)
        for name in self.config.freeze:
            part = getattr(trained, PARTS[name])
            trained = replace(trained, **{PARTS[name]: jax.tree.map(lambda _: False, part)})
        weights, rest = eqx.partition(model, trained)
        return weights, eqx.filter(rest, eqx.is_array)

    def case(
        self, model: Simulator, source: Source, sampler: Sampler, seed: int, numbers: dict[str, float] | None = None
    ) -> Case:
        """What a member trains on; `numbers` are the optimiser's, by default those of this trainer's config."""
        values = numbers_of(self.config.optimiser) if numbers is None else numbers
        given = {name: jnp.asarray(value, jnp.float32) for name, value in values.items()}
        return Case(self.split(model)[1], source, sampler, jnp.asarray(seed, jnp.uint32), given)

    def start(self, model: Simulator, case: Case) -> TrainState:
        """Before the first step."""
        weights, _ = self.split(model)
        return TrainState(weights, self._optimiser(case).init(weights), jnp.asarray(0, jnp.int32))

    def model(self, weights: Any, case: Case) -> Simulator:
        """The model with these weights."""
        return eqx.combine(weights, case.frozen, self.outline)

    def _optimiser(self, case: Case) -> optax.GradientTransformation:
        return build_optimiser(self.config.optimiser, self.config.steps, case.numbers)

    def _advance(
        self, states: TrainState, ahead: Windows | None, cases: Case, own: tuple[bool, ...], steps: int
    ) -> tuple[TrainState, Record]:
        """All members' next steps, with what was read ahead for them, [member, step, day, batch].

        `own` says which leaves of `cases` have a member axis (`group.together`).
        """

        def members(states: TrainState, ahead: Windows | None, leaves: list[Array]) -> tuple[TrainState, Record]:
            def one(given: tuple[TrainState, Windows | None], leaves: list[Array]) -> tuple[TrainState, Record]:
                return self._steps(*given, like(cases, leaves), steps)

            return over_members(one, (states, ahead), leaves, own)

        return self.devices.each(members, True, True, list(own))(states, ahead, jax.tree.leaves(cases))

    def _steps(self, state: TrainState, ahead: Windows | None, case: Case, steps: int) -> tuple[TrainState, Record]:
        """Steps whose windows are fetched by the step before.

        They reach a step through the carry of the loop, where no compiler can mix fetching with computing: what is
        computed is rounded the same wherever the windows come from.
        """
        optimiser = self._optimiser(case)

        def fetch(step: Int[Array, ""], number: Int[Array, ""]) -> tuple[Draw, PRNGKeyArray, Windows]:
            draw, key = draws(case.sampler, case.seed, step, self.config.batch)
            here = jax.tree.map(self.devices.own, draw)
            windows = case.source.windows(ahead, number, here, self.config.warmup + self.config.window)
            return here, key, windows

        def body(carry: tuple[TrainState, Any], number: Int[Array, ""]) -> tuple[tuple[TrainState, Any], Record]:
            state, fetched = carry
            value, gradient = self._gradient(state.weights, case, *fetched)
            with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by integers
                updates, memory = optimiser.update(gradient, state.optimiser, state.weights)
            weights = eqx.apply_updates(state.weights, updates)
            state = TrainState(weights, memory, state.step + 1)
            return (state, fetch(state.step, number + 1)), Record(value, optax.tree.norm(gradient))

        numbers = jnp.arange(steps, dtype=jnp.int32)
        (state, _), record = jax.lax.scan(body, (state, fetch(state.step, numbers[0])), numbers)
        return state, record

    def _gradient(self, weights: Any, case: Case, draw: Draw, key: PRNGKeyArray, windows: Windows) -> tuple[Array, Any]:
        """The loss of the batch and its gradient: devices meet for the sums of the loss, and for the gradient."""

        def sums(weights: Any) -> Sums:
            parts = window_sums(self.model(weights, case), case.source, windows, draw, key, self.config)
            return jax.tree.map(jnp.sum, parts)

        local, pull = jax.vjp(sums, weights)
        value, slope = jax.value_and_grad(self.loss.value)(summed(local))
        return value, summed(pull(slope)[0])


def trainer_of(model: Simulator, config: TrainingConfig, members: int = 1) -> Trainer:
    """A trainer of such models: one of the last few of this process, where it fits, since it has compiled its call."""
    place = config.model_dump_json(exclude={"seeds", "start_from"}), members
    known = _trainers.pop(place, None)
    if known is None or not eqx.tree_equal(known.outline, eqx.filter(model, eqx.is_array, inverse=True)):
        known = Trainer(model, config, members)
    _trainers[place] = known
    if len(_trainers) > REMEMBERED:
        del _trainers[next(iter(_trainers))]
    return known


def draws(sampler: Sampler, seed: UInt[Array, ""], step: Int[Array, ""], batch: int) -> tuple[Draw, PRNGKeyArray]:
    """The windows of a step, the first being step 0, and its key for dropout."""
    basins, starts, key = sampler.draws(jax.random.fold_in(jax.random.key(seed), step), batch)
    return Draw(jnp.arange(batch, dtype=jnp.int32), basins, starts), key
