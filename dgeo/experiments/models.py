"""The models of the studies: training configs of benchmarks/configs, and what each budget changes in them.

A model enters a study by its name here: its config file, and overrides as `dgeo train --set` takes them. Data,
periods and attributes come from the setting, so the file's own are not used.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import dgeo
from dgeo.data import Period
from dgeo.errors import DgeoError, nearest
from dgeo.experiments.setting import Setting
from dgeo.training import Config, read_config

PLACES = ("../benchmarks/configs", "_configs")  # beside the package of a checkout; within that of a wheel
Kind = Literal["hybrid", "network", "reference", "table"]


@dataclass(frozen=True)
class Model:
    """A config file and what is changed in it; `quick` changes more for that budget.

    `kind`: physics with networks, a network alone, a forecast that needs no training, or numbers of each basin's own.
    """

    file: str
    kind: Kind
    meaning: str
    changes: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()


SMALLER = ("model.hidden=64", "training.steps=600", "training.validate_every=100")
FEWER = ("model.components=4", "training.steps=600", "training.validate_every=100")
QUICK = ("training.steps=300", "training.validate_every=100")
HBV, NONSENSE = ("model.physics.name=hbv",), ("model.physics.name=nonsense",)
RATE = ("training.optimiser.learning_rate=0.001",)
MODELS: dict[str, Model] = {
    "climatology": Model(
        "camels_us_static_fast", "reference", "mean of the day of the year", ('model={"reference": "climatology"}',)
    ),
    "persistence": Model(
        "camels_us_static_fast", "reference", "the day before, observed", ('model={"reference": "persistence"}',)
    ),
    "lstm": Model("camels_us_static", "network", "the benchmark's LSTM", ('model={"network": "lstm"}', *RATE), SMALLER),
    "ea_lstm": Model("camels_us_static", "network", "EA-LSTM", ('model={"network": "ea_lstm"}', *RATE), SMALLER),
    "mc_lstm": Model("camels_us_static", "network", "MC-LSTM", ('model={"network": "mc_lstm"}', *RATE), SMALLER),
    "static": Model("camels_us_static", "hybrid", "δHBV, static parameters, 16 components", quick=FEWER),
    "dynamic": Model("camels_us_dynamic", "hybrid", "δHBV, beta, k0 and beta_et move in time", quick=FEWER),
    "static_fast": Model("camels_us_static_fast", "hybrid", "δHBV, static parameters, 4 components", quick=FEWER),
    "law": Model("camels_us_law", "hybrid", "static_fast with a learned law of evaporation", quick=FEWER),
    "hbv_all": Model(
        "structures_real", "hybrid", "HBV, all parameters move in time", ("model.physics.version=1.1p", *HBV), QUICK
    ),
    "nonsense_all": Model(
        "structures_real", "hybrid", "NonSense: the same network, stores in an absurd order", NONSENSE, QUICK
    ),
    "implicit": Model("camels_us_implicit", "hybrid", "static_fast with implicit Euler steps", quick=FEWER),
}
SEEDS = {"full": (0, 1, 2), "quick": (0, 1), "tiny": (0, 1)}
TINY = {
    "hybrid": ("model.components=1", "model.static.width=4", "model.static.depth=1", "model.routing_days=5"),
    "network": ("model.hidden=4",),
    "reference": (),
    "table": ("model.components=1", "model.routing_days=5"),
}
TINY_TRAINING = {
    "batch": 3,
    "warmup": 20,
    "window": 30,
    "steps": 4,
    "steps_per_call": 2,
    "validate_every": 2,
    "checkpoint_every": 2,
    "spin_up": 60,
}


def configured(
    name: str,
    setting: Setting,
    *,
    train: Period | None = None,
    validation: Period | Literal["setting"] | None = "setting",
    test: Period | None = None,
    split: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    seeds: Sequence[int] | None = None,
    outputs: Sequence[str] = ("streamflow",),
    changes: Sequence[str] = (),
) -> Config:
    """The config of a model on the data of a setting.

    **Arguments**

    - `train`, `validation`, `test`: periods, by default the setting's; without a validation the number of steps is
      the config's.
    - `split`, `data`: further keys of these sections.
    - `changes`: last of all, `section.key=value`.
    """
    if name not in MODELS:
        raise DgeoError(f"There is no model {name!r} in the studies; {nearest(name, MODELS)}")
    model = MODELS[name]
    trained = setting.train if train is None else train
    content = setting.data.model_dump(mode="json")
    if setting.climate_recomputed:
        content["climate_years"] = trained
    periods = {
        "train": trained,
        "validation": setting.validation if validation == "setting" else validation,
        "test": setting.test if test is None else test,
    }
    sections = {
        "data": content | dict(data or {}),
        "split": periods | dict(split or {}),
        "outputs": list(outputs),
        "training.seeds": list(SEEDS[setting.budget] if seeds is None else seeds),
        **({"model.attributes": list(setting.attributes)} if model.kind in ("hybrid", "network") else {}),
        **({"model.forcings": list(setting.forcings)} if model.kind == "network" and setting.forcings else {}),
    }
    words = [f"{key}={json.dumps(value)}" for key, value in sections.items()]
    return read_config(folder() / f"{model.file}.yaml", [*model.changes, *words, *_reduced(name, setting), *changes])


def folder() -> Path:
    """Where the configs lie; raises `DgeoError` where they do not."""
    package = Path(dgeo.__file__).parent
    for place in PLACES:
        if (package / place).is_dir():
            return (package / place).resolve()
    raise DgeoError("This installation lacks the folder of configs; install dgeo anew from its wheel or checkout.")


def _reduced(name: str, setting: Setting) -> tuple[str, ...]:
    model = MODELS[name]
    if setting.budget == "quick":
        return model.quick
    if setting.budget == "full":
        return ()
    training = [f"training.{key}={value}" for key, value in TINY_TRAINING.items()]
    return (*TINY[model.kind], *training)
