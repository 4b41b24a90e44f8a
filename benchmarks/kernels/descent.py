"""Training as all small experiments of the kernels do it."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import optax

from dgeo.numerics import trainable


def descend(loss: Callable[[Any], jax.Array], start: Any, steps: int, rate: float) -> tuple[Any, list[float]]:
    """The end of so many steps of Adam, clipped and cooled by a cosine, and the loss before each of them."""
    weights, rest = eqx.partition(start, trainable(start))
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(rate, steps)))

    @jax.jit
    def step(weights: Any, state: Any) -> Any:
        value, slope = jax.value_and_grad(lambda w: loss(eqx.combine(w, rest)))(weights)
        updates, state = optimiser.update(slope, state)
        return optax.apply_updates(weights, updates), state, value

    state, losses = optimiser.init(weights), []
    for _ in range(steps):
        weights, state, value = step(weights, state)
        losses.append(float(value))
    return eqx.combine(weights, rest), losses
