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
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import xarray as xr

from dgeo.engine import Parameters, simulate
from dgeo.hybrid import network_law
from dgeo.models import Formula, hbv, snowpack
from dgeo.nn import LSTM
from dgeo.numerics import Thresholds, trainable
from dgeo.physics import degree_day
from dgeo.physics.solar import extraterrestrial_radiation

SITES = {"SNOTEL 526": 40.0, "SNOTEL 663": 40.0, "Col de Porte": 45.3}  # latitude; of 526 the files do not say
DAYS, WARM, STEPS, SEEDS = 365, 12.0, 400, 3
FITTED = ("threshold_temperature", "degree_day_factor", "refreezing_coefficient", "water_holding_capacity")
ROUNDED = (("thresholds", Thresholds(0.5)),)


def snotel(root: Path, number: int) -> pd.DataFrame:
    """Daily precipitation, temperature and snow."""
    table = pd.read_csv(root / "snow" / f"snotel_{number}_data.csv", parse_dates=["date"], index_col="date")
    return table.set_axis(["snow", "temperature", "precipitation"], axis=1)


def col_de_porte(root: Path) -> pd.DataFrame:
    """The same; days without temperature are filled up to a week, and are summer beyond."""
    archive = zipfile.ZipFile(root / "snow" / "col_de_porte" / "CDP_daily_data_19600801_20170731.zip")
    columns = ["swe_auto", "Tmin", "Tmax", "total_precipitation"]
    with tempfile.TemporaryDirectory() as folder:
        file = archive.extract(archive.namelist()[0], folder)
        table = xr.load_dataset(file)[columns].to_dataframe()["2001-10-01":]
    table.index = table.index.normalize()
    table = table.reindex(pd.date_range("2001-10-01", "2017-09-30"))
    temperature = ((table["Tmin"] + table["Tmax"]) / 2 - 273.15).interpolate(limit=7).fillna(WARM)
    return pd.DataFrame(
        {"snow": table["swe_auto"], "temperature": temperature, "precipitation": table["total_precipitation"].fillna(0)}
    )


def water_years(root: Path) -> dict[str, np.ndarray]:
    """[day, year] of every variable, all sites side by side, with `site` and `train` of every year."""
    tables = [snotel(root, 526), snotel(root, 663), col_de_porte(root)]
    years: dict[str, list[Any]] = {
        name: [] for name in ("snow", "temperature", "precipitation", "sun", "site", "train")
    }
    for site, (table, latitude) in enumerate(zip(tables, SITES.values(), strict=True)):
        firsts = [day for day in table.index if (day.month, day.day) == (10, 1)]
        for k, first in enumerate(firsts):
            year = table.loc[first : first + pd.Timedelta(days=DAYS - 1)]
            day = jnp.asarray(year.index.dayofyear.to_numpy(), jnp.float32)
            for name in ("snow", "temperature", "precipitation"):
                years[name].append(year[name].to_numpy(np.float32))
            years["sun"].append(np.asarray(extraterrestrial_radiation(jnp.radians(latitude), day)))
            years["site"].append(site)
            years["train"].append(k < 0.6 * len(firsts))
    return {name: np.stack(x, axis=-1) for name, x in years.items()}


def degree_days(melt: Any = None) -> Any:
    """HBV, of which only the snow is looked at."""
    laws = {"snow_fraction": Formula(degree_day.snow_fraction, options=ROUNDED)}
    return hbv(**laws, melt=melt or Formula(degree_day.melt, options=ROUNDED))


def forcing_of(years: dict[str, np.ndarray]) -> dict[str, jax.Array]:
    """What the models read."""
    series = {name: jnp.asarray(years[name]) for name in ("temperature", "precipitation", "sun")}
    return {**series, "potential_evapotranspiration": jnp.zeros_like(series["sun"])}


def snow_of(model: Any, unbounded: dict[str, jax.Array], years: dict[str, np.ndarray]) -> jax.Array:
    """Frozen and liquid water [day, year] of a degree-day model with the numbers of each site."""
    known = {name: parameter.default for name, parameter in model.parameters.items()}
    numbers = {name: model.parameters[name].bounds.from_unbounded(z)[years["site"]] for name, z in unbounded.items()}
    full = {name: numbers.get(name, jnp.full(years["site"].size, x)) for name, x in known.items()}
    outputs = ("snow_water_equivalent", "snow_liquid_water")
    found, _ = simulate(model, forcing_of(years), Parameters(full, {}), outputs=outputs)
    return found[outputs[0]] + found[outputs[1]]


class Memory(eqx.Module):
    """An LSTM in the place of everything."""

    network: LSTM

    def __call__(self, years: dict[str, np.ndarray]) -> jax.Array:
        site = np.broadcast_to(np.eye(3, dtype=np.float32)[years["site"]], (DAYS, years["site"].size, 3))
        season = np.broadcast_to(np.linspace(0, 1, DAYS, dtype=np.float32)[:, None], years["sun"].shape)
        scaled = (years["temperature"] / 10, years["precipitation"] / 10, years["sun"] / 20, season)
        inputs = jnp.concatenate([jnp.stack(scaled, axis=-1), site], axis=-1)
        output, _ = self.network(inputs, self.network.initial_carry(years["site"].size))
        return 300 * jax.nn.softplus(output[..., 0] - 1)


def fitted(run: Any, start: Any, years: dict[str, np.ndarray], rate: float) -> Any:
    """By Adam on squared errors over the spread of each site's snow."""
    known = np.isfinite(years["snow"]) & years["train"]
    spread = np.array([np.nanstd(years["snow"][:, years["site"] == s]) for s in range(len(SITES))])
    observed, weight = jnp.asarray(np.nan_to_num(years["snow"])), jnp.asarray(1 / spread[years["site"]], jnp.float32)
    weights, rest = eqx.partition(start, trainable(start))
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(rate, STEPS)))

    @jax.jit
    def step(weights: Any, state: Any) -> Any:
        def loss(weights: Any) -> jax.Array:
            error = (run(eqx.combine(weights, rest), years) - observed) * weight
            return jnp.sum(jnp.where(known, error, 0) ** 2) / known.sum()

        value, slope = jax.value_and_grad(loss)(weights)
        updates, state = optimiser.update(slope, state)
        return optax.apply_updates(weights, updates), state, value

    state = optimiser.init(weights)
    for _ in range(STEPS):
        weights, state, _ = step(weights, state)
    return eqx.combine(weights, rest)


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


def compare(years: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray], Any]:
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
        law = network_law(
            plain, "melt", ("temperature", "sun", "snow_water_equivalent"), width=8, depth=2,
            increasing=("temperature", "sun"), factor=("degree_day_factor",), forcings=("sun",),
            statistics={"sun": (25.0, 10.0)}, key=jax.random.key(seed),
        )  # fmt: skip
        start = (degree_days(law), physics)
        hybrid = fitted(lambda both, y: snow_of(*both, y), start, years, 0.01)
        memory = fitted(
            lambda net, y: net(y), Memory(LSTM.create(7, 1, hidden=32, key=jax.random.key(seed))), years, 0.01
        )
        for name, run in (("hybrid", snow_of(*hybrid, years)), ("lstm", memory(years))):
            runs.setdefault(name, np.asarray(run))
            found.setdefault(name, []).append(scores(np.asarray(run), years))
        first = first or (hybrid, physics)
    return found, runs, first


def energy_balance(root: Path) -> dict[str, Any]:
    """Col de Porte, 2005/06, hour by hour, with the default numbers."""
    folder = root / "snow" / "col_de_porte"
    names = ["y", "m", "d", "h", "sw", "lw", "snow", "rain", "t", "rh", "u", "p"]
    hours = pd.read_csv(folder / "met_CdP_0506.txt.xz", sep=r"\s+", names=names)
    seen = pd.read_csv(
        folder / "obs_CdP_0506.txt", sep=r"\s+", names=["y", "m", "d", "albedo", "runoff", "depth", "swe", "ts", "soil"]
    )
    temperature = hours["t"] - 273.15
    saturated = 610.8 * np.exp(17.27 * temperature / (temperature + 237.3))
    series = {
        "precipitation": (hours["snow"] + hours["rain"]) * 86400, "temperature": temperature,
        "shortwave_radiation": hours["sw"], "longwave_radiation": hours["lw"], "wind_speed": hours["u"],
        "vapour_pressure": hours["rh"] / 100 * saturated,
    }  # fmt: skip
    share = hours["snow"] / (hours["snow"] + hours["rain"]).where(lambda x: x > 0)
    pack = snowpack(
        snow_fraction=Formula(lambda given: given, ("given_snow_fraction",), forcings=("given_snow_fraction",))
    )
    series["given_snow_fraction"] = share.fillna(0)
    forcing = {name: jnp.asarray(x.to_numpy(np.float32))[:, None] for name, x in series.items()}
    parameters = {name: jnp.full(1, p.default) for name, p in pack.parameters.items()} | {
        "air_pressure": jnp.full(1, 87400.0)
    }
    outputs = ("snow_water_equivalent", "albedo", "surface_temperature", "outflow", "solver_failure")
    found, _ = jax.jit(lambda: simulate(pack, forcing, Parameters(parameters, {}), dt=1 / 24, outputs=outputs))()
    days = {name: np.asarray(x)[:, 0][: 24 * len(seen)].reshape(-1, 24).mean(axis=1) for name, x in found.items()}
    daily = {name: np.asarray(x)[:, 0][: 24 * len(seen)].reshape(-1, 24).mean(axis=1) for name, x in forcing.items()}
    warmth = {"temperature": daily["temperature"], "precipitation": daily["precipitation"]}
    forcing = {name: jnp.asarray(x)[:, None] for name, x in warmth.items()} | {
        "potential_evapotranspiration": jnp.zeros((len(seen), 1))
    }
    plain = degree_days()
    default = {name: jnp.full(1, p.default) for name, p in plain.parameters.items()}
    simple, _ = simulate(
        plain, forcing, Parameters(default, {}), outputs=("snow_water_equivalent", "snow_liquid_water")
    )
    days["degree_day"] = np.asarray(sum(simple.values()))[:, 0]
    for name in ("swe", "albedo", "ts"):
        days[f"seen_{name}"] = seen[name].where(seen[name] > -90).to_numpy()
    snowy = (days["seen_swe"] > 20) & (days["snow_water_equivalent"] > 20)
    return {
        "rmse_mm": rmse(days["snow_water_equivalent"], days["seen_swe"]),
        "rmse_mm_degree_day": rmse(days["degree_day"], days["seen_swe"]),
        "largest_mm": [float(days["snow_water_equivalent"].max()), float(np.nanmax(days["seen_swe"]))],
        "rmse_albedo": rmse(days["albedo"][snowy], days["seen_albedo"][snowy]),
        "rmse_surface_temperature": rmse(days["surface_temperature"][snowy], days["seen_ts"][snowy]),
        "failed_hours": float(np.asarray(found["solver_failure"]).sum()),
    } | {"series": {name: days[name].tolist() for name in ("snow_water_equivalent", "seen_swe", "degree_day")}}


def rmse(ours: np.ndarray, seen: np.ndarray) -> float:
    """Root of the mean square error where something was seen."""
    return float(np.sqrt(np.nanmean((ours - seen) ** 2)))


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
    result = {"years": counts, "test": mean, "nse_range_over_seeds": spread, "energy_balance_2005_06": balance}
    print(json.dumps(result, indent=1))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.figure:
        draw(options.figure, years, runs, models, series)


def draw(
    path: Path, years: dict[str, np.ndarray], runs: dict[str, np.ndarray], models: Any, series: dict[str, Any]
) -> None:
    """The energy balance; a test year of every site; the learned law."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    for name, style in (("seen_swe", "k."), ("snow_water_equivalent", "C0"), ("degree_day", "C1--")):
        axes[0].plot(
            series[name],
            style,
            ms=2,
            label={"seen_swe": "observed", "degree_day": "degree-day"}.get(name, "energy balance"),
        )
    axes[0].set(title="Col de Porte 2005/06, nothing fitted", xlabel="days since 1 October", ylabel="snow water [mm]")
    year = np.flatnonzero((years["site"] == 0) & ~years["train"])[0]
    axes[1].plot(years["snow"][:, year], "k", lw=2, label="observed")
    for name, run in runs.items():
        axes[1].plot(run[:, year], lw=1, label=name)
    axes[1].set(title="SNOTEL 526, first test year", xlabel="days since 1 October")
    (hybrid, numbers), fitted_numbers = models
    warmth = jnp.linspace(-5, 15, 60)
    factor = hybrid.parameters["degree_day_factor"].bounds.from_unbounded(numbers["degree_day_factor"])[0]
    for sun in (15.0, 27.0, 41.0):
        values = {"temperature": warmth, "sun": jnp.full(60, sun), "snow_water_equivalent": jnp.full(60, 300.0),
                  "degree_day_factor": jnp.full(60, factor)}  # fmt: skip
        law = hybrid.laws["melt"]
        axes[2].plot(
            warmth, jax.vmap(law)({name: values[name] for name in law.inputs}), label=f"learned, sun {sun:g} MJ m⁻² d⁻¹"
        )
    bounds = hybrid.parameters
    own = {name: bounds[name].bounds.from_unbounded(z)[0] for name, z in fitted_numbers.items()}
    axes[2].plot(
        warmth,
        own["degree_day_factor"] * jnp.maximum(warmth - own["threshold_temperature"], 0),
        "k--",
        label="degree-day, fitted",
    )
    axes[2].set(title="Melt at SNOTEL 526 [mm d⁻¹]", xlabel="air temperature [°C]")
    for panel in axes:
        panel.legend(fontsize=6)
    figure.savefig(path, dpi=80)


if __name__ == "__main__":
    main()
