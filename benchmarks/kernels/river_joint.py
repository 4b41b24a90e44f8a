"""Runoff and routing learned together from a few gauges of a river network, and tested at gauges withheld.

    python benchmarks/kernels/river_joint.py --json benchmarks/results/kernels/river_joint.json

A virtual network of 60 reaches with three attributes each, which set how its hillslopes give water (two numbers of a
soil that fills and a reservoir that empties) and how rough its bed is. The truth has every reach in three parts and
steps of 20 minutes, the learner whole reaches and steps of two hours. Observed are the outlet and four gauges, daily,
with errors of 5 %; one network of the attributes gives all three numbers of a reach. Trained on three years, tested on
the fourth, at the gauges seen and at all other reaches of more than five sub-catchments. Beside it: runoff alone,
summed without routing; and both in turn, runoff first. Identifiability is the spread of three seeds, reach by reach.
"""

import argparse
import json
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from dgeo.models import River, reaches
from dgeo.nn import mlp
from dgeo.numerics import Bounds

REACHES, DAYS, YEAR, WARM = 60, 4 * 365, 365, 30
DAY, HOUR = 86400.0, 3600.0
BOUNDS = {
    "soil_capacity": Bounds(20.0, 500.0, "logarithmic"),
    "recession": Bounds(0.1, 5.0, "logarithmic"),
    "manning_roughness": Bounds(0.01, 0.3, "logarithmic"),
}


def hillslopes(rain, potential, capacity, recession):
    """Runoff [mm d-1]: a soil that evaporates as it is full and spills as its square, and a linear reservoir."""

    def day(state, now):
        soil, store = state
        rain, potential = now
        filled = jnp.minimum(soil / capacity, 1.0)
        recharge = rain * filled**2
        soil = jnp.clip(soil + rain - recharge - potential * filled, 0.0, capacity)
        flow = recession * (store + recharge) / (1 + recession)
        return (soil, store + recharge - flow), flow

    start = (capacity / 2, jnp.ones_like(capacity))
    return jax.lax.scan(day, start, (rain, jnp.broadcast_to(potential[:, None], rain.shape)))[1]


class World:
    """The network, its attributes, its weather and the truth."""

    def __init__(self, seed):
        random = np.random.default_rng(seed)
        down = np.minimum(np.arange(REACHES) + random.integers(1, 6, REACHES), REACHES - 1)
        down[-1] = -1
        self.down, self.length = down, random.uniform(8e3, 25e3, REACHES)
        self.slope = 10 ** random.uniform(-4, -3, REACHES)
        self.attributes = random.normal(size=(REACHES, 3)).astype(np.float32)
        self.area = random.uniform(30e6, 120e6, REACHES)
        self.drained = self.area.copy()
        for i in range(REACHES - 1):
            self.drained[down[i]] += self.drained[i]
        wet = random.random((DAYS, 1)) < 0.3
        storms = wet * random.gamma(0.8, 14.0, (DAYS, 1))
        self.rain = (storms * random.lognormal(0, 0.5, (DAYS, REACHES))).astype(np.float32)
        self.potential = (2.5 - 1.8 * np.cos(2 * np.pi * np.arange(DAYS) / YEAR)).astype(np.float32)
        self.width = (5 * (self.drained / 1e7) ** 0.5).astype(np.float32)
        self.truth = self.true_parameters()
        gauged = np.argsort(self.drained)[[-1, -8, -16, -24, -32]]
        inner = np.flatnonzero(self.drained > 5 * self.area.mean())
        self.gauged, self.withheld = gauged, np.setdiff1d(inner, gauged)
        flow = self.true_flow()
        self.flow = flow
        self.observed = (flow[:, gauged] * random.lognormal(0, 0.05, (DAYS, len(gauged)))).astype(np.float32)

    def true_parameters(self):
        a = self.attributes
        z = np.stack([np.tanh(a[:, 0]), a[:, 1] / 2, np.sin(a[:, 2]) + 0.3 * a[:, 0]], 1)
        return {
            name: np.asarray(bounds.from_unbounded(jnp.asarray(1.2 * z[:, i])))
            for i, (name, bounds) in enumerate(BOUNDS.items())
        }

    def true_flow(self):
        """Every reach in three parts, of which the first gets the lateral inflow; steps of 20 minutes."""
        parts = np.arange(3 * REACHES).reshape(REACHES, 3)
        down = np.append(np.arange(1, 3 * REACHES), -1).reshape(REACHES, 3)
        down[:, 2] = np.where(self.down < 0, -1, parts[self.down, 0])
        model = River(reaches(down.ravel(), np.repeat(self.length / 3, 3), np.repeat(self.slope, 3)))
        runoff = hillslopes(self.rain, self.potential, *(jnp.asarray(self.truth[n]) for n in list(BOUNDS)[:2]))
        lateral = np.zeros((DAYS, 3 * REACHES), np.float32)
        lateral[:, parts[:, 0]] = np.asarray(runoff) * self.area / 1000 / DAY
        flow = daily(
            model, jnp.asarray(lateral), np.repeat(self.truth["manning_roughness"], 3), np.repeat(self.width, 3), 72
        )
        return np.asarray(flow)[:, parts[:, 2]]


def daily(model, lateral, roughness, width, parts):
    """Daily means of the discharge of every reach."""
    channel = {
        "manning_roughness": jnp.asarray(roughness),
        "bottom_width": jnp.asarray(width),
        "side_slope": jnp.ones(len(width), jnp.float32),
    }
    dt, hourly = jnp.asarray(DAY / parts, jnp.float32), jnp.repeat(lateral, parts, axis=0)
    run = model.march(model.initial_state(), {"lateral_inflow": hourly}, channel, {}, dt, ("discharge",))
    return run[1]["discharge"].reshape(len(lateral), parts, -1).mean(1)


class Learner(eqx.Module):
    """Attributes → soil capacity, recession and roughness of a reach."""

    network: eqx.nn.MLP

    def __call__(self, attributes):
        z = jax.vmap(self.network)(attributes)
        return {name: bounds.from_unbounded(z[:, i]) for i, (name, bounds) in enumerate(BOUNDS.items())}


def nse(simulated, observed):
    return 1 - np.sum((simulated - observed) ** 2, 0) / np.sum((observed - observed.mean(0)) ** 2, 0)


def trained(world, seed, form, steps=200):
    """`joint`, `summed` (no routing) or `in turn` (half of the steps summed, then routing alone)."""
    river = River(reaches(world.down, world.length, world.slope))
    river = jax.tree.map(lambda x: x.astype(jnp.float32) if eqx.is_inexact_array(x) else x, river)
    attributes, area = jnp.asarray(world.attributes), jnp.asarray(world.area, jnp.float32)
    learner = Learner(mlp(3, 3, width=16, depth=2, key=jax.random.key(seed)))
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(0.01, steps)))
    moments = optimiser.init(eqx.filter(learner, eqx.is_array))
    scale = jnp.asarray(world.observed[: 3 * YEAR].std(0))
    order = [int(i) for i in range(REACHES)]

    def flows(learner, rain, potential, routing, hold=False):
        numbers = learner(attributes)
        if hold:
            numbers = {n: x if n == "manning_roughness" else jax.lax.stop_gradient(x) for n, x in numbers.items()}
        runoff = hillslopes(rain, potential, numbers["soil_capacity"], numbers["recession"])
        lateral = runoff * area / 1000 / DAY
        if routing:
            return daily(river, lateral, numbers["manning_roughness"], world.width, 12)
        return lateral @ jnp.asarray(above(world.down, order), jnp.float32)

    @eqx.filter_jit
    def step(learner, moments, rain, potential, observed, routing, hold):
        def loss(learner):
            flow = flows(learner, rain, potential, routing, hold)[:, world.gauged]
            return jnp.mean(((flow - observed) / scale)[WARM:] ** 2)

        value, slopes = eqx.filter_value_and_grad(loss)(learner)
        updates, moments = optimiser.update(slopes, moments)
        return eqx.apply_updates(learner, updates), moments, value

    random, began = np.random.default_rng(seed), time.perf_counter()
    for k in range(steps):
        start = random.integers(0, 3 * YEAR - 120)
        days = slice(start, start + 120)
        routing = form == "joint" or (form == "in turn" and k >= steps // 2)
        batch = (world.rain[days], world.potential[days], world.observed[days])
        hold = form == "in turn" and routing
        learner, moments, _ = step(learner, moments, *(jnp.asarray(x) for x in batch), routing, hold)
    taken = time.perf_counter() - began
    run = jax.jit(lambda rain, potential: flows(learner, rain, potential, form != "summed"))
    flow = np.asarray(run(world.rain, world.potential))[3 * YEAR :]
    true, numbers = world.flow[3 * YEAR :], {n: np.asarray(x) for n, x in learner(attributes).items()}
    found = {name: float(np.corrcoef(np.log(numbers[name]), np.log(world.truth[name]))[0, 1]) for name in BOUNDS}
    return {
        "form": form,
        "seed": seed,
        "seconds": taken,
        "nse_gauged": float(np.median(nse(flow, true)[world.gauged])),
        "nse_withheld": float(np.median(nse(flow, true)[world.withheld])),
        "nse_withheld_worst": float(np.min(nse(flow, true)[world.withheld])),
        "correlation_with_truth": found,
    }, numbers


def above(down, order):
    """[reach, reach]: 1 where the row's reach drains through the column's."""
    through = np.eye(len(down))
    for i in order:
        at = down[i]
        while at >= 0:
            through[i, at] = 1
            at = down[at]
    return through


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    arguments = parser.parse_args()
    world = World(0)
    rows, numbers = [], []
    for form in ("joint", "in turn", "summed"):
        for seed in range(arguments.seeds if form == "joint" else 1):
            row, found = trained(world, seed, form, arguments.steps)
            print(row, flush=True)
            rows.append(row)
            if form == "joint":
                numbers.append(found)
    spread = {n: float(np.mean(np.std([np.log(x[n]) for x in numbers], axis=0))) for n in BOUNDS}
    truth = {n: float(np.std(np.log(world.truth[n]))) for n in BOUNDS}
    results = {"gauges": len(world.gauged), "withheld": len(world.withheld), "rows": rows}
    results["identifiability"] = {"spread_of_seeds_ln": spread, "spread_of_truth_ln": truth}
    pair = (world.truth["manning_roughness"], numbers[0]["manning_roughness"])
    results["roughness"] = {name: np.round(x, 4).tolist() for name, x in zip(("truth", "found"), pair, strict=True)}
    print(results["identifiability"])
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
