"""Who is to blame for a NaN: the sentence that names the step, the basin and the window."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from dgeo.training.arrays import Arrays
from dgeo.training.sampler import Sampler
from dgeo.training.step import Record, Trainer, TrainState, loss_of, window_sums


def blame(
    trainer: Trainer,
    state: TrainState,
    arrays: Arrays,
    sampler: Sampler,
    key: PRNGKeyArray,
    record: Record,
    names: tuple[list[str], np.ndarray] | None,
) -> str:
    """Replay the steps from `state` to the first that is not finite, then try its basins one by one."""
    first = int(np.argmax(~np.isfinite(record.loss + record.gradient)))
    if first:
        state, _ = trainer.advance(state, arrays, sampler, key, first)
    number = int(state.step) + 1
    basins, starts, drop_key = sampler.draws(jax.random.fold_in(key, state.step), trainer.config.batch)
    what = "loss" if not np.isfinite(record.loss[first]) else "gradient"
    culprit = _first_broken(trainer, state, arrays, basins, starts, drop_key)
    advice = (
        "lower the learning rate, clip the gradient or look at that basin's data; the last sound checkpoint is kept."
    )
    if culprit is None:
        return f"The {what} of training step {number} is not finite, though that of each basin alone is; {advice}"
    basin, start = int(basins[culprit]), int(starts[culprit])
    who, when = (
        (names[0][basin], names[1][start].astype("datetime64[D]")) if names else (f"number {basin}", f"day {start}")
    )
    return f"The {what} of training step {number} is not finite, first in basin {who} (window from {when}); {advice}"


def _first_broken(
    trainer: Trainer, state: TrainState, arrays: Arrays, basins: Array, starts: Array, key: PRNGKeyArray
) -> int | None:
    @eqx.filter_jit
    def sound(weights: Any, basin: Array, start: Array) -> Array:
        def loss(weights: Any) -> Array:
            sums = window_sums(eqx.combine(weights, trainer.frozen), arrays, basin, start, key, trainer.config)
            return loss_of(sums, trainer.config)

        value, gradient = eqx.filter_value_and_grad(loss)(weights)
        return jnp.stack([jnp.isfinite(leaf).all() for leaf in (value, *jax.tree.leaves(gradient))]).all()

    for i in range(len(basins)):
        if not bool(sound(state.weights, basins[i : i + 1], starts[i : i + 1])):
            return i
    return None
