"""The readers under attack: which files each reads, how it is used, and what must hold of what it accepts."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.bad_inputs import mutators, oracle
from dgeo import data, training
from dgeo.contrast.experiment import read_contrast
from dgeo.data.store import open_store
from dgeo.experiments import setting_named
from dgeo.hybrid import load
from dgeo.report.page import render
from dgeo.surrogate import read_surrogate_config
from dgeo.training.prepare import check_inputs
from dgeo.training.records import best_validation, training_seconds

READ = ("precipitation", "temperature_min", "temperature_max", "potential_evapotranspiration")
Judge = Callable[[Any, Any], str]
"""(what came of the damaged file, what comes of the sound one) → what is wrong with it, nothing if none."""


@dataclass(frozen=True)
class Target:
    """A reader.

    `files` are patterns of what is damaged, one at a time; `use` reads them in a folder; `judge` looks at what it
    accepted. `every` thins the examples of a costly reader.
    """

    name: str
    files: tuple[str, ...]
    use: Callable[[Path], Any]
    judge: Judge
    ways: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = mutators.TEXT
    every: int = 1


def unchanged(found: Any, sound: Any) -> str:
    """Of files with a checksum: damage never passes."""
    return "" if found == sound else "the content has changed"


def plausible(found: Any, sound: Any) -> str:
    """Of data: no checksum, so another valid content is all that can be asked for."""
    return oracle.complaint(found, [name for name in READ if name in found])


def typed(found: Any, sound: Any) -> str:
    """Of configs: pydantic made it, and it reads back as itself."""
    again = type(found).model_validate(found.model_dump(mode="json"))
    return "" if again == found else "it does not read back as itself"


def escaped(found: Any, sound: Any) -> str:
    """Of pages: no script, whatever the files say."""
    return "a script" if "<script" in found.lower() else ""


def anything(found: Any, sound: Any) -> str:
    """Where every accepted value is a valid one."""
    return ""


def read_model(folder: Path) -> str:
    leaves = jax.tree.leaves(load(folder / "run/models/seed_0.safetensors"))
    return hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in leaves)).hexdigest()


def read_state(folder: Path) -> str:
    found = training.apply(folder / "run", end="2001-02-28", state=folder / "state.safetensors")
    return hashlib.sha256(found["streamflow"].values.tobytes()).hexdigest()


def resume(folder: Path) -> str:
    models = training.train(training.config_of(folder / "run"), folder / "run", resume=True)
    return hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(models))).hexdigest()


def read_text(folder: Path) -> Any:
    found = data.read_text(folder / "camels")
    data.check(found, ("precipitation", "temperature_min", "temperature_max"))
    return found.drop_vars("streamflow_quality")


def read_netcdf(folder: Path) -> Any:
    config = training.read_config(folder / "run.yaml")
    found = training.load_dataset(config.data)
    check_inputs(
        found, config, (str(found["time"].values[0])[:10], str(found["time"].values[-1])[:10]), ("streamflow",)
    )
    return found


def read_store(folder: Path) -> Any:
    config = training.read_config(folder / "run.yaml")
    found = open_store(folder / "store.zarr")
    check_inputs(
        found, config, (str(found["time"].values[0])[:10], str(found["time"].values[-1])[:10]), ("streamflow",)
    )
    return found.load()


def read_split(name: str) -> Callable[[Path], Any]:
    def use(folder: Path) -> str:
        split = data.load_split(folder / name)
        data.check_leakage(split)
        return split.to_json()

    return use


def read_results(folder: Path) -> str:
    return repr((training_seconds(folder / "run"), best_validation(folder / "run")))


def read_config(folder: Path) -> Any:
    return training.read_config(folder / "run.yaml")


TARGETS = (
    Target("config", ("run.yaml",), read_config, typed),
    Target("config of a surrogate", ("surrogate.yaml",), lambda f: read_surrogate_config(f / "surrogate.yaml"), typed),
    Target("config of a PINN", ("pinn.yaml",), lambda f: read_contrast(f / "pinn.yaml"), typed),
    Target("data set of a study", ("own.yaml",), lambda f: setting_named(str(f / "own.yaml"), "full"), anything),
    Target(
        "CAMELS-US text",
        ("camels/basin_mean_forcing/**/*.txt", "camels/usgs_streamflow/**/*.txt"),
        read_text,
        plausible,
    ),
    Target("CAMELS-US attributes", ("camels/camels_*.txt",), lambda f: data.read_attributes(f / "camels"), anything),
    Target(
        "CAMELS-US prepared",
        ("prepared/**/*.nc", "prepared/**/*.csv"),
        lambda f: data.read_prepared(f / "prepared"),
        anything,
    ),
    Target("NetCDF", ("data.nc",), read_netcdf, plausible, mutators.BYTES),
    Target("Zarr store", ("store.zarr/**/*",), read_store, plausible),
    Target("split of basins", ("basins.json",), read_split("basins.json"), anything),
    Target("split of years", ("years.json",), read_split("years.json"), anything),
    Target("model", ("run/models/*.safetensors",), read_model, unchanged),
    Target("state", ("state.safetensors",), read_state, unchanged, every=2),
    Target("checkpoint", ("run/checkpoints/*.safetensors",), resume, unchanged, every=8),
    Target("history", ("run/history.csv",), read_results, anything),
    Target(
        "results for the report",
        ("run/*.json", "run/*.csv", "run/*.nc", "run/config.yaml"),
        lambda f: render(f / "run"),
        escaped,
        every=8,
    ),
)
