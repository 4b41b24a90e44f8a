"""From a trained cell to its scores: simulate every seed over all tests once, then score each test."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dgeo import data, metrics
from dgeo.experiments.cells import Cell, Test
from dgeo.experiments.folder import RECORD
from dgeo.experiments.sums import yearly_sums
from dgeo.hybrid import load
from dgeo.training import Config, seeds_of, write_json, write_netcdf
from dgeo.training.arrays import day_mask
from dgeo.training.evaluate import simulate_test
from dgeo.training.prepare import checked, training_basins, unseen_basins, year_split
from dgeo.training.records import training_seconds, write_csv
from dgeo.training.reference import ReferenceRecipe, reference_flow

ENSEMBLE = "ensemble"
TARGET = "streamflow"


def score_cell(cell: Cell, folder: Path, dataset: xr.Dataset, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Score a trained cell and keep all that its study needs of it; returns its record, which is written last."""
    began = time.perf_counter()
    simulation = simulated(cell, folder, dataset)
    write_netcdf(folder / "simulation.nc", simulation)
    tables: list[dict[str, Any]] = []
    sums: dict[str, xr.Dataset] = {}
    for name, test in cell.tests.items():
        part = tested(simulation, cell.config, test)
        sums[name] = yearly_sums(part["simulated"].values, part["observed"], list(part["member"].values))
        tables += [{"test": name, **row} for row in _rows(part)]
    write_csv(folder / "scores.csv", tables)
    joined = xr.concat(
        [part.assign_coords(test=name) for name, part in sums.items()], "test", join="outer", fill_value=0.0
    )
    write_netcdf(folder / "sums.nc", joined)
    record = {
        "cost": cost(cell, folder, len(training_basins(dataset, cell.config)))
        | {"scoring_seconds": round(time.perf_counter() - began, 1)},
        "medians": _medians(tables),
        "extra": dict(extra),
    }
    write_json(folder / RECORD, record)
    return record


def simulated(cell: Cell, folder: Path, dataset: xr.Dataset) -> xr.Dataset:
    """Streamflow of every seed and their mean [member, time, basin], and what was observed, over all tests."""
    span = (min(t.period[0] for t in cell.tests.values()), max(t.period[1] for t in cell.tests.values()))
    split = cell.config.split.model_copy(update={"test": span})
    config = cell.config.model_copy(update={"split": split})
    whole = checked(dataset, cell.config)
    trained = training_basins(whole, config)
    wanted = {basin for test in cell.tests.values() for basin in _basins(config, test, trained)}
    place = data.select(whole, [str(basin) for basin in whole["basin"].values if str(basin) in wanted])
    days = place.isel(time=day_mask(place, span))
    members = _members(folder, config, place, trained)
    flows = np.stack([*members.values(), np.mean(list(members.values()), axis=0)]).astype(np.float32)
    shared = {name: days[name] for name in ("region", "latitude", "longitude") if name in days.coords}
    return xr.Dataset(
        {"simulated": (("member", "time", "basin"), flows), "observed": days[TARGET].transpose("time", "basin")},
        {"member": [*members, ENSEMBLE], "time": days["time"], "basin": days["basin"], **shared},
    )


def _members(folder: Path, config: Config, place: xr.Dataset, trained: list[str]) -> dict[str, np.ndarray]:
    if isinstance(config.model, ReferenceRecipe):
        days = day_mask(place, config.split.test)
        return {"seed_0": reference_flow(config.model, place, TARGET, config.split.train, days)}
    return {
        f"seed_{seed}": simulate_test(load(path), config, place, trained)[0][TARGET] for seed, path in seeds_of(folder)
    }


def tested(simulation: xr.Dataset, config: Config, test: Test) -> xr.Dataset:
    """The days and basins of a test; outside its water years nothing counts as observed."""
    part = simulation.isel(time=day_mask(simulation, test.period))
    if test.basins == "unseen":
        part = part.sel(basin=list(unseen_basins(config)))
    if test.years is None or config.split.years is None:
        return part
    years = getattr(year_split(config.split.years), test.years)
    seen = data.year_mask(years, part["time"].values, part["basin"].values)
    part = part.assign(observed=part["observed"].where(xr.DataArray(seen, dims=("time", "basin"))))
    return part.isel(basin=seen.any(axis=0))


def cost(cell: Cell, folder: Path, sites: int) -> dict[str, Any]:
    """What the training on so many basins took: seconds of each seed and of all, steps, and basin-days simulated."""
    seconds = training_seconds(folder)
    training, steps = cell.config.training, _steps(folder)
    simulated_days = steps * training.batch * (training.warmup + training.window)
    final = [spent for (phase, _), spent in seconds.items() if phase != "select"]
    return {
        "seconds": round(sum(seconds.values()), 1),
        "seconds_a_seed": round(float(np.mean(final)), 1) if final else 0.0,
        "seeds": 1 if isinstance(cell.config.model, ReferenceRecipe) else len(training.seeds),
        "steps": steps,
        "basin_days": _evaluated(cell.config, folder, sites) if training.evolution else simulated_days,
    }


def _evaluated(config: Config, folder: Path, sites: int) -> int:
    """The basin-days of all candidates of an evolution."""
    candidates = pd.read_csv(folder / "history.csv").groupby("seed")["evaluations"].max().sum()
    first, last = (np.datetime64(day) for day in config.split.train)
    return int(candidates) * sites * int((last - first).astype(int) + 1)


def _steps(folder: Path) -> int:
    """The steps of all phases of all seeds."""
    if not training_seconds(folder):
        return 0
    return int(pd.read_csv(folder / "history.csv").groupby(["phase", "seed"])["step"].max().sum())


def _basins(config: Config, test: Test, trained: list[str]) -> list[str]:
    return trained if test.basins == "trained" else list(unseen_basins(config))


def _rows(part: xr.Dataset) -> list[dict[str, Any]]:
    """One row a member and basin."""
    observed = part["observed"].transpose("time", "basin").values
    seeds = part["simulated"].sel(member=[m for m in part["member"].values if m != ENSEMBLE]).values
    spread = {"crps": metrics.crps(seeds, observed), "coverage": metrics.coverage(seeds, observed)}
    regions = part["region"].values if "region" in part.coords else part["basin"].values
    rows = []
    for member, flow in zip(part["member"].values, part["simulated"].values, strict=True):
        scores = _scores(flow, observed)
        if member == ENSEMBLE and len(seeds) > 1:
            scores |= spread
        else:
            scores |= {"crps": metrics.crps(flow[None], observed), "coverage": np.full(observed.shape[1], np.nan)}
        for i, basin in enumerate(part["basin"].values):
            place = {"member": str(member), "basin": str(basin), "region": str(regions[i])}
            rows.append(place | {name: float(values[i]) for name, values in scores.items()})
    return rows


def _scores(simulated: np.ndarray, observed: np.ndarray) -> dict[str, np.ndarray]:
    parts = metrics.kge(simulated, observed)
    functions = (metrics.nse, metrics.log_nse, metrics.bias, metrics.fhv, metrics.flv, metrics.peak_error)
    return {
        **{function.__name__: function(simulated, observed) for function in functions},
        "kge": parts.efficiency,
        "correlation": parts.correlation,
        "variability": parts.variability,
    }


def _medians(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """{test: {score: median over basins}} of the ensemble."""
    found: dict[str, dict[str, float]] = {}
    for test in dict.fromkeys(row["test"] for row in rows):
        kept = [row for row in rows if row["test"] == test and row["member"] == ENSEMBLE]
        found[test] = {name: float(np.nanmedian([row[name] for row in kept])) for name in ("nse", "kge")}
    return found
