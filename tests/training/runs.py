"""Run folders with fresh weights, made without training: what applies a run does not ask how good it is."""

from pathlib import Path
from typing import Any

import jax

from dgeo.hybrid import build, save
from dgeo.training import Config, parse_config, training_statistics, write_config
from tests.training.cases import ATTRIBUTES, content, world

READ = ["precipitation", "temperature", "potential_evapotranspiration"]
HYBRID: dict[str, Any] = {
    "attributes": ATTRIBUTES,
    "components": 2,
    "static": {"width": 4, "depth": 1},
    "dynamic": {"parameters": ["beta"], "width": 4},
    "routing_days": 5,
}
LSTM: dict[str, Any] = {"network": "lstm", "hidden": 8, "forcings": READ, "attributes": ATTRIBUTES}


def made(folder: Path, model: dict[str, Any], outputs: list[str], seeds: tuple[int, ...] = (0,)) -> Path:
    """A run on the five basins of `tests.training.cases`, whose data lie beside it."""
    dataset = world()
    (folder / "run" / "models").mkdir(parents=True)
    dataset.to_netcdf(folder / "data.nc", engine="h5netcdf")
    sections = content(data={"file": str(folder / "data.nc")}, training={"seeds": list(seeds)}, outputs=outputs)
    config: Config = parse_config({**sections, "model": model}, "test")
    for seed in seeds:
        fresh = build(config.recipe, training_statistics(dataset, config), jax.random.key(seed))
        notes = {"seed": seed, "basins": [str(basin) for basin in dataset["basin"].values]}
        save(folder / "run" / "models" / f"seed_{seed}.safetensors", fresh, config.recipe, notes)
    write_config(folder / "run" / "config.yaml", config)
    return folder / "run"
