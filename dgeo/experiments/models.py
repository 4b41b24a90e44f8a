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
from dgeo.experiments.setting import BUDGETS, Budget, Setting
from dgeo.training import Config, read_config

PLACES = ("../benchmarks/configs", "_configs")  # beside the package of a checkout; within that of a wheel
Kind = Literal["hybrid", "network", "reference", "table", "evolution"]


@dataclass(frozen=True)
class Model:
    """A config file and what is changed in it; `quick` changes more for that budget, `laptop` is a file of its own.

    `kind`: physics with networks, a network alone, a forecast that needs no training, or numbers of each basin's own,
    by gradient or by evolution. `budgets` are those whose `temporal` has it: implicit steps take a hundred times as
    long as the others, so that the quick one leaves them to `controls`.
    """

    file: str
    kind: Kind
    meaning: str
    changes: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    laptop: str | None = None
    budgets: tuple[Budget, ...] = BUDGETS

    def config(self, budget: Budget) -> str:
        """The name of the config file."""
        return self.laptop if budget == "laptop" and self.laptop else self.file


FEWER = ("model.components=4", "training.steps=600", "training.validate_every=100")
SMALLER = (
    "model.hidden=64", "training.optimiser.learning_rate=0.003", "training.steps=600", "training.validate_every=100",
)  # fmt: skip
STRUCTURE = ("training.steps=300", "training.validate_every=100")
MODELS: dict[str, Model] = {
    "climatology": Model("camels_us_climatology", "reference", "the mean of the season, from the training years"),
    "persistence": Model("camels_us_persistence", "reference", "the observation of the day before"),
    "calibration_gradient": Model(
        "camels_us_calibration_gradient", "table", "HBV, each basin by itself, by gradient",
        quick=("training.steps=150", "training.validate_every=50", "training.checkpoint_every=50"),
    ),
    "calibration_evolution": Model(
        "camels_us_calibration_evolution", "evolution", "HBV, each basin by itself, by CMA-ES",
        quick=("training.evolution={generations: 60, population: 12}",),
    ),
    "lstm": Model("camels_us_lstm", "network", "LSTM", (), SMALLER, "camels_us_lstm_quick"),
    "lstm_128": Model("camels_us_lstm_128", "network", "LSTM of 128 cells", budgets=("laptop",)),
    "ea_lstm": Model(
        "camels_us_ea_lstm", "network", "LSTM whose input gate is set by attributes", (), SMALLER,
        "camels_us_ea_lstm_quick",
    ),
    "mc_lstm": Model(
        "camels_us_mc_lstm", "network", "LSTM that conserves water", (), ("model.hidden=16", *SMALLER[1:]),
        "camels_us_mc_lstm_quick",
    ),
    "static": Model("camels_us_static", "hybrid", "δHBV, static parameters, 16 components", quick=FEWER[1:]),
    "dynamic": Model("camels_us_dynamic", "hybrid", "δHBV, beta, k0 and beta_et move in time", quick=FEWER),
    "dynamic_more": Model("camels_us_dynamic_more", "hybrid", "δHBV, seven parameters move in time", quick=FEWER),
    "static_fast": Model("camels_us_static_fast", "hybrid", "δHBV, static parameters, 4 components", quick=FEWER),
    "law": Model("camels_us_law", "hybrid", "static_fast with a learned law of evaporation", quick=FEWER),
    "implicit": Model(
        "camels_us_implicit", "hybrid", "static_fast with implicit Euler steps", quick=FEWER,
        budgets=("full", "laptop", "tiny"),
    ),
    "hbv_all": Model(
        "structures_real", "hybrid", "HBV, all parameters move in time",
        ("model.physics.name=hbv", "model.physics.version=1.1p"), STRUCTURE,
    ),
    "nonsense_all": Model(
        "structures_real", "hybrid", "NonSense: the same network, stores in an absurd order",
        ("model.physics.name=nonsense",), STRUCTURE,
    ),
}  # fmt: skip
CHECKPOINT = 100
SEEDS = {"full": (0, 1, 2), "laptop": (0,), "quick": (0, 1), "tiny": (0, 1)}
TINY = {
    "hybrid": ("model.components=1", "model.static.width=4", "model.static.depth=1", "model.routing_days=5"),
    "network": ("model.hidden=4",),
    "reference": (),
    "table": ("model.routing_days=5",),
    "evolution": ("model.routing_days=5", "training.evolution={generations: 2, population: 4}"),
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
    sections: dict[str, Any] = {
        "data": content | dict(data or {}),
        "split": periods | dict(split or {}),
        "outputs": list(outputs),
        "training.seeds": list(SEEDS[setting.budget] if seeds is None else seeds),
        **({"model.attributes": list(setting.attributes)} if model.kind in ("hybrid", "network") else {}),
        **({"model.forcings": list(setting.forcings)} if model.kind == "network" and setting.forcings else {}),
    }
    if model.kind == "table":
        sections["training.batch"] = len(sections["data"]["basins"] or setting.basins)
    words = [f"{key}={json.dumps(value)}" for key, value in sections.items()]
    file = folder() / f"{model.config(setting.budget)}.yaml"
    return read_config(file, [*model.changes, *words, *_reduced(name, setting), *changes])


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
        return (*model.quick, f"training.checkpoint_every={CHECKPOINT}") if model.kind == "network" else model.quick
    if setting.size == "full":
        return ()
    training = [f"training.{key}={value}" for key, value in TINY_TRAINING.items()]
    return (*training, *TINY[model.kind])
