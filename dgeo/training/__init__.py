"""Training runs: configs, windows, losses, the loop, checkpoints, evaluation and use of what was trained."""

from dgeo.training.apply import apply, apply_to_store
from dgeo.training.arrays import Arrays, to_arrays
from dgeo.training.config import Config, parse_config, read_config, write_config
from dgeo.training.evaluate import Evaluation, evaluate, evaluate_models, write_evaluation, write_netcdf
from dgeo.training.fields import parameter_fields, share_at_bounds
from dgeo.training.fit import Fitted, fit
from dgeo.training.prepare import (
    load_dataset,
    potential_evapotranspiration,
    training_basins,
    training_statistics,
    virtual_world,
)
from dgeo.training.probing import probe
from dgeo.training.progress import Member, Row, Task
from dgeo.training.records import read_json, write_json
from dgeo.training.reference import ReferenceRecipe
from dgeo.training.rerun import parse_solver, rerun, with_solver
from dgeo.training.run import config_of, seeds_of, train, train_runs, variations
from dgeo.training.sampler import Sampler
from dgeo.training.simulation import chunks, run
from dgeo.training.step import Trainer, trainer_of
from dgeo.training.stepper import Stepper, open_stepper

__all__ = [
    "Arrays",
    "Config",
    "Evaluation",
    "Fitted",
    "Member",
    "ReferenceRecipe",
    "Row",
    "Sampler",
    "Stepper",
    "Task",
    "Trainer",
    "apply",
    "apply_to_store",
    "chunks",
    "config_of",
    "evaluate",
    "evaluate_models",
    "fit",
    "load_dataset",
    "open_stepper",
    "parameter_fields",
    "parse_config",
    "parse_solver",
    "potential_evapotranspiration",
    "probe",
    "read_config",
    "read_json",
    "rerun",
    "run",
    "seeds_of",
    "share_at_bounds",
    "to_arrays",
    "train",
    "train_runs",
    "trainer_of",
    "training_basins",
    "training_statistics",
    "variations",
    "virtual_world",
    "with_solver",
    "write_config",
    "write_evaluation",
    "write_json",
    "write_netcdf",
]
