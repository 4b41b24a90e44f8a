"""A made-up run folder with everything a real one holds, small enough to render in seconds."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

BOUNDS = {
    "beta": (1.0, 6.0, "1"),
    "field_capacity": (50.0, 1000.0, "mm"),
    "k0": (0.05, 0.9, "d-1"),
    "k1": (0.01, 0.5, "d-1"),
    "k2": (0.001, 0.2, "d-1"),
    "lp": (0.2, 1.0, "1"),
    "percolation_max": (0.0, 10.0, "mm d-1"),
    "threshold_temperature": (-2.5, 2.5, "degC"),
    "degree_day_factor": (0.5, 10.0, "mm degC-1 d-1"),
    "routing_shape": (0.0, 2.9, "1"),
}


def buckets(basins: int, days: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Rain, snow and three stores by degree days and linear reservoirs, each [time, basin]."""
    season = np.cos(2 * np.pi * (np.arange(days) - 290) / 365.25)[:, None]
    temperature = random.uniform(3, 14, basins) - 12 * season + random.normal(0, 3, (days, basins))
    rain = np.where(random.random((days, basins)) < 0.3, random.gamma(0.8, 9.0, (days, basins)), 0.0)
    demand = np.maximum(0.0, 0.25 * (temperature + 3))
    snow, soil, upper, lower = (
        np.zeros(basins),
        np.full(basins, 100.0),
        np.zeros(basins),
        np.full(basins, 20.0),
    )
    names = (
        "snow_water_equivalent",
        "soil_moisture",
        "upper_zone",
        "lower_zone",
        "streamflow",
        "evapotranspiration",
    )
    series = {name: np.empty((days, basins), np.float32) for name in names}
    for day in range(days):
        cold = temperature[day] < 0
        melt = np.where(cold, 0, np.minimum(snow, 3 * np.maximum(temperature[day], 0)))
        snow = snow + np.where(cold, rain[day], 0) - melt
        supply = np.where(cold, 0, rain[day]) + melt
        recharge = supply * np.minimum(1, soil / 250) ** 2
        loss = np.minimum(soil, demand[day] * np.minimum(1, soil / 150))
        soil = soil + supply - recharge - loss
        percolation = np.minimum(upper + recharge, 1.5)
        upper = upper + recharge - percolation
        lower = lower + percolation
        flow = 0.3 * upper + 0.03 * lower
        upper, lower = 0.7 * upper, 0.97 * lower
        for name, value in zip(names, (snow, soil, upper, lower, flow, loss), strict=True):
            series[name][day] = value
    return series | {"precipitation": rain.astype(np.float32)}


def write_simulation(run: Path, ids: list[str], days: int, random: np.random.Generator) -> np.ndarray:
    """Write `simulation.nc` and return the NSE of every basin."""
    series = buckets(len(ids), days, random)
    noise = np.exp(random.normal(0, 1, (days, len(ids))) * random.uniform(0.05, 0.5, len(ids)))
    observed = (series["streamflow"] * noise).astype(np.float32)
    observed[: days // 5, 0] = np.nan
    units = {
        name: "mm d-1" if name in {"streamflow", "precipitation", "evapotranspiration"} else "mm" for name in series
    }
    xr.Dataset(
        {name: (("time", "basin"), field, {"units": units[name]}) for name, field in series.items()}
        | {"streamflow_observed": (("time", "basin"), observed, {"units": "mm d-1"})},
        {"time": np.datetime64("1995-10-01", "ns") + np.arange(days) * np.timedelta64(1, "D"), "basin": ids},
    ).to_netcdf(run / "simulation.nc", engine="h5netcdf")
    error = np.nanmean((series["streamflow"] - observed) ** 2, axis=0)
    return 1 - error / np.nanvar(observed, axis=0)


def write_parameters(run: Path, ids: list[str], random: np.random.Generator) -> None:
    """Write `parameters.nc`: components that follow the attributes, one of them piled up at a bound."""
    aridity, elevation, clay = (
        random.gamma(4, 0.25, len(ids)),
        random.gamma(2, 400, len(ids)),
        random.random(len(ids)),
    )
    drivers = {"aridity": (aridity, "1"), "mean_elevation": (elevation, "m"), "clay_fraction": (clay, "1")}
    others = {f"attribute_{place}": (random.normal(size=len(ids)), "1") for place in range(12)}
    columns = [value for value, _ in drivers.values()]
    fields: dict[str, xr.DataArray] = {}
    for place, (name, (lower, upper, units)) in enumerate(BOUNDS.items()):
        driver = columns[place % 3]
        score = (place % 4) * (driver - driver.mean()) / (driver.std() + 1e-6) + random.normal(0, 0.7, len(ids))
        share = 1 / (1 + np.exp(-score[:, None] - random.normal(0, 0.3, (1, 4))))
        share = share**8 if name == "lp" else share
        dims = ("basin",) if name.startswith("routing") else ("basin", "component")
        values = lower + (upper - lower) * (share[:, 0] if len(dims) == 1 else share)
        attrs = {"units": units, "long_name": name, "lower_bound": lower, "upper_bound": upper}
        fields[name] = xr.DataArray(values.astype(np.float32), dims=dims, attrs=attrs)
    for name, (values, units) in (drivers | others).items():
        fields[name] = xr.DataArray(values.astype(np.float32), dims=("basin",), attrs={"units": units})
    xr.Dataset(fields, {"basin": ids}).to_netcdf(run / "parameters.nc", engine="h5netcdf")


def write_scores(run: Path, ids: list[str], names: list[str], nse: np.ndarray, random: np.random.Generator) -> None:
    """Write `metrics.csv` and a `metrics.json` whose medians are those of the table."""
    columns = {
        "nse": nse,
        "kge": nse - random.uniform(-0.05, 0.15, nse.size),
        "log_nse": nse - 0.05,
        "bias": random.normal(0, 8, nse.size),
        "fhv": random.normal(-10, 9, nse.size),
    }
    place = {"longitude": random.uniform(-124, -68, nse.size), "latitude": random.uniform(27, 49, nse.size)}
    table = pd.DataFrame({"basin": ids, "name": names, "region": "01"} | place | columns)
    table.to_csv(run / "metrics.csv", index=False)
    test = {
        name: {
            "median": float(np.median(value)),
            "mean": float(np.mean(value)),
            "n": nse.size,
            "failures": 0,
            "interval": [float(np.median(value)) - 0.01, float(np.median(value)) + 0.01],
        }
        for name, value in columns.items()
    }
    hidden = {"anomaly_correlation": 0.912, "nse": 0.834, "bias": 0.021}
    before = {"anomaly_correlation": 0.513, "nse": -0.427, "bias": 0.318}
    metrics = {
        "test": test,
        "seeds": [{"seed": seed, "nse": 0.711 + 0.002 * seed, "seconds": 96.5 + seed} for seed in range(3)],
        "seconds": 312.4,
        "hidden": {"evapotranspiration": hidden | {"untrained": before}},
        "recovery": {"field_capacity": {"spearman": 0.876}, "beta": {"spearman": 0.543}},
    }
    (run / "metrics.json").write_text(json.dumps(metrics))


def write_rest(run: Path, random: np.random.Generator) -> None:
    """Write the training history, the ledger and the origin of the run."""
    steps = np.arange(0, 2000, 5)
    rows = [
        pd.DataFrame(
            {
                "seed": seed,
                "phase": phase,
                "step": steps,
                "loss": (0.25 + 0.9 * np.exp(-steps / 300)) * np.exp(random.normal(0, 0.15, steps.size)),
                "validation": np.where(
                    (steps % 100 == 0) & (phase == "select"), 0.72 - 0.6 * np.exp(-steps / 300), np.nan
                ),
                "seconds": steps * 0.05,
            }
        )
        for seed in range(3)
        for phase in ("select", "refit")
    ]
    pd.concat(rows).to_csv(run / "history.csv", index=False)
    ledger = {
        "inflows": {"precipitation": 15_230.4},
        "outflows": {"streamflow": 6_120.2, "evapotranspiration": 9_045.1},
        "stores": {"soil_moisture": 52.0, "lower_zone": 13.1},
        "residual": 0.0021,
        "relative_residual": 1.4e-7,
    }
    (run / "ledger.json").write_text(json.dumps(ledger))
    (run / "config.yaml").write_text("model: hbv\ncomponents: 4\ntraining:\n  steps: 2000\n  learning_rate: 0.001\n")
    (run / "environment.json").write_text(json.dumps({"python": "3.11", "jax": "0.10"}, indent=1))
    (run / "data.json").write_text(json.dumps({"fingerprint": "0f3a", "basins": 60}, indent=1))


def make_run(run: Path, basins: int = 60, days: int = 1461, ids: list[str] | None = None) -> Path:
    """Fill the folder `run` with what a finished run leaves behind."""
    random = np.random.default_rng(0)
    run.mkdir(parents=True, exist_ok=True)
    ids = ids or [f"{1_013_500 + 137 * place:08d}" for place in range(basins)]
    nse = write_simulation(run, ids, days, random)
    write_parameters(run, ids, random)
    write_scores(run, ids, [f"River {place} near Town & Mill" for place in range(len(ids))], nse, random)
    write_rest(run, random)
    return run


@pytest.fixture(name="make_run", scope="session")
def make_run_fixture() -> Callable[..., Path]:
    """The maker of run folders, for any size and any names."""
    return make_run


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A complete run of 12 basins and two years, to be damaged."""
    return make_run(tmp_path / "static", basins=12, days=800)
