"""Basins spread over devices: what a run computes does not depend on how many there are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
TRAINS = """
import json
from pathlib import Path
import jax
import numpy as np
from dgeo.training.group import like, stacked, together
from tests.training import cases

law = {"slots": ["evaporation"], "inputs": ["storage", "potential_evapotranspiration"], "width": 4, "depth": 1}
settings = cases.config(
    model={
        "physics": {"name": "bucket", "version": "power", "solver": {"method": "implicit_euler"}},
        "laws": [law],
        "dynamic": {"parameters": ["k0"], "reversion": 0.5},
    },
    training={"batch": 4},
    outputs=["streamflow"],
)
trainer = cases.trainer(settings)
assert trainer.devices.count == jax.device_count()
one = cases.member(settings, cases.task(Path("unused")))
case = trainer.case(one.model, one.source, one.sampler, 0)
shared, own = together([case])
placed = trainer.devices.placed
states = stacked([trainer.start(one.model, case)])
states = placed(states, jax.tree.map(lambda _: True, states))
_, record = trainer.advance(states, None, placed(shared, like(shared, own)), own, 4)
print(json.dumps({"loss": np.asarray(record.loss[0]).tolist(), "gradient": np.asarray(record.gradient[0]).tolist()}))
"""


def trained(devices):
    """Losses and gradient norms of four steps, from a process with so many devices."""
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(devices), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", TRAINS], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_two_devices_train_as_one():
    """Four steps of four basins with all that could tell devices apart: a law's weights and Newton's condition inside
    the loop over days, and parameters that revert by chance. Sums over basins come in another order, hence a few
    roundings of float32, which four steps of Adam pass on."""
    one, two = trained(1), trained(2)
    for name in ("loss", "gradient"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4)
    assert np.ptp(one["loss"]) > 0
