"""Who is to blame for a NaN: the sentence that names the step, the basin and the window."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from dgeo.training.arrays import Draw, Windows
from dgeo.training.group import member, stacked, together
from dgeo.training.step import Case, Record, Trainer, TrainState, draws, window_sums


def blame(
    trainer: Trainer,
    state: TrainState,
    ahead: Windows | None,
    case: Case,
    record: Record,
    names: tuple[list[str], np.ndarray] | None,
) -> str:
    """Replay a member's steps from `state` to the first that is not finite, then try its basins one by one.

    `ahead` is what was read for these steps, [step, day, batch].
    """
    first = int(np.argmax(~np.isfinite(record.loss + record.gradient)))
    if first:
        alone = Trainer(trainer.model(state.weights, case), trainer.config, local=True)
        before = stacked([jax.tree.map(lambda series: series[:first], ahead)])
        states, _ = alone.advance(stacked([state]), before, *together([case]), first)
        state = member(states, 0)
    number = int(state.step) + 1
    draw, drop_key = draws(case.sampler, case.seed, state.step, trainer.config.batch)
    length = trainer.config.warmup + trainer.config.window
    windows = case.source.windows(ahead, jnp.asarray(first, jnp.int32), draw, length)
    what = "loss" if not np.isfinite(record.loss[first]) else "gradient"
    culprit = _first_broken(trainer, state, windows, case, draw, drop_key)
    advice = (
        "lower the learning rate, clip the gradient or look at that basin's data; the last sound checkpoint is kept."
    )
    if culprit is None:
        return f"The {what} of training step {number} is not finite, though that of each basin alone is; {advice}"
    basin, start = int(draw.basin[culprit]), int(draw.start[culprit])
    who, when = (
        (names[0][basin], names[1][start].astype("datetime64[D]")) if names else (f"number {basin}", f"day {start}")
    )
    return f"The {what} of training step {number} is not finite, first in basin {who} (window from {when}); {advice}"


def _first_broken(
    trainer: Trainer, state: TrainState, windows: Windows, case: Case, draw: Draw, key: PRNGKeyArray
) -> int | None:
    @eqx.filter_jit
    def sound(weights: Any, windows: Windows, draw: Draw) -> Array:
        def loss(weights: Any) -> Array:
            sums = window_sums(trainer.model(weights, case), case.source, windows, draw, key, trainer.config)
            return trainer.loss.value(jax.tree.map(jnp.sum, sums))

        value, gradient = eqx.filter_value_and_grad(loss)(weights)
        return jnp.stack([jnp.isfinite(leaf).all() for leaf in (value, *jax.tree.leaves(gradient))]).all()

    for i in range(trainer.config.batch):
        one = slice(i, i + 1)
        alone = Windows(*({name: series[:, one] for name, series in part.items()} for part in windows))
        if not bool(sound(state.weights, alone, Draw(*(part[one] for part in draw)))):
            return i
    return None
