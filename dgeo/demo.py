"""The main job on virtual basins: train on noisy streamflow of some, look at everything in the others."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import xarray as xr

from dgeo.errors import DgeoError
from dgeo.hybrid import build, load
from dgeo.training import (
    Config,
    Evaluation,
    config_of,
    evaluate_models,
    parse_config,
    seeds_of,
    train,
    training_basins,
    training_statistics,
    virtual_world,
    write_evaluation,
)
from dgeo.training.progress import Watch
from dgeo.virtual import VirtualWorld, hidden_scores, recovery

HIDDEN = (
    "evapotranspiration",
    "snow_water_equivalent",
    "soil_moisture",
    "upper_zone",
    "lower_zone",
    "baseflow",
)
ATTRIBUTES = (
    "elev_mean",
    "slope_mean",
    "p_mean",
    "pet_mean",
    "aridity",
    "frac_snow",
    "p_seasonality",
    "frac_forest",
    "soil_depth_statsgo",
    "sand_frac",
    "clay_frac",
    "soil_conductivity",
    "geol_permeability",
    "carbonate_rocks_frac",
)
BASINS, UNSEEN = 160, 40
DEMO: dict[str, Any] = {
    "data": {"source": "virtual", "count": BASINS, "years": 9, "noise": 0.2, "seed": 0},
    "split": {
        "train": ("2000-10-01", "2006-09-30"),
        "validation": ("2005-10-01", "2006-09-30"),
        "test": ("2006-10-01", "2009-09-30"),
    },
    "model": {"attributes": ATTRIBUTES, "components": 4, "static": {"width": 128, "spread": 0.3}},
    "training": {"steps": 1000, "validate_every": 250, "refit": False, "optimiser": {"learning_rate": 3e-3}},
    "outputs": ("streamflow", *HIDDEN),
}


def run_demo(folder: Path, *, watch: Watch = lambda row: None, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Train and evaluate in `folder`; returns what `metrics.json` holds.

    The basins tested were never trained on, nor were the years.
    """
    config, world = _configured(changes or {})
    if (folder / "report.html").exists():
        raise DgeoError(f"{folder} already holds a demo; look at {folder / 'report.html'}, or choose another --out.")
    train(config, folder, dataset=world.dataset, resume=(folder / "config.yaml").exists(), watch=watch)
    return evaluate_virtual(folder, world)


def evaluate_virtual(folder: Path, world: VirtualWorld | None = None) -> dict[str, Any]:
    """Score a run on virtual basins against the noise-free truth, and write what its report reads.

    Streamflow, and so everything the model was never shown, beside the same model before training.
    """
    config = config_of(folder)
    world = virtual_world(config.data) if world is None else world
    models = {seed: load(path) for seed, path in seeds_of(folder)}
    truth = world.dataset.assign(streamflow=world.truth["streamflow"])
    trained = evaluate_models(models, config, truth)
    statistics = training_statistics(world.dataset, config)
    sites = len(training_basins(world.dataset, config))
    untrained = {seed: build(config.recipe, statistics, jax.random.key(seed), sites) for seed in models}
    before = evaluate_models(untrained, config, truth)
    summary = trained.summary | _learned(trained, before, world)
    write_evaluation(folder, replace(trained, summary=summary, simulation=_beside_truth(trained.simulation, world)))
    return summary


def _beside_truth(simulation: xr.Dataset, world: VirtualWorld) -> xr.Dataset:
    place = {"basin": simulation["basin"], "time": simulation["time"]}
    known = {f"{name}_truth": world.truth[name].sel(place) for name in simulation.data_vars if name in world.truth}
    return simulation.assign(known | {"streamflow_observed": world.dataset["streamflow"].sel(place)})


def _configured(changes: dict[str, Any]) -> tuple[Config, VirtualWorld]:
    content = {
        section: {**values, **changes.get(section, {})} if isinstance(values, dict) else values
        for section, values in DEMO.items()
    }
    world = virtual_world(parse_config(content, "demo").data)
    unseen = [
        str(basin) for basin in world.dataset["basin"].values[-(world.dataset.sizes["basin"] * UNSEEN // BASINS) :]
    ]
    return parse_config(content | {"split": {**content["split"], "test_basins": unseen}}, "demo"), world


def _hidden(simulation: xr.Dataset, truth: xr.Dataset) -> list[str]:
    """What both the model and the truth have: they may be of different kinds."""
    return [name for name in HIDDEN if name in simulation and name in truth]


def _learned(trained: Evaluation, before: Evaluation, world: VirtualWorld) -> dict[str, Any]:
    truth: xr.Dataset = world.truth.sel(basin=trained.simulation["basin"], time=trained.simulation["time"])
    return {
        "against": "noise-free truth of unseen basins and years",
        "untrained": before.summary["test"],
        "hidden": hidden_scores(trained.simulation, before.simulation, truth, _hidden(trained.simulation, truth)),
        "recovery": recovery(trained.parameters, truth),
    }
