"""A trained network under another solver: is its skill that of the physics, or did it learn the solver's error?"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np
import xarray as xr
from pydantic import ValidationError

from dgeo.errors import DgeoError
from dgeo.hybrid import Hybrid, Simulator, SolverRecipe, load
from dgeo.models import ContinuousModel, Solver
from dgeo.training.config import sentence
from dgeo.training.evaluate import Evaluation, evaluate_models
from dgeo.training.prepare import checked, load_dataset
from dgeo.training.records import write_json
from dgeo.training.run import config_of, seeds_of


def rerun(folder: str | Path, solver: Solver, *, dataset: xr.Dataset | None = None) -> dict[str, Any]:
    """The test of a run again, every seed's network as it was trained, the steps made by `solver`.

    **Returns** the median NSE and KGE under the solver of the training and under the other, the median over basins of
    the paired difference in NSE, the share of basins that lose more than 0.05, the median relative difference of the
    two streamflows, and where either solver failed; also written to `rerun.json`.

    **Raises** `DgeoError` where the physics of the run takes no solver.
    """
    config = config_of(folder)
    dataset = checked(load_dataset(config.data) if dataset is None else dataset, config)
    models = {seed: load(path) for seed, path in seeds_of(folder)}
    others = {seed: with_solver(model, solver) for seed, model in models.items()}
    trained, other = (evaluate_models(kind, config, dataset) for kind in (models, others))
    found = compared(trained, other, config.training.targets) | {"solver": repr(solver)}
    write_json(Path(folder) / "rerun.json", found)
    return found


def parse_solver(content: dict[str, Any]) -> Solver:
    """The solver that a mapping describes, as the section `model.physics.solver` does."""
    try:
        return SolverRecipe.model_validate(content).build()
    except ValidationError as error:
        raise DgeoError(sentence(error.errors()[0], "the solver")) from error


def with_solver(model: Simulator, solver: Solver) -> Simulator:
    """The model with its steps made by another solver."""
    physics = model.physics if isinstance(model, Hybrid) else model
    if not isinstance(physics, ContinuousModel):
        raise DgeoError(
            f"{type(physics).__name__} steps from day to day and has no rates, so that no other solver can make "
            "its steps; run this on a model in continuous time."
        )
    return eqx.tree_at(lambda hybrid: hybrid.physics, model, replace(physics, solver=solver))


def compared(trained: Evaluation, other: Evaluation, targets: Any) -> dict[str, Any]:
    """The skill of two evaluations of the same basins and days, and how far they are apart."""
    target = next(iter(targets))
    change = (other.scores["nse"] - trained.scores["nse"]).values
    first, second = (evaluation.simulation[target].values for evaluation in (trained, other))
    apart = np.sqrt(np.mean((second - first) ** 2, axis=0)) / np.maximum(first.std(axis=0), 1e-6)
    return {
        name: {
            "nse": evaluation.summary["test"]["nse"]["median"],
            "kge": evaluation.summary["test"]["kge"]["median"],
            "failures": evaluation.summary["failures"],
        }
        for name, evaluation in (("trained", trained), ("other", other))
    } | {
        "nse_change": float(np.nanmedian(change)),
        "basins_losing_0.05": float(np.mean(change < -0.05)),
        "streamflow_difference": float(np.median(apart)),
    }
