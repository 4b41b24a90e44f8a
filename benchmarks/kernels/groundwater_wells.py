"""Thirty-five wells in Brabant: a reservoir with a linear recharge, with a learned one, and regressions alone.

    DGEO_DATA=… python benchmarks/kernels/groundwater_wells.py --json benchmarks/results/kernels/groundwater_wells.json

Heads of 1965–2018, rain and evaporation of two stations, and the pumping of one well field, by half months. Every
well is a cell of an aquifer with its own storativity, conductance to a base level and share of the pumping. Recharge is
P − f·E (physics), or a network, shared by all wells, of P, E, two memories of P − E and the well's f (hybrid). Beside
them: a ridge regression for each well, and one network for all with an offset and four numbers for each well, both of
memories of P, E and pumping over 30 to 3000 days. Trained before 1997, the weights chosen on 1997–2004, tested on what
follows. The score is the median over wells of the root mean square error, in metres and over the standard deviation in
training.
"""

import argparse
import json
import os
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd

from dgeo.engine import Parameters, simulate
from dgeo.models import Aquifer, Formula, grid
from dgeo.nn import mlp

STEP, DAYS, FIRST = "15D", 15.0, "1958-01-01"
MEMORIES = (30, 90, 300, 1000, 3000)  # days
SERIES = ("precipitation", "evaporation", "wet_30", "wet_180")


class Learned(eqx.Module):
    """Recharge [m d-1] = P − f·E, and what a network adds to it."""

    network: eqx.nn.MLP
    inputs: tuple[str, ...] = eqx.field(static=True, default=(*SERIES, "factor"))
    forcings: tuple[str, ...] = eqx.field(static=True, default=SERIES)
    attributes: tuple[str, ...] = eqx.field(static=True, default=("factor",))

    def __call__(self, values):
        scaled = jnp.stack([1e3 * values[name] for name in SERIES] + [values["factor"]])
        added = 1e-3 * self.network(scaled)[0]
        return values["precipitation"] - values["factor"] * values["evaporation"] + added


class Wells(eqx.Module):
    """What is learned: numbers of every well, and the law of recharge."""

    numbers: dict[str, jax.Array]
    model: Aquifer

    def __call__(self, series, base):
        shape = (-1, 1, 1)
        z = self.numbers
        static = {
            "conductivity": jnp.ones_like(z["factor"]),
            "storativity": 0.2 * jnp.exp(z["storativity"]),
            "conductance": 2e-3 * jnp.exp(z["conductance"]),
            "factor": jnp.exp(z["factor"]) * 0.8,
        }
        static = {name: x.reshape(shape) for name, x in static.items()}
        sites, steps = len(base), len(series["precipitation"])
        level = jnp.broadcast_to((base + z["level"]).reshape(1, -1, 1, 1), (steps, sites, 1, 1))
        forcing = {name: jnp.broadcast_to(series[name].reshape(-1, 1, 1, 1), (steps, sites, 1, 1)) for name in SERIES}
        pumping = 1e-3 * series["pumping"].reshape(-1, 1, 1, 1) * z["pumping"].reshape(1, -1, 1, 1)
        forcing |= {"recharge": 0 * level - pumping, "pumping": 0 * level, "stage": level}
        start = {"water": static["storativity"] * (base.reshape(shape) - self.model.grid.bottom)}
        out, _ = simulate(self.model, forcing, Parameters(static, {}), start, dt=DAYS, outputs=("head",))
        return out["head"][..., 0, 0]


class Network(eqx.Module):
    """Memories and four numbers of a well → its head, over the mean of training."""

    network: eqx.nn.MLP
    numbers: jax.Array

    def __call__(self, features):
        def at(now, numbers):
            return self.network(jnp.concatenate([now, numbers]))[0]

        return jax.vmap(jax.vmap(at, (None, 0)), (0, None))(features, self.numbers)


def loaded(root):
    folder = Path(root) / "groundwater" / "brabant_network"
    heads = pd.read_csv(folder / "heads.csv.gz", index_col=0, parse_dates=True).resample(STEP, origin=FIRST).mean()
    stress = {
        name: pd.read_csv(folder / f"{file}.csv.xz", index_col=0, parse_dates=True)
        .iloc[:, 0]
        .resample(STEP, origin=FIRST)
        for name, file in (("precipitation", "rain"), ("evaporation", "evap"), ("pumping", "well"))
    }
    table = pd.DataFrame({name: x.mean() for name, x in stress.items()}).loc[FIRST:"2018-02-01"]
    table = table.interpolate(limit_direction="both")
    heads = heads.reindex(table.index)
    before, after = heads[:"2004"].notna().sum(), heads["2005":].notna().sum()
    heads = heads.loc[:, (before >= 60) & (after >= 30)]
    table["pumping"] /= table.pumping.mean()
    surplus = table.precipitation - 0.8 * table.evaporation
    for days in (30, 180):
        table[f"wet_{days}"] = surplus.ewm(halflife=days / DAYS).mean()
    return table, heads


def memories(table):
    columns = [
        table[name].ewm(halflife=k).mean() for name in ("precipitation", "evaporation", "pumping") for k in MEMORIES
    ]
    features = np.stack([c.to_numpy() for c in columns], 1)
    past = slice(0, table.index.get_indexer([pd.Timestamp("2004-12-31")], method="nearest")[0])
    return (features - features[past].mean(0)) / features[past].std(0)


def fitted(learner, apply, target, weight, chosen, steps, rate):
    """Adam, and the weights that did best where `chosen` is."""
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(rate, steps)))

    def trains(tree):
        return eqx.partition(tree, eqx.is_inexact_array)

    moments = optimiser.init(trains(learner)[0])

    @eqx.filter_jit
    def step(learner, moments):
        def loss(learner):
            error = (apply(learner) - target) ** 2
            return jnp.sum(error * weight), jnp.sum(error * chosen)

        (_, chose), slopes = eqx.filter_value_and_grad(loss, has_aux=True)(learner)
        updates, moments = optimiser.update(slopes, moments)
        return eqx.apply_updates(learner, updates), moments, chose

    best, kept = np.inf, learner
    for _ in range(steps):
        after, moments, chose = step(learner, moments)
        if float(chose) < best:
            best, kept = float(chose), learner
        learner = after
    return kept


def ridge(features, target, trains, chosen):
    """For each well its own; the strength chosen where `chosen` is."""
    found = np.empty_like(target)
    x = np.column_stack([features, np.ones(len(features))])
    for i in range(target.shape[1]):
        best = np.inf
        for strength in (0.1, 1.0, 10.0, 100.0, 1000.0):
            a = x[trains[:, i]]
            weights = np.linalg.solve(a.T @ a + strength * np.eye(x.shape[1]), a.T @ target[trains[:, i], i])
            error = np.mean((x @ weights - target[:, i])[chosen[:, i]] ** 2)
            if error < best:
                best, found[:, i] = error, x @ weights
    return found


def main(steps):
    table, heads = loaded(os.environ["DGEO_DATA"])
    y, seen = heads.to_numpy(), heads.notna().to_numpy()
    dates = heads.index
    past, test = seen & (dates < "1997-01-01")[:, None], seen & (dates >= "2005-01-01")[:, None]
    chosen = seen & (dates >= "1997-01-01")[:, None] & (dates < "2005-01-01")[:, None]
    thin = past.sum(0) < 30
    past[:, thin] |= chosen[:, thin]
    mean, spread = (np.nanmean(np.where(past, y, np.nan), 0), np.nanstd(np.where(past, y, np.nan), 0))
    scaled = np.where(seen, (y - mean) / spread, 0.0)
    weight, choice = (jnp.asarray(mask / mask.sum(0).clip(1) / y.shape[1], jnp.float32) for mask in (past, chosen))
    target, base = jnp.asarray(scaled, jnp.float32), jnp.asarray(mean, jnp.float32)
    series = {name: jnp.asarray(table[name].to_numpy(), jnp.float32) for name in (*SERIES, "pumping")}
    physics = Aquifer(jax.tree.map(lambda x: x.astype(jnp.float32), grid((1, 1), 1.0, bottom=-50.0)))
    linear = Formula(lambda p, e, f, lost: p - f * e + lost, (*SERIES[:2], "factor", "recharge"), ("factor",), SERIES)

    class WithPumping(Learned):
        inputs: tuple[str, ...] = eqx.field(static=True, default=(*SERIES, "factor", "recharge"))

        def __call__(self, values):
            return super().__call__(values) + values["recharge"]

    sites = y.shape[1]
    numbers = {n: jnp.zeros(sites) for n in ("storativity", "conductance", "factor", "pumping")}
    numbers["level"] = jnp.full(sites, -0.7)
    network = WithPumping(mlp(5, 1, width=16, depth=2, key=jax.random.key(0)))

    def heads_of(learner):
        return (learner(series, base) - base) / jnp.asarray(spread, jnp.float32)

    results, flows = {}, {}
    learned = None
    for name in ("physics", "hybrid"):
        law = linear if name == "physics" else network
        start = Wells(numbers if learned is None else learned.numbers, physics.with_laws({"recharge": law}))
        began = time.perf_counter()
        learned = fitted(start, heads_of, target, weight, choice, steps, 0.03)
        flows[name] = np.asarray(eqx.filter_jit(heads_of)(learned))
        results[f"{name}_seconds"] = time.perf_counter() - began
        print(name, results[f"{name}_seconds"], scores(flows[name], scaled, test, spread), flush=True)
    features = memories(table)
    flows["ridge"] = ridge(features, scaled, past, chosen)
    x = jnp.asarray(features, jnp.float32)
    net = Network(mlp(x.shape[1] + 4, 1, width=32, depth=2, key=jax.random.key(1)), jnp.zeros((sites, 4)) + 0.01)
    flows["network"] = np.asarray(fitted(net, lambda n: n(x), target, weight, choice, 3 * steps, 0.01)(x))
    results["scores"] = {name: scores(flow, scaled, test, spread) for name, flow in flows.items()}
    results |= {"wells": sites, "tested": int(test.sum())}
    well = int(np.argmax(test.sum(0)))
    kept = np.flatnonzero(seen[:, well])[-150:]
    results["one_well"] = {
        "name": heads.columns[well],
        "dates": [str(d.date()) for d in dates[kept]],
        "observed": np.round(y[kept, well], 3).tolist(),
        **{n: np.round(f[kept, well] * spread[well] + mean[well], 3).tolist() for n, f in flows.items()},
    }
    return results


def scores(flow, scaled, test, spread):
    error = np.array([np.sqrt(np.mean((flow[t, i] - scaled[t, i]) ** 2)) for i, t in enumerate(test.T)])
    return {
        "rmse_over_sd": float(np.median(error)),
        "rmse_m": float(np.median(error * spread)),
        "worst": float(error.max()),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--steps", type=int, default=80)
    arguments = parser.parse_args()
    results = main(arguments.steps)
    print(results["scores"])
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
