"""River networks in numbers: a year of hours on a continental network, and 28 hours beside its gauges.

    DGEO_DATA=/path/to/data python benchmarks/kernels/river.py --json benchmarks/results/kernels/river.json

All in float32 on whatever cores there are. The network of the Lower Colorado (11,248 reaches, 649 in a row) is real, as
are its channels (trapezoids; flood plains and lakes left out) and the lateral inflow of its 28 hours. The start is
uniform flow at what the National Water Model gives for the first hour; the gauges' file ends in the eleventh.
"""

import argparse
import json
import os
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from growth import defaults, single, tree_of

from dgeo.models import River, reaches
from dgeo.models.river import rating

HOUR = 3600.0
YEAR = 8760


def seconds(call, *arguments, times=2):
    """Of the processor, which a busy machine changes less than those of the clock."""
    jax.block_until_ready(call(*arguments))
    taken = []
    for _ in range(times):
        began = time.process_time()
        jax.block_until_ready(call(*arguments))
        taken.append(time.process_time() - began)
    return min(taken)


def lower_colorado(root):
    folder = Path(root) / "routing_lower_colorado"
    data = xr.open_dataset(folder / "lower_colorado_tx_nwm_routelink.nc")
    place = {int(link): i for i, link in enumerate(data.link.values)}
    down = np.array([place.get(int(to), -1) for to in data.to.values])
    model = single(River(reaches(down, data.Length.values, data.So.values)))
    channels = {
        "manning_roughness": data.n.values,
        "bottom_width": data.BtmWdth.values,
        "side_slope": 1 / data.ChSlp.values,
    }
    return model, {name: jnp.asarray(x, jnp.float32) for name, x in channels.items()}, data, folder


def year(model, channels):
    """One year of hours, season by season, so that a season's inflow alone is in memory."""
    count, seasons = model.reaches.count, 4
    inflow = jnp.asarray(np.random.default_rng(1).exponential(0.05, (YEAR // seasons, count)), jnp.float32)

    @jax.jit
    def season(state, inflow):
        dt = jnp.asarray(HOUR, jnp.float32)
        return model.march(state, {"lateral_inflow": inflow}, channels, {}, dt, ("outflow",))

    jax.block_until_ready(season(model.initial_state(), inflow))
    began, of_cpu, state = time.perf_counter(), time.process_time(), model.initial_state()
    for _ in range(seasons):
        state, _ = jax.block_until_ready(season(state, inflow))
    taken, of_cpu = time.perf_counter() - began, time.process_time() - of_cpu
    sizes = {"reaches": count, "turns": model.reaches.turns, "hours": YEAR}
    return {**sizes, "seconds": taken, "cpu_seconds": of_cpu, "load": os.getloadavg()[0]}


def uniform(model, channels, discharge):
    """The volumes at which every reach discharges so much in uniform flow, by bisection in the logarithm."""
    geometry = (model.reaches.length, model.reaches.slope, model.reaches.reservoir)
    flow = jax.jit(jax.vmap(lambda v, values, geometry: rating(v, (model, values, geometry))))
    low, high = (np.full(model.reaches.count, x) for x in (-10.0, 25.0))
    for _ in range(60):
        middle = (low + high) / 2
        less = np.asarray(flow(jnp.exp(jnp.asarray(middle, jnp.float32)), channels, geometry)) < discharge
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    return jnp.asarray(np.where(discharge > 0, np.exp(high), 0), jnp.float32)


def gauges(model, channels, data, folder):
    """28 hours in steps of 5 minutes from the National Water Model's first hour, beside gauges and that model."""
    reference = data.streamflow.values.T
    start = {"volume": uniform(model, channels, reference[0])}
    inflow = jnp.repeat(jnp.asarray(data.q_lateral.values.T, jnp.float32), 12, axis=0)
    dt = jnp.asarray(300.0, jnp.float32)
    run = jax.jit(
        lambda s: model.march(s, {"lateral_inflow": inflow}, channels, {}, dt, ("discharge",))[1]["discharge"]
    )
    taken = seconds(run, start, times=1)
    flow = np.asarray(run(start))[11::12]
    observed = pd.read_csv(folder / "usgs_15min_20210823.csv.gz", dtype={"gage": str})
    times = pd.to_datetime(observed.time_utc.str.replace("_", " "))
    observed = observed.assign(time=times)[observed.quality == 100]
    rows = []
    for link, gage in enumerate(data.gage.values):
        series = observed[observed.gage == str(gage).strip()].set_index("time").discharge_m3s
        seen = series.reindex(pd.DatetimeIndex(data.hour.values)).to_numpy() if len(series) else np.empty(0)
        if seen.size and np.isfinite(seen[1:]).sum() >= 8 and np.isfinite(seen[0]):
            rows.append([str(gage).strip(), seen, flow[:, link], reference[:, link]])
    first = {gage: row[0] for gage, row in zip([r[0] for r in rows], [r[1] for r in rows], strict=True)}
    away = {
        "routed": [error(r[2], r[1]) for r in rows],
        "National Water Model": [error(r[3], r[1]) for r in rows],
        "first observation kept": [error(np.full_like(r[1], first[r[0]]), r[1]) for r in rows],
        "start kept": [error(np.full_like(r[1], r[3][0]), r[1]) for r in rows],
    }
    large = reference[-1] > 0.1
    ratio = np.log(np.maximum(flow[-1, large], 1e-6) / reference[-1, large])
    return {
        "gauges": len(rows),
        "seconds_for_28_hours": taken,
        "median_mean_absolute_error_m3s": {name: float(np.median(x)) for name, x in away.items()},
        "mean_absolute_error_m3s": {name: float(np.mean(x)) for name, x in away.items()},
        "beside_National_Water_Model_last_hour": {
            "reaches_over_0.1_m3s": int(large.sum()),
            "median_ratio": float(np.exp(np.median(ratio))),
            "within_10_percent": float(np.mean(np.abs(ratio) < 0.1)),
        },
        "largest_gauges": [
            {"gage": r[0], "observed": r[1].tolist(), "routed": r[2].tolist(), "reference": r[3].tolist()}
            for r in sorted(rows, key=lambda r: -np.nanmean(r[1]))[:2]
        ],
    }


def error(flow, seen):
    return float(np.nanmean(np.abs(flow - seen)[1:]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    model, channels, data, folder = lower_colorado(os.environ["DGEO_DATA"])
    results = {"gauges": gauges(model, channels, data, folder), "year": year(model, channels)}
    print({**results["gauges"], "largest_gauges": None}, results["year"], flush=True)
    ten_thousand = River(tree_of(10_000, np.random.default_rng(2)))
    results["year_10000"] = year(ten_thousand, defaults(ten_thousand, ten_thousand.reaches.count))
    print(results["year_10000"], flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
