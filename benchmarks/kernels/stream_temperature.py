"""Three Swiss rivers: water temperature from air and flow, by a heat balance, a learned one, and networks alone.

    DGEO_DATA=… python benchmarks/kernels/stream_temperature.py --json …/results/kernels/stream_temperature.json

Daily means; the files' calibration years for training, the last fifth of them for choosing, the files' validation years
for the test. Below a source, whose temperature follows the mean of the air over some past weeks, a river of one cell
exchanges heat with the air: Φ = K·(Ta + b − T) + a season (physics), or a network of T, Ta, flow and season beside it
(hybrid). Depth and velocity are powers of flow. Beside it: a network of the same forcings and their memories (ML), with
no physics and no state. Scores in K; three seeds.
"""

import argparse
import json
import os
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from dgeo.engine import Parameters, simulate
from dgeo.models import StreamTemperature, line
from dgeo.nn import mlp

RIVERS = {"Mentue": "MAH_2369", "Dischmabach": "DAV_2327", "Rhone": "SIO_2011"}
DAY, WARM, LENGTH = 86400.0, 60, 10e3
NAMES = ("air_temperature", "flow", "sine", "cosine")


class Exchange(eqx.Module):
    """Φ [W m-2]: K·(Ta + b − T) + c·sin + d·cos of the day of the year, and what a network adds."""

    numbers: jax.Array
    network: eqx.nn.MLP | None
    inputs: tuple[str, ...] = eqx.field(static=True, default=("temperature", *NAMES))
    forcings: tuple[str, ...] = eqx.field(static=True, default=NAMES)
    attributes: tuple[str, ...] = eqx.field(static=True, default=())

    def __call__(self, values):
        coefficient, offset, sine, cosine = self.numbers
        warmer = values["air_temperature"] + offset - values["temperature"]
        heat = 30.0 * jnp.exp(coefficient) * warmer + 50.0 * (sine * values["sine"] + cosine * values["cosine"])
        if self.network is None:
            return heat
        scaled = [values["temperature"] / 10, values["air_temperature"] / 10]
        scaled += [values[name] for name in ("flow", "sine", "cosine")]
        return heat + 30.0 * self.network(jnp.stack(scaled))[0]


class Stream(eqx.Module):
    """The law, and what flow makes of depth, velocity and the source."""

    law: Exchange
    numbers: jax.Array

    def __call__(self, series):
        depth, exponent, velocity, source, weight = self.numbers
        model = StreamTemperature(line(LENGTH, 1), laws={"surface_heat": self.law})
        model = jax.tree.map(lambda x: x.astype(jnp.float32) if eqx.is_inexact_array(x) else x, model)
        share = jax.nn.sigmoid(exponent)
        moving = {
            "depth": jnp.exp(depth + share * series["flow"])[:, None],
            "velocity": 0.2 * jnp.exp(velocity + (1 - share) / 2 * series["flow"])[:, None],
        }
        static = {"dispersion": jnp.full(1, 1e-3)}
        forcing = {name: series[name][:, None] for name in NAMES}
        forcing["heat_inflow"] = (source + jax.nn.sigmoid(weight) * series["slow_air"])[:, None]
        start = {"heat": jnp.full((1, 1), LENGTH) * series["slow_air"][0]}
        out, _ = simulate(model, forcing, Parameters(static, moving), start, dt=DAY, outputs=("temperature",))
        return out["temperature"][:, 0, 0]


def loaded(root, code):
    """Series over calibration and validation, and what is observed in each."""
    folder = Path(root) / "stream_temperature" / "air2stream_switzerland"
    parts = [np.loadtxt(folder / f"{code}_{part}.txt") for part in ("cc", "cv")]
    rows = np.vstack(parts)
    air, water, flow = (rows[:, k].astype(np.float64) for k in (3, 4, 5))
    dates = np.array([np.datetime64(f"{int(y)}-{int(m):02}-{int(d):02}") for y, m, d in rows[:, :3]])
    season = 2 * np.pi * ((dates - dates.astype("datetime64[Y]")).astype(float) / 365.25)
    air, flow = (np.interp(np.arange(len(x)), np.flatnonzero(x > -900), x[x > -900]) for x in (air, flow))
    logarithm = np.log(np.maximum(flow, 1e-3))
    calibrates = np.arange(len(rows)) < len(parts[0])
    logarithm -= logarithm[calibrates].mean()
    series = {"air_temperature": air, "flow": logarithm, "sine": np.sin(season), "cosine": np.cos(season)}
    series["slow_air"] = memory(air, 20)
    return series, water, (water > -900) & (np.arange(len(rows)) >= WARM), calibrates


def memory(x, days):
    out, share, held = np.empty_like(x), 1 - np.exp(-1 / days), x[:30].mean()
    for i, now in enumerate(x):
        held += share * (now - held)
        out[i] = held
    return out


def fitted(learner, water, weight, chosen, steps, rate):
    """Adam on all of the calibration at once; the weights that did best where `chosen` is."""
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(rate, steps)))
    variable, apply = learner
    moments = optimiser.init(eqx.filter(variable, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(variable, moments):
        def loss(variable):
            error = (apply(variable) - water) ** 2
            return jnp.sum(error * weight) / jnp.sum(weight), jnp.sum(error * chosen) / jnp.sum(chosen)

        (_, chose), slopes = eqx.filter_value_and_grad(loss, has_aux=True)(variable)
        updates, moments = optimiser.update(slopes, moments)
        return eqx.apply_updates(variable, updates), moments, chose

    best, kept = np.inf, variable
    for _ in range(steps):
        after, moments, chose = step(variable, moments)
        if float(chose) < best:
            best, kept = float(chose), variable
        variable = after
    return kept


def river(root, name, seeds, steps):
    series, water, seen, calibrates = loaded(root, RIVERS[name])
    single = {n: jnp.asarray(x, jnp.float32) for n, x in series.items()}
    cut = np.flatnonzero(calibrates & seen)[int(0.8 * np.sum(calibrates & seen))]
    past = seen & (np.arange(len(water)) < cut)
    chosen, test = seen & calibrates & ~past, seen & ~calibrates
    masks = [jnp.asarray(m, jnp.float32) for m in (past, chosen)]
    target = jnp.asarray(np.where(seen, water, 0), jnp.float32)
    memories = np.stack([memory(series[n], k) for n in ("air_temperature", "flow") for k in (1, 3, 10, 30)], 1)
    features = np.column_stack([series[n] for n in NAMES] + [memories])
    features = jnp.asarray((features - features[past].mean(0)) / features[past].std(0), jnp.float32)
    found = {"physics": [], "hybrid": [], "network": []}
    for seed in range(seeds):
        key, other = jax.random.split(jax.random.key(seed))
        start = Stream(Exchange(jnp.zeros(4), None), jnp.asarray([-0.5, 0.0, 0.0, 2.0, 0.0]))
        physics = fitted((start, lambda m: m(single)), target, *masks, steps, 0.05)
        beside = Exchange(physics.law.numbers, mlp(5, 1, width=16, depth=2, key=key))
        hybrid = fitted((Stream(beside, physics.numbers), lambda m: m(single)), target, *masks, steps, 0.01)
        network = mlp(features.shape[1], 1, width=32, depth=2, key=other)
        alone = fitted((network, lambda n: 10 + 5 * jax.vmap(n)(features)[:, 0]), target, *masks, 3 * steps, 0.01)
        flows = {
            "physics": eqx.filter_jit(physics)(single),
            "hybrid": eqx.filter_jit(hybrid)(single),
            "network": 10 + 5 * jax.vmap(alone)(features)[:, 0],
        }
        for form, flow in flows.items():
            found[form].append(float(np.sqrt(np.mean((np.asarray(flow) - water)[test] ** 2))))
    scores = {form: {"rmse_K": float(np.mean(x)), "seeds": x} for form, x in found.items()}
    print(name, int(test.sum()), {form: round(score["rmse_K"], 3) for form, score in scores.items()}, flush=True)
    last = np.flatnonzero(test)[:365]
    picture = {form: np.round(np.asarray(flow)[last], 2).tolist() for form, flow in flows.items()}
    return {"tested_days": int(test.sum()), "scores": scores}, {"observed": water[last].tolist(), **picture}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    arguments = parser.parse_args()
    results = {}
    for name in RIVERS:
        results[name], year = river(os.environ["DGEO_DATA"], name, arguments.seeds, arguments.steps)
        if name == "Mentue":
            results["year_of_Mentue"] = year
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
