"""Reading the test period, once: simulate every seed, average, score, close the ledger, write the results of a run."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from dgeo import data
from dgeo.check import Balance, Closure, Ledger, joined, open_books, unsolved, worst_of
from dgeo.hybrid import Inputs, Simulator, load
from dgeo.hybrid.model import STREAMFLOW
from dgeo.metrics import score, summarise
from dgeo.models import Budget
from dgeo.numerics import write_atomically
from dgeo.training.arrays import day_mask, to_arrays
from dgeo.training.config import Config
from dgeo.training.fields import parameter_fields, share_at_bounds
from dgeo.training.labelled import label
from dgeo.training.prepare import checked, in_years, load_dataset, training_basins, unseen_basins
from dgeo.training.records import training_seconds, write_csv, write_json
from dgeo.training.reference import ReferenceRecipe, reference_flow
from dgeo.training.run import config_of, seeds_of
from dgeo.training.simulation import chunks, times


@dataclass(frozen=True)
class Evaluation:
    """What a run has to show over the test period.

    `simulation` is the mean of all seeds, and `scores` and the test part of `summary` are its; `parameters` and
    `ledger` are those of the first seed, and so is `closure`, how well the books of its steps and events close.
    """

    simulation: xr.Dataset
    scores: xr.Dataset
    summary: dict[str, Any]
    parameters: xr.Dataset
    ledger: Balance
    closure: dict[str, Any] = field(default_factory=dict)


def evaluate(folder: str | Path, *, dataset: xr.Dataset | None = None) -> Evaluation:
    """Simulate, score and record the test period of a run folder; writes what `dgeo report` reads."""
    folder = Path(folder)
    config = config_of(folder)
    dataset = load_dataset(config.data) if dataset is None else dataset
    dataset = checked(dataset, config)
    if isinstance(config.model, ReferenceRecipe):
        evaluation = evaluate_reference(config.model, config, dataset)
    else:
        evaluation = evaluate_models({seed: load(path) for seed, path in seeds_of(folder)}, config, dataset)
    write_evaluation(folder, evaluation)
    return evaluation


def write_evaluation(folder: str | Path, evaluation: Evaluation) -> None:
    """Write the results of a run: metrics.json, metrics.csv, ledger.json, simulation.nc and parameters.nc."""
    folder = Path(folder)
    write_json(folder / "metrics.json", _timed(evaluation.summary, folder))
    write_csv(folder / "metrics.csv", rows_of(evaluation.scores))
    write_json(folder / "ledger.json", evaluation.ledger.to_json() | evaluation.closure)
    write_netcdf(folder / "simulation.nc", evaluation.simulation)
    write_netcdf(folder / "parameters.nc", evaluation.parameters)


def _timed(summary: dict[str, Any], folder: Path) -> dict[str, Any]:
    seconds = training_seconds(folder)
    final = {seed: spent for (phase, seed), spent in seconds.items() if phase != "select"}
    seeds = [{**row, "seconds": final.get(row["seed"])} for row in summary["seeds"]]
    return summary | {"seeds": seeds, "seconds": sum(seconds.values())}


def evaluate_models(models: Mapping[int, Simulator], config: Config, dataset: xr.Dataset) -> Evaluation:
    """The same for models in memory, writing nothing. Seeds are members of an ensemble, whose mean is scored."""
    basins = training_basins(dataset, config)
    dataset = data.select(dataset, unseen_basins(config) or None)
    tested = in_years(dataset.isel(time=day_mask(dataset, config.split.test)), config, "test")
    members = [simulate_test(model, config, dataset, basins) for model in models.values()]
    model = next(iter(models.values()))
    mean, spread = ensemble([series for series, _, _ in members])
    failed = {name: mean.pop(name) for name in model.diagnostics}
    failures = {name: steps.sum(axis=0) for name, steps in failed.items()}
    spread = {name: values for name, values in spread.items() if name not in failures}
    simulation = label(mean, tested, model.variables).assign(label(spread, tested, model.variables, "_spread"))
    first, *others = config.training.targets
    scores = _scores(mean, tested, first).assign({name: ("basin", steps) for name, steps in failures.items()})
    fields = [
        parameter_fields(model, inputs_of(config, block, basins), block, config.model.network_attributes)
        for block in at_once(config, tested)
    ]
    parameters = xr.concat(fields, "basin", data_vars="minimal", coords="minimal", combine_attrs="override")
    summary = {
        "target": first,
        "test": summarise(_scores(mean, tested, first)),
        "targets": {name: summarise(_scores(mean, tested, name)) for name in others},
        "seeds": [
            {"seed": seed, **_medians(_scores(series, tested, first))}
            for seed, (series, _, _) in zip(models, members, strict=True)
        ],
        "parameters_at_bounds": share_at_bounds(parameters),
        "failures": {name: _failures(model, steps, tested) for name, steps in failed.items()},
    }
    _, account, closure = members[0]
    found = closure.to_json(
        list(tested["time"].values.astype("datetime64[D]")), [str(basin) for basin in tested["basin"].values]
    )
    return Evaluation(_beside_observations(simulation, tested, config), scores, summary, parameters, account, found)


def evaluate_reference(recipe: ReferenceRecipe, config: Config, dataset: xr.Dataset) -> Evaluation:
    """The same for climatology or persistence, which have nothing to train, no parameters and no budget."""
    dataset = data.select(dataset, unseen_basins(config) or None)
    days = day_mask(dataset, config.split.test)
    target, tested = next(iter(config.training.targets)), dataset.isel(time=days)
    series = {target: reference_flow(recipe, dataset, target, config.split.train, days)}
    simulation = label(series, tested, {target: STREAMFLOW})
    scores = _scores(series, tested, target)
    summary = {
        "target": target,
        "test": summarise(scores),
        "targets": {},
        "seeds": [{"seed": 0, **_medians(scores)}],
        "parameters_at_bounds": {},
        "failures": {},
    }
    nothing = Ledger(Budget({}), {}).balance({})
    return Evaluation(_beside_observations(simulation, tested, config), scores, summary, xr.Dataset(), nothing)


def _beside_observations(simulation: xr.Dataset, tested: xr.Dataset, config: Config) -> xr.Dataset:
    observed = {f"{name}_observed": tested[name] for name in config.training.targets}
    return simulation.assign(observed | {name: tested[name] for name in ("precipitation",) if name in tested})


def _failures(model: Simulator, failed: np.ndarray, tested: xr.Dataset) -> dict[str, Any]:
    """In how many steps of the test, and in which basins, a step failed (a mean over seeds and components)."""
    basins = [str(basin) for basin in tested["basin"].values]
    where = [basin for basin, steps in zip(basins, failed.sum(axis=0), strict=True) if steps > 0]
    words = unsolved(getattr(model, "physics", model), failed, basins)
    return {"steps": float(failed.sum()), "basins": where, "words": words}


def ensemble(members: Sequence[dict[str, np.ndarray]]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The mean of all members, and their standard deviation where there are several."""
    stacked = {name: [member[name] for member in members] for name in members[0]}
    spread = {name: np.std(values, axis=0) for name, values in stacked.items() if len(members) > 1}
    return {name: np.mean(values, axis=0) for name, values in stacked.items()}, spread


def _medians(scores: xr.Dataset) -> dict[str, float]:
    return {name: found["median"] for name, found in summarise(scores).items()}


def inputs_of(config: Config, dataset: xr.Dataset, basins: Sequence[str] = ()) -> Inputs:
    """The inputs of a config's model, without observations; `basins` are those of the training, in order."""
    return to_arrays(dataset, config.model.needed_forcings, config.model.needed_attributes, basins=basins).inputs


def at_once(config: Config, dataset: xr.Dataset) -> Iterable[xr.Dataset]:
    """The basins that are simulated at once: all, or those of a store in parts."""
    return data.blocks_of(dataset) if config.data.streamed else (dataset,)


def simulate_test(
    model: Simulator, config: Config, dataset: xr.Dataset, basins: Sequence[str] = ()
) -> tuple[dict[str, np.ndarray], Balance, Closure]:
    """The outputs of the test period, after a spin-up on all forcings before it, and the ledger of that period.

    Besides the outputs of the config come the model's diagnostics; `basins` are those of the training, in order.
    """
    parts = [_simulate_part(model, config, part, basins) for part in at_once(config, dataset)]
    series = {name: np.concatenate([found[name] for found, _, _ in parts], axis=1) for name in parts[0][0]}
    sizes = [next(iter(found.values())).shape[1] for found, _, _ in parts]
    closure = worst_of([closure for _, _, closure in parts], sizes)
    return series, joined([balance for _, balance, _ in parts]), closure


def _simulate_part(
    model: Simulator, config: Config, dataset: xr.Dataset, basins: Sequence[str]
) -> tuple[dict[str, np.ndarray], Balance, Closure]:
    """The spin-up is whole years where there are any, so that its chunks and those of the test share a compilation."""
    inputs = inputs_of(config, dataset, basins)
    days = np.flatnonzero(day_mask(dataset, config.split.test))
    first, last = int(days[0]), int(days[-1]) + 1
    carry = model.initial_carry(inputs.sites)
    books = open_books(model, times(inputs, slice(0, 1)), carry)
    wanted = (*config.outputs, *model.diagnostics)
    outputs = tuple(dict.fromkeys((*wanted, *books.outputs, *books.stores)))
    start = first % 365 if first >= 365 else 0
    for _, _, after in chunks(model, times(inputs, slice(start, first)), outputs):
        carry = after
    books = open_books(model, times(inputs, slice(first, first + 1)), carry)
    kept: list[dict[str, np.ndarray]] = []
    for _, series, after in chunks(model, times(inputs, slice(first, last)), outputs, carry):
        carry = after
        books.add(series)
        kept.append({name: series[name] for name in wanted})
    series = {name: np.concatenate([part[name] for part in kept]) for name in wanted}
    return series, books.balance(carry), books.closure


def _scores(simulated: Mapping[str, np.ndarray], tested: xr.Dataset, target: str) -> xr.Dataset:
    scores = score(simulated[target], tested[target].values, tested["basin"].values)
    shared = [name for name in ("latitude", "longitude", "region") if name in tested.coords]
    return scores.assign_coords({name: tested[name] for name in shared})


def rows_of(scores: xr.Dataset) -> list[dict[str, Any]]:
    """One row a basin: id, place, scores."""
    frame = scores.to_dataframe().reset_index()
    place = [name for name in ("basin", "latitude", "longitude", "region") if name in frame]
    ordered: Sequence[str] = [*place, *(str(name) for name in scores.data_vars)]
    return frame[ordered].to_dict("records")


def write_netcdf(path: str | Path, dataset: xr.Dataset) -> None:
    """Write a dataset as compressed NetCDF, atomically."""
    encoding = {str(n): {"zlib": True, "complevel": 1} for n, v in dataset.data_vars.items() if v.dtype.kind == "f"}
    buffer = io.BytesIO()  # HDF5 does not survive a disk that fills up while it writes
    dataset.to_netcdf(buffer, engine="h5netcdf", encoding=encoding)
    write_atomically(Path(path), lambda temporary: temporary.write_bytes(buffer.getvalue()))
