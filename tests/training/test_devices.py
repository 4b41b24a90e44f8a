"""Basins spread over devices: what a run computes does not depend on how many there are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np

from tests.training import spread

ROOT = Path(__file__).parents[2]


def found_on_two_devices():
    """The same by a process that has two."""
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": "2", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.training.spread"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_two_devices_train_as_one():
    """A simulation of five basins, three on one device and two on the other, differs in no bit.

    Four steps of four basins with all that could tell devices apart: a law's weights and Newton's condition inside the
    loop over days, and parameters that revert by chance. Sums over basins come in another order, hence a few
    roundings of float32, which four steps of Adam pass on."""
    assert jax.device_count() == 1
    one, two = spread.found(), found_on_two_devices()
    for name in ("flow", "tail"):
        np.testing.assert_array_equal(two[name], one[name])
    for name in ("loss", "gradient"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4)
    assert np.ptp(one["loss"]) > 0
