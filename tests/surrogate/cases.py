"""A black box so small that an emulator learns it in a second: a reservoir with one parameter, written with numpy."""

import functools
import tempfile
from pathlib import Path

import jax
import numpy as np

from dgeo.models import Parameter, Variable
from dgeo.numerics import Bounds
from dgeo.surrogate import Emulation, Interface, emulate, sample_runs
from dgeo.surrogate.black_box import BlackBox
from dgeo.training.config import OptimiserConfig, TrainingConfig

RESERVOIR = Interface(
    {"precipitation": Variable("mm d-1", "")},
    {"recession": Parameter("d-1", "", Bounds(0.1, 0.5), 0.3)},
    {"runoff": Variable("mm d-1", "")},
)


def reservoir(forcing, parameters):
    """S ← S + P, Q = k·S, S ← S − Q, one day after the other."""
    rain = forcing["precipitation"]
    runoff, store = np.zeros(rain.shape), np.zeros(rain.shape[1])
    for day in range(len(rain)):
        store = store + rain[day]
        runoff[day] = parameters["recession"] * store
        store = store - runoff[day]
    return {"runoff": runoff}


def black_box(simulator=reservoir) -> BlackBox:
    """The reservoir, or another simulator of its interface."""
    return BlackBox("reservoir", simulator, RESERVOIR)


def weather(days: int = 120, sites: int = 6, seed: int = 5) -> dict[str, np.ndarray]:
    """Rain on half of the days; a season of warmth that crosses zero; demand that follows it."""
    random = np.random.default_rng(seed)
    warmth = 6 + 9 * np.sin(np.arange(days) / 58)[:, None] + random.normal(0, 3, (days, sites))
    return {
        "precipitation": random.exponential(6.0, (days, sites)) * (random.random((days, sites)) < 0.5),
        "temperature": warmth,
        "potential_evapotranspiration": np.maximum(warmth / 4, 0.1),
    }


def training(steps: int = 400) -> TrainingConfig:
    """Short windows, and the batch of a laptop."""
    return TrainingConfig(
        batch=16,
        warmup=20,
        window=20,
        steps=steps,
        steps_per_call=steps,
        validate_every=steps,
        checkpoint_every=steps,
        optimiser=OptimiserConfig(learning_rate=0.02),
    )


@functools.cache
def emulated(again: int = 0) -> Emulation:
    """An emulator of the reservoir; `again` makes it anew."""
    del again
    with tempfile.TemporaryDirectory() as folder, jax.enable_x64(False):
        runs, held_out = (sample_runs(black_box(), weather(seed=s), count, 80, s) for s, count in ((5, 64), (6, 16)))
        place = Path(folder) / "emulator.safetensors"
        return emulate(RESERVOIR, runs, held_out, place, width=8, training=training())
