"""Snow on the ground at three stations: a degree-day, the same with a learned melt law, and an LSTM; and the snowpack.

    DGEO_DATA=../shared/data python benchmarks/kernels/snow.py --json snow.json --figure snow.png

Daily precipitation and temperature of two SNOTEL sites (526, 663; ten years each) and of Col de Porte (sixteen, its
summers without data, and so without snow) drive, one water year after the other from bare ground,

- `default`: the degree-day snow of HBV with textbook numbers;
- `physics`: the same with four numbers of each site fitted;
- `hybrid`: those, and one melt law for all sites, a network of temperature, season (radiation at the top of the
  atmosphere) and snow, rising in the first two, times the degree-day factor of the site;
- `lstm`: no physics, from the same series, their season and which site it is.

All are fitted to snow water equivalent of the first six tenths of the years, by so many steps of Adam, which nobody
chose by the rest; the rest is what is reported. Nothing corrects precipitation that a gauge did not catch.

The energy balance (`dgeo.models.snowpack`) runs on the hourly weather of Col de Porte in 2005/06, with the default
numbers, and beside it the default degree-day: nothing is fitted.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from descent import descend
from pictures import panels
from snow_balance import energy_balance
from snow_data import SITES, water_years
from snow_models import Memory, degree_days, snow_of

from dgeo.hybrid import network_law
from dgeo.nn import LSTM

STEPS, SEEDS = 400, 3
FITTED = ("threshold_temperature", "degree_day_factor", "refreezing_coefficient", "water_holding_capacity")
Years = dict[str, np.ndarray]


def fitted(run: Any, start: Any, years: Years, rate: float) -> Any:
    """By Adam on squared errors over the spread of each site's snow."""
    known = np.isfinite(years["snow"]) & years["train"]
    spread = np.array([np.nanstd(years["snow"][:, years["site"] == s]) for s in range(len(SITES))])
    observed, weight = jnp.asarray(np.nan_to_num(years["snow"])), jnp.asarray(1 / spread[years["site"]], jnp.float32)

    def loss(learner: Any) -> jax.Array:
        return jnp.sum(jnp.where(known, (run(learner, years) - observed) * weight, 0) ** 2) / known.sum()

    return descend(loss, start, STEPS, rate)[0]


def scores(simulated: np.ndarray, years: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """NSE, root of mean square error, error of the peak and of the day on which the snow is gone, in the test years."""
    found = {}
    for site, name in enumerate(SITES):
        chosen = (years["site"] == site) & ~years["train"]
        observed, ours = years["snow"][:, chosen], np.asarray(simulated)[:, chosen]
        known = np.isfinite(observed)
        error = np.where(known, ours - observed, np.nan)
        gone = [_gone(ours[:, k]) - _gone(observed[:, k]) for k in range(chosen.sum())]
        found[name] = {
            "nse": 1 - float(np.nansum(error**2) / np.nansum((observed - np.nanmean(observed)) ** 2)),
            "rmse_mm": float(np.sqrt(np.nanmean(error**2))),
            "peak_bias": float(_peaks(ours, known) / _peaks(observed, known) - 1),
            "days_gone": float(np.nanmean(np.abs(gone))),
        }
    return found


def _peaks(snow: np.ndarray, known: np.ndarray) -> float:
    """The sum of the largest of every year."""
    return float(np.sum(np.max(np.where(known, snow, 0.0), axis=0)))


def _gone(snow: np.ndarray) -> float:
    """The day after the last with more than 20 mm."""
    lying = np.flatnonzero(np.nan_to_num(snow) > 20)
    return float(lying[-1] + 1) if lying.size else np.nan


def compare(years: Years) -> tuple[dict[str, Any], dict[str, np.ndarray], Any]:
    """Scores of all four, for every seed; what each gives; and the first hybrid."""
    plain = degree_days()
    middle = {
        name: plain.parameters[name].bounds.to_unbounded(jnp.full(3, plain.parameters[name].default)) for name in FITTED
    }
    runs = {"default": np.asarray(jax.jit(lambda: snow_of(plain, middle, years))())}
    physics = fitted(lambda z, y: snow_of(plain, z, y), middle, years, 0.03)
    runs["physics"] = np.asarray(snow_of(plain, physics, years))
    found: dict[str, Any] = {name: [scores(run, years)] for name, run in runs.items()}
    first = None
    for seed in range(SEEDS):
        key = jax.random.key(seed)
        hybrid = fitted(lambda both, y: snow_of(*both, y), (degree_days(melt_law(plain, key)), physics), years, 0.01)
        memory = fitted(lambda net, y: net(y), Memory(LSTM.create(7, 1, hidden=32, key=key)), years, 0.01)
        for name, run in (("hybrid", snow_of(*hybrid, years)), ("lstm", memory(years))):
            runs.setdefault(name, np.asarray(run))
            found.setdefault(name, []).append(scores(np.asarray(run), years))
        first = first or (hybrid, physics)
    return found, runs, first


def melt_law(plain: Any, key: Any) -> Any:
    """Of temperature, season and snow, rising in the first two, times the degree-day factor of the site."""
    return network_law(
        plain, "melt", ("temperature", "sun", "snow_water_equivalent"), width=8, depth=2,
        increasing=("temperature", "sun"), factor=("degree_day_factor",), forcings=("sun",),
        statistics={"sun": (25.0, 10.0)}, key=key,
    )  # fmt: skip


def summary(found: dict[str, Any], years: Years) -> dict[str, Any]:
    """Means and ranges over the seeds, and how many years there are to train and to test."""
    mean = {
        model: {site: {k: float(np.mean([one[site][k] for one in each])) for k in each[0][site]} for site in SITES}
        for model, each in found.items()
    }
    spread = {
        model: {site: float(np.ptp([one[site]["nse"] for one in each])) for site in SITES}
        for model, each in found.items()
    }
    counts = {
        site: [int(((years["site"] == k) & (years["train"] == t)).sum()) for t in (True, False)]
        for k, site in enumerate(SITES)
    }
    return {"years": counts, "test": mean, "nse_range_over_seeds": spread}


def draw(path: Path, years: Years, runs: dict[str, np.ndarray], models: Any, series: dict[str, Any]) -> None:
    """The energy balance; a test year of a site; the learned law."""
    with panels(path, 3) as axes:
        for name, style in (("observed", "k."), ("energy balance", "C0"), ("degree-day", "C1--")):
            axes[0].plot(series[name], style, ms=2, label=name)
        axes[0].set(title="Col de Porte 2005/06, nothing fitted", xlabel="days since 1 October")
        axes[0].set_ylabel("snow water [mm]")
        year = np.flatnonzero((years["site"] == 0) & ~years["train"])[0]
        axes[1].plot(years["snow"][:, year], "k", lw=2, label="observed")
        for name, run in runs.items():
            axes[1].plot(run[:, year], lw=1, label=name)
        axes[1].set(title="SNOTEL 526, first test year", xlabel="days since 1 October")
        law_of_melt(axes[2], models)


def law_of_melt(axis: Any, models: Any) -> None:
    """What was learned, in three seasons, beside the fitted degree-day."""
    (hybrid, numbers), fitted_numbers = models
    warmth, bounds, law = jnp.linspace(-5, 15, 60), hybrid.parameters, hybrid.laws["melt"]
    factor = bounds["degree_day_factor"].bounds.from_unbounded(numbers["degree_day_factor"])[0]
    for sun in (15.0, 27.0, 41.0):
        values = {"temperature": warmth, "sun": jnp.full(60, sun), "snow_water_equivalent": jnp.full(60, 300.0),
                  "degree_day_factor": jnp.full(60, factor)}  # fmt: skip
        melt = jax.vmap(law)({name: values[name] for name in law.inputs})
        axis.plot(warmth, melt, label=f"learned, sun {sun:g} MJ m⁻² d⁻¹")
    own = {name: bounds[name].bounds.from_unbounded(z)[0] for name, z in fitted_numbers.items()}
    plain = own["degree_day_factor"] * jnp.maximum(warmth - own["threshold_temperature"], 0)
    axis.plot(warmth, plain, "k--", label="degree-day, fitted")
    axis.set(title="Melt at SNOTEL 526 [mm d⁻¹]", xlabel="air temperature [°C]")


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    root = Path(os.environ["DGEO_DATA"])
    years = water_years(root)
    found, runs, models = compare(years)
    balance = energy_balance(root)
    series = balance.pop("series")
    result = {**summary(found, years), "energy_balance_2005_06": balance}
    print(json.dumps(result, indent=1))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.figure:
        draw(options.figure, years, runs, models, series)


if __name__ == "__main__":
    main()
