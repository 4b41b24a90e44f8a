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
from dgeo.training.simulation import run
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
case = trainer.case(one.model, one.arrays, one.sampler, 0)
shared, own = together([case])
placed = trainer.devices.placed
states = stacked([trainer.start(one.model, case)])
states = placed(states, jax.tree.map(lambda _: True, states))
_, record = trainer.advance(states, placed(shared, like(shared, own)), own, 4)
series, carry = run(one.model, one.arrays.inputs, ("streamflow",))
found = {"loss": record.loss[0], "gradient": record.gradient[0], "flow": series["streamflow"], "tail": carry.routing}
print(json.dumps({name: np.asarray(values).tolist() for name, values in found.items()}))
"""


def trained(devices):
    """Losses and gradient norms of four steps, and the untrained model's flow, by a process of so many devices."""
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(devices), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", TRAINS], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_two_devices_train_as_one():
    """A simulation of five basins, three on one device and two on the other, differs in no bit.

    Four steps of four basins with all that could tell devices apart: a law's weights and Newton's condition inside the
    loop over days, and parameters that revert by chance. Sums over basins come in another order, hence a few
    roundings of float32, which four steps of Adam pass on."""
    one, two = trained(1), trained(2)
    for name in ("flow", "tail"):
        np.testing.assert_array_equal(two[name], one[name])
    for name in ("loss", "gradient"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4)
    assert np.ptp(one["loss"]) > 0
