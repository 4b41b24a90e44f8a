"""Ks, α and n of many columns from their texture, by a network that is trained through the columns."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from descent import descend
from soil_columns import NOISE, full, learner_run, rms, showers, truth

from dgeo.models import Layers, richards
from dgeo.nn import mlp, with_output_bias

COLUMNS, UNSEEN, STEPS, HOURS = 64, 16, 150, 96
TRAIN, TEST = slice(0, COLUMNS - UNSEEN), slice(COLUMNS - UNSEEN, None)


def world(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Sand and clay in per cent, and the numbers of every column that follow from them (Cosby et al. 1984)."""
    sand = random.uniform(10, 80, COLUMNS)
    clay = np.minimum(random.uniform(5, 35, COLUMNS), 95 - sand)
    own = {
        "saturated_conductivity": 10 ** (-0.884 + 0.0153 * sand) * 0.0254 * 24,
        "alpha": 100 / 10 ** (1.54 - 0.0095 * sand + 0.0063 * (100 - sand - clay)),
        "n": 1 + 1 / (3.1 + 0.157 * clay - 0.003 * sand),
    }
    return sand, clay, own


def study() -> dict[str, Any]:
    """The network beside the same numbers for all; `points` are for the figure."""
    random = np.random.default_rng(2)
    sand, clay, own = world(random)
    rain = showers(HOURS, COLUMNS, random)
    exact = truth(full(own, COLUMNS), rain)
    noisy = jnp.asarray(exact + NOISE * random.standard_normal(exact.shape), jnp.float32)
    column = richards(Layers.even(1.0, 25))
    bounds = {name: column.parameters[name].bounds for name in own}

    def numbers(z: jax.Array) -> dict[str, jax.Array]:
        return {name: bound.from_unbounded(z[..., k]) for k, (name, bound) in enumerate(bounds.items())}

    def misfit(z: jax.Array) -> jax.Array:
        parameters = jax.tree.map(lambda x: x[TRAIN], full(numbers(z), COLUMNS))
        return jnp.mean((learner_run(column, parameters, rain[:, TRAIN]) - noisy[:, TRAIN]) ** 2) / NOISE**2

    def unseen(numbers: dict[str, Any]) -> float:
        return rms(np.asarray(learner_run(column, full(numbers, COLUMNS), rain))[:, TEST] - exact[:, TEST])

    inputs = jnp.asarray(np.stack([sand / 50 - 1, clay / 20 - 1], axis=-1), jnp.float32)
    middle = jnp.stack([bound.to_unbounded(jnp.asarray(column.parameters[k].default)) for k, bound in bounds.items()])
    start = with_output_bias(mlp(2, 3, width=16, depth=2, key=jax.random.key(0)), middle)
    network, losses = descend(lambda net: misfit(jax.vmap(net)(inputs)), start, STEPS, 0.01)
    same, _ = descend(lambda z: misfit(jnp.broadcast_to(z, (COLUMNS, 3))), middle, STEPS // 2, 0.05)
    found = numbers(jax.vmap(network)(inputs))
    points = {name: [np.asarray(x)[TEST].tolist(), own[name][TEST].tolist()] for name, x in found.items()}
    return {
        "loss": [losses[0], losses[-1]],
        "unseen": {
            "network": {"rmse": unseen(found), **{f"ln_{name}": _agreement(*pair) for name, pair in points.items()}},
            "one for all": {"rmse": unseen(numbers(jnp.broadcast_to(same, (COLUMNS, 3))))},
            "true parameters": {"rmse": unseen(own)},
        },
        "points": points,
    }


def _agreement(ours: list[float], real: list[float]) -> dict[str, float]:
    """Of logarithms."""
    x, y = np.log(ours), np.log(real)
    r2 = 1 - np.sum((x - y) ** 2) / np.sum((y - y.mean()) ** 2)
    return {"r2": float(r2), "correlation": float(np.corrcoef(x, y)[0, 1])}
