"""Gradient descent by Adam, compiled before the clock starts."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray


@dataclass(frozen=True)
class Descent:
    """Where a descent ended, the loss before every step, and the seconds it took without those of compiling."""

    variables: Any
    losses: Float[np.ndarray, " step"]
    seconds: float


def descend(
    loss: Callable[[Any, PRNGKeyArray], Float[Array, ""]], start: Any, *, steps: int, rate: float, key: PRNGKeyArray
) -> Descent:
    """Minimise loss(variables, key of the step) by Adam, whose rate falls to zero as a cosine."""
    moving, still = eqx.partition(start, eqx.is_inexact_array)
    optimiser = optax.adam(optax.cosine_decay_schedule(rate, steps))

    def step(carry: Any, key: PRNGKeyArray) -> tuple[Any, Array]:
        moving, memory = carry
        value, slope = jax.value_and_grad(lambda m: loss(eqx.combine(m, still), key))(moving)
        with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by integers
            change, memory = optimiser.update(slope, memory, moving)
        return (optax.apply_updates(moving, change), memory), value

    def march(moving: Any, keys: Array) -> tuple[Any, Array]:
        (moving, _), losses = jax.lax.scan(step, (moving, optimiser.init(moving)), keys)
        return moving, losses

    (moving, losses), seconds = timed(march, moving, jax.random.split(key, steps))
    return Descent(eqx.combine(moving, still), np.asarray(losses), seconds)


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """function(*arguments), compiled, and the seconds of one call that finds it compiled."""
    compiled = jax.jit(function).lower(*arguments).compile()
    start = time.perf_counter()
    result = jax.block_until_ready(compiled(*arguments))
    return result, time.perf_counter() - start
