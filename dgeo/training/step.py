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
from dgeo.hybrid import Hybrid
from dgeo.numerics import trainable
from dgeo.training.arrays import Arrays, window
from dgeo.training.config import TargetConfig, TrainingConfig
from dgeo.training.devices import Devices, summed
from dgeo.training.group import like, over_members
from dgeo.training.loss import Loss, Sums, combined
from dgeo.training.losses import LOSSES
from dgeo.training.optimiser import build_optimiser, numbers_of
from dgeo.training.sampler import Sampler

PARTS = {"parameters": "parameters", "laws": "physics", "forcing": "forcing"}


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
    model: Hybrid,
    arrays: Arrays,
    basins: Int[Array, " batch"],
    starts: Int[Array, " batch"],
    key: PRNGKeyArray,
    config: TrainingConfig,
) -> Sums:
    """The sums [batch] that make the loss, over one window of each basin.

    The warm-up fills stores and memories, without gradient unless asked for.
    """
    outputs = tuple(config.targets)
    if config.warmup_gradient or config.warmup == 0:
        inputs, observed = window(arrays, basins, starts, 0, config.warmup + config.window)
        simulated, _ = model(inputs, outputs=outputs, key=key, segment=config.segment)
        simulated, observed = ({n: v[config.warmup :] for n, v in part.items()} for part in (simulated, observed))
    else:
        before, _ = window(arrays, basins, starts, 0, config.warmup)
        _, carry = model(before, outputs=("streamflow",), key=key)
        inputs, observed = window(arrays, basins, starts, config.warmup, config.window)
        simulated, _ = model(inputs, jax.lax.stop_gradient(carry), outputs=outputs, key=key, segment=config.segment)
    scale = jax.tree.map(lambda value: value[basins], arrays.scale)
    return objective(config.targets).sums(simulated, observed, scale)


class Case(eqx.Module):
    """What a member of a group has besides its weights: all in which seeds, folds and settings may differ."""

    frozen: Any
    arrays: Arrays
    sampler: Sampler
    seed: UInt[Array, ""]
    numbers: dict[str, Float[Array, ""]]


class Trainer:
    """The compiled training call of one model structure; what has the same shapes shares its compilation.

    `members` models train in it side by side, as one program; `local` leaves out the devices of other processes.
    """

    def __init__(self, model: Hybrid, config: TrainingConfig, members: int = 1, *, local: bool = False) -> None:
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

    def split(self, model: Hybrid) -> tuple[Any, Any]:
        """What is trained of a model of this structure, and its other arrays."""
        trained = trainable(model)
        for name in self.config.freeze:
            part = getattr(trained, PARTS[name])
            trained = replace(trained, **{PARTS[name]: jax.tree.map(lambda _: False, part)})
        weights, rest = eqx.partition(model, trained)
        return weights, eqx.filter(rest, eqx.is_array)

    def case(
        self, model: Hybrid, arrays: Arrays, sampler: Sampler, seed: int, numbers: dict[str, float] | None = None
    ) -> Case:
        """What a member trains on; `numbers` are the optimiser's, by default those of this trainer's config."""
        values = numbers_of(self.config.optimiser) if numbers is None else numbers
        given = {name: jnp.asarray(value, jnp.float32) for name, value in values.items()}
        return Case(self.split(model)[1], arrays, sampler, jnp.asarray(seed, jnp.uint32), given)

    def start(self, model: Hybrid, case: Case) -> TrainState:
        """Before the first step."""
        weights, _ = self.split(model)
        return TrainState(weights, self._optimiser(case).init(weights), jnp.asarray(0, jnp.int32))

    def model(self, weights: Any, case: Case) -> Hybrid:
        """The model with these weights."""
        return eqx.combine(weights, case.frozen, self.outline)

    def _optimiser(self, case: Case) -> optax.GradientTransformation:
        return build_optimiser(self.config.optimiser, self.config.steps, case.numbers)

    def _advance(self, states: TrainState, cases: Case, own: tuple[bool, ...], steps: int) -> tuple[TrainState, Record]:
        """All members' next steps; `own` says which leaves of `cases` have a member axis (`group.together`)."""

        def members(states: TrainState, leaves: list[Array]) -> tuple[TrainState, Record]:
            def one(state: TrainState, leaves: list[Array]) -> tuple[TrainState, Record]:
                return self._steps(state, like(cases, leaves), steps)

            return over_members(one, states, leaves, own)

        return self.devices.each(members, True, list(own))(states, jax.tree.leaves(cases))

    def _steps(self, state: TrainState, case: Case, steps: int) -> tuple[TrainState, Record]:
        optimiser = self._optimiser(case)

        def body(state: TrainState, _: None) -> tuple[TrainState, Record]:
            value, gradient = self._gradient(state, case)
            with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by integers
                updates, memory = optimiser.update(gradient, state.optimiser, state.weights)
            weights = eqx.apply_updates(state.weights, updates)
            return TrainState(weights, memory, state.step + 1), Record(value, optax.tree.norm(gradient))

        return jax.lax.scan(body, state, None, length=steps)

    def _gradient(self, state: TrainState, case: Case) -> tuple[Array, Any]:
        """The loss of the batch and its gradient: devices meet for the sums of the loss, and for the gradient."""
        basins, starts, key = draws(state, case, self.config.batch)
        place = self.devices.own(basins), self.devices.own(starts)

        def sums(weights: Any) -> Sums:
            parts = window_sums(self.model(weights, case), case.arrays, *place, key, self.config)
            return jax.tree.map(jnp.sum, parts)

        local, pull = jax.vjp(sums, state.weights)
        value, slope = jax.value_and_grad(self.loss.value)(summed(local))
        return value, summed(pull(slope)[0])


def draws(state: TrainState, case: Case, batch: int) -> tuple[Array, Array, PRNGKeyArray]:
    """Basins, first days and the key for dropout of the next step."""
    return case.sampler.draws(jax.random.fold_in(jax.random.key(case.seed), state.step), batch)
