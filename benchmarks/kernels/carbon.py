"""Which part of respiration is temperature, and which is what there is to respire? A confounding, shown and resolved.

    R = Rb(x)·Q10^{(T − 15)/10}

    R=benchmarks/results/kernels; python benchmarks/kernels/carbon.py --json $R/carbon.json --figure $R/carbon.png

The truth is two pools of carbon, fed by light in the weather of a real tower, marched by Heun on half-hours with
Q10 = 1.5; what is seen is their respiration in means of three hours, with 10 % of noise. The learner knows no pools:
Q10 is a number, Rb a network of what stands in `CASES`. Three quarters of the time are for training.

- `light`: the mean light of the past ten and thirty days, which is what the pools remember;
- `light and T`: temperature itself besides: Rb can take over any part of the response;
- `light and slow T`: its mean over the past ten days instead: the course of the day is left to Q10 alone;
- `light and T, small`: as the second, the derivative of ln Rb by T held small by a penalty.

A profile shows the least loss at fixed Q10: flat where the data cannot tell.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from pictures import panels
from towers import read

from dgeo.engine import Parameters, simulate
from dgeo.models import Formula
from dgeo.models.carbon import YEAR, two_pools
from dgeo.nn import mlp

TRUE, STEPS, BATCH, SEEDS = 1.5, 1200, 256, 5
HOURS = 6  # half-hours in a mean
CASES = {
    "light": ("light_10", "light_30"),
    "light and T": ("light_10", "light_30", "temperature"),
    "light and slow T": ("light_10", "light_30", "slow_temperature"),
    "light and T, small": ("light_10", "light_30", "temperature"),
}
PROFILE = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5)


def truth() -> dict[str, np.ndarray]:
    """Respiration of the pools [three hours], and what the learner may see."""
    tower = read("US-Bi1", "")
    light = 0.45 * 0.0864 * np.maximum(tower["shortwave_radiation"], 0) * (1 - np.exp(-0.5 * tower["leaf_area_index"]))
    model = two_pools(production=Formula(lambda absorbed: 0.6 * absorbed, forcings=("absorbed",)))
    numbers = {"decay_rate_young": 1 / 30, "decay_rate_old": 0.02 / YEAR, "share_young_to_old": 0.1,
               "allocation_young": 1.0, "temperature_sensitivity": TRUE}  # fmt: skip
    parameters = Parameters({name: jnp.full(1, x, jnp.float32) for name, x in numbers.items()}, {})
    forcing = {"temperature": jnp.asarray(tower["air_temperature"])[:, None], "absorbed": jnp.asarray(light)[:, None]}
    start = {"young": jnp.full(1, 40.0), "old": jnp.full(1, 6000.0)}
    run = jax.jit(lambda f: simulate(model, f, parameters, start, dt=1 / 48, outputs=("respiration",))[0])
    respired = np.asarray(run(forcing)["respiration"])[:, 0]

    def means(x: np.ndarray) -> np.ndarray:
        return x[: x.size // HOURS * HOURS].reshape(-1, HOURS).mean(axis=1)

    temperature, shone = means(tower["air_temperature"]), means(light)
    seen = {"respiration": means(respired), "temperature": temperature, "light_10": past(shone, 10),
            "light_30": past(shone, 30), "slow_temperature": past(temperature, 10)}  # fmt: skip
    return {name: x[60 * 8 :] for name, x in seen.items()}  # without the first sixty days


def past(x: np.ndarray, days: float) -> np.ndarray:
    """Exponential mean of the past."""
    share, out, now = 1 / (8 * days), np.empty_like(x), x[0]
    for i, value in enumerate(x):
        now = now + share * (value - now)
        out[i] = now
    return out


def train(series: dict[str, np.ndarray], case: str) -> tuple[np.ndarray, ...]:
    """Q10, loss of the training, R² of respiration without noise in the last quarter: of each start, then each Q10."""
    names = CASES[case]
    x = np.stack([series[name] for name in names], axis=-1)
    cut = x.shape[0] * 3 // 4
    x = jnp.asarray((x - x[:cut].mean(axis=0)) / x[:cut].std(axis=0), jnp.float32)
    clean, temperature = (jnp.asarray(series[name], jnp.float32) for name in ("respiration", "temperature"))
    noise = np.random.default_rng(0).normal(0, 0.1, clean.size).astype(np.float32)
    seen = clean * (1 + noise)
    by_temperature = names.index("temperature") if case.endswith("small") else None

    def predict(weights: Any, fixed: jax.Array, x: jax.Array, warmth: jax.Array) -> jax.Array:
        network, free = weights
        slope = jnp.where(fixed > 0, jnp.log(jnp.maximum(fixed, 1)), free)
        return jnp.exp(jax.vmap(network)(x)[:, 0] + slope * (warmth - 15) / 10)

    def loss(weights: Any, fixed: jax.Array, at: Any) -> jax.Array:
        error = jnp.mean(((predict(weights, fixed, x[at], temperature[at]) - seen[at]) / seen[:cut].mean()) ** 2)
        if by_temperature is None:
            return error
        slopes = jax.vmap(jax.grad(lambda x: weights[0](x)[0]))(x[at])[:, by_temperature]
        return error + 0.01 * jnp.mean(slopes**2)

    optimiser = optax.adam(optax.cosine_decay_schedule(5e-3, STEPS))

    @jax.jit
    def run(seed: jax.Array, fixed: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        network = eqx.tree_at(lambda m: m.activation, mlp(len(names), 1, width=16, depth=2, key=seed), jnp.tanh)
        start = (network, jnp.log(1 + 2 * jax.random.uniform(jax.random.fold_in(seed, 1))))  # Q10 between 1 and 3
        weights, rest = eqx.partition(start, eqx.is_inexact_array)

        def step(carry: Any, key: jax.Array) -> tuple[Any, None]:
            weights, memory = carry
            at = jax.random.randint(key, (BATCH,), 0, cut)
            slope = jax.grad(lambda w: loss(eqx.combine(w, rest), fixed, at))(weights)
            change, memory = optimiser.update(slope, memory)
            return (optax.apply_updates(weights, change), memory), None

        carry = jax.lax.scan(step, (weights, optimiser.init(weights)), jax.random.split(seed, STEPS))[0]
        found = eqx.combine(carry[0], rest)
        late = predict(found, fixed, x[cut:], temperature[cut:])
        score = 1 - jnp.mean((late - clean[cut:]) ** 2) / jnp.var(clean[cut:])
        return jnp.exp(found[1]), loss(found, fixed, jnp.arange(cut)), score

    fixed = jnp.asarray([*[0.0] * SEEDS, *PROFILE])
    return tuple(np.asarray(a) for a in jax.vmap(run)(jax.random.split(jax.random.key(3), fixed.size), fixed))


def draw(series: dict[str, np.ndarray], result: dict[str, Any], path: Path) -> None:
    """The closed form of two pools, Q10 found, profiles."""
    from dgeo.analytic.pools import two_pools as exact

    with panels(path, 3, width=4.0, height=3.4, dpi=75) as axes:
        years = jnp.linspace(0, 60, 61)
        forcing = {"temperature": jnp.full((60, 1), 15.0)}
        numbers = {"decay_rate_young": 1 / 3, "decay_rate_old": 1 / 100, "share_young_to_old": 0.2,
                   "allocation_young": 1.0, "input": 0.3, "temperature_sensitivity": 2.0}  # fmt: skip
        given = Parameters({name: jnp.full(1, x) for name, x in numbers.items()}, {})
        start = {"young": jnp.full(1, 0.3), "old": jnp.full(1, 4.0)}
        run, _ = simulate(two_pools(), forcing, given, start, outputs=("young", "old"))
        course = exact(years, *map(jnp.asarray, (0.3, 4.0, 0.3, 1 / 3, 1 / 100, 0.2)))
        for name, line, colour in zip(("young", "old"), course, ("C0", "C1"), strict=True):
            axes[0].plot(years, line, color=colour, label=name)
            axes[0].plot(years[1::4], run[name][::4, 0], "o", ms=3, color=colour)
        axes[0].set(title="closed form (line), dgeo (points)", xlabel="a", ylabel="carbon [kg m⁻²]")
        for i, (name, row) in enumerate(result["cases"].items()):
            axes[1].plot(row["q10"], np.full(len(row["q10"]), i), "o", ms=4)
            axes[2].plot(PROFILE, np.array(row["profile"]) - min(row["profile"]), label=name)
        axes[1].axvline(TRUE, color="k", lw=0.8)
        axes[1].set(title="Q10 from five starts", xlabel="Q10", yticks=range(len(CASES)), yticklabels=list(CASES))
        axes[2].set(title="loss at fixed Q10, less the least", xlabel="Q10")
        axes[2].set_yscale("symlog", linthresh=1e-3)


def main() -> None:
    """Make, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    series = truth()
    correlation = float(np.corrcoef(series["light_10"], series["temperature"])[0, 1])
    result: dict[str, Any] = {"true_q10": TRUE, "correlation_of_light_10_and_T": round(correlation, 2), "cases": {}}
    for case in CASES:
        begin = time.perf_counter()
        every = train(series, case)
        q10, losses, scores = (each[:SEEDS] for each in every)
        profile = [float(x) for x in every[1][SEEDS:]]
        result["cases"][case] = {
            "q10": [round(float(x), 3) for x in q10], "q10_mean": round(float(q10.mean()), 3),
            "q10_spread": round(float(q10.std()), 3), "loss": [round(float(x), 5) for x in losses],
            "r2_last_quarter": [round(float(x), 3) for x in scores],
            "profile_at": PROFILE, "profile": [round(x, 5) for x in profile],
            "seconds": round(time.perf_counter() - begin, 1),
        }  # fmt: skip
    text = json.dumps(result, indent=1, ensure_ascii=False)
    print(text)
    if options.json:
        options.json.write_text(text, encoding="utf-8")
    if options.figure:
        draw(series, result, options.figure)


if __name__ == "__main__":
    main()
