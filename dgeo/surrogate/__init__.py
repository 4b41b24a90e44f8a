"""Learning through an emulator of a simulator that has no gradient: Tsai et al. (2021), doi:10.1038/s41467-021-26107-z.

Run the black box with many parameters, train an emulator on the runs, freeze it, learn parameters through it against
observations, and run the black box with what was learned: the difference in skill is the price of emulation.
"""

from dgeo.models.surrogate import Interface, Surrogate
from dgeo.surrogate.black_box import BlackBox, named, register
from dgeo.surrogate.bucket import INTERFACE, numpy_bucket
from dgeo.surrogate.bucket_model import DegreeDayBucket
from dgeo.surrogate.config import SurrogateConfig, parse_surrogate_config, read_surrogate_config
from dgeo.surrogate.emulator import Emulation, emulate, emulator_outputs, emulator_skill, load_emulator, save_emulator
from dgeo.surrogate.experiment import Experiment, Outcome
from dgeo.surrogate.learn import LearningConfig, learn_parameters, learned_parameters
from dgeo.surrogate.run import run_surrogate
from dgeo.surrogate.runs import Runs, run_batches, sample_parameters, sample_runs

register(
    "numpy_bucket",
    numpy_bucket,
    INTERFACE.parameters,
    INTERFACE.forcings,
    INTERFACE.outputs,
    differentiable=DegreeDayBucket(),
)

__all__ = [
    "BlackBox",
    "DegreeDayBucket",
    "Emulation",
    "Experiment",
    "Interface",
    "LearningConfig",
    "Outcome",
    "Runs",
    "Surrogate",
    "SurrogateConfig",
    "emulate",
    "emulator_outputs",
    "emulator_skill",
    "learn_parameters",
    "learned_parameters",
    "load_emulator",
    "named",
    "numpy_bucket",
    "parse_surrogate_config",
    "read_surrogate_config",
    "register",
    "run_batches",
    "run_surrogate",
    "sample_parameters",
    "sample_runs",
    "save_emulator",
]
