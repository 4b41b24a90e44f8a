"""Optimiser steps: many in one compiled call, each a window of days in a batch of basins."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from dgeo.errors import DgeoError
from dgeo.hybrid import Hybrid
from dgeo.numerics import trainable
from dgeo.training.arrays import Arrays, window
from dgeo.training.config import TargetConfig, TrainingConfig
from dgeo.training.devices import Devices
from dgeo.training.loss import Loss, Sums, combined
from dgeo.training.losses import LOSSES
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
        simulated, _ = model(inputs, outputs=outputs, key=key)
        simulated, observed = ({n: v[config.warmup :] for n, v in part.items()} for part in (simulated, observed))
    else:
        before, _ = window(arrays, basins, starts, 0, config.warmup)
        _, carry = model(before, outputs=("streamflow",), key=key)
        inputs, observed = window(arrays, basins, starts, config.warmup, config.window)
        simulated, _ = model(inputs, jax.lax.stop_gradient(carry), outputs=outputs, key=key)
    scale = jax.tree.map(lambda value: value[basins], arrays.scale)
    return objective(config.targets).sums(simulated, observed, scale)


def loss_of(sums: Sums, config: TrainingConfig) -> Float[Array, ""]:
    """The loss of all basins together."""
    return objective(config.targets).value(jax.tree.map(jnp.sum, sums))


class Trainer:
    """The compiled training call of one model structure; phases and seeds of the same shapes share its compilation."""

    def __init__(self, model: Hybrid, optimiser: optax.GradientTransformation, config: TrainingConfig) -> None:
        """Split the model into what is trained and what is not."""
        self.config = config
        self.devices = Devices(config.batch)
        self.frozen = eqx.filter(model, self._trained(model), inverse=True)
        self.optimiser = optimiser
        if not jax.tree.leaves(self.weights_of(model)):
            raise DgeoError(
                "Nothing is left to train: take something off `training.freeze`, or put a network somewhere."
            )
        self.advance = eqx.filter_jit(self._advance)

    def weights_of(self, model: Hybrid) -> Any:
        """What is trained of a model of the same structure (another seed)."""
        return eqx.filter(model, self._trained(model))

    def _trained(self, model: Hybrid) -> Any:
        """Which leaves are trained."""
        trained = trainable(model)
        for name in self.config.freeze:
            part = getattr(trained, PARTS[name])
            trained = replace(trained, **{PARTS[name]: jax.tree.map(lambda _: False, part)})
        return trained

    def start(self, weights: Any) -> TrainState:
        """Before the first step."""
        return TrainState(weights, self.optimiser.init(weights), jnp.asarray(0, jnp.int32))

    def model(self, state: TrainState) -> Hybrid:
        """The model as it stands."""
        return eqx.combine(self.devices.gathered(state.weights), self.frozen)

    def _advance(
        self, state: TrainState, arrays: Arrays, sampler: Sampler, key: PRNGKeyArray, steps: int
    ) -> tuple[TrainState, Record]:
        def sums(shared: tuple[Any, Arrays, PRNGKeyArray], own: tuple[Array, Array]) -> Sums:
            weights, arrays, key = shared
            return window_sums(eqx.combine(weights, self.frozen), arrays, *own, key, self.config)

        def loss(weights: Any, key: PRNGKeyArray) -> Array:
            basins, starts, drop_key = sampler.draws(key, self.config.batch)
            return loss_of(self.devices.each(sums)((weights, arrays, drop_key), (basins, starts)), self.config)

        def body(state: TrainState, _: None) -> tuple[TrainState, Record]:
            value, gradient = eqx.filter_value_and_grad(loss)(state.weights, jax.random.fold_in(key, state.step))
            with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by integers
                updates, optimiser = self.optimiser.update(gradient, state.optimiser, state.weights)
            weights = eqx.apply_updates(state.weights, updates)
            return TrainState(weights, optimiser, state.step + 1), Record(value, optax.tree.norm(gradient))

        return jax.lax.scan(body, state, None, length=steps)
