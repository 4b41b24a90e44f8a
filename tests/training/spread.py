"""A training and a simulation spread over all devices of the process; run as a module, it prints what they gave."""

import json
from pathlib import Path

import jax
import numpy as np

from dgeo.training.group import like, stacked, together
from dgeo.training.simulation import run
from tests.training import cases

LAW = {"slots": ["evaporation"], "inputs": ["storage", "potential_evapotranspiration"], "width": 4, "depth": 1}
SETTINGS = cases.config(
    model={
        "physics": {"name": "bucket", "version": "power", "solver": {"method": "implicit_euler"}},
        "laws": [LAW],
        "dynamic": {"parameters": ["k0"], "reversion": 0.5},
    },
    training={"batch": 4},
    outputs=["streamflow"],
)


def found():
    """Losses and gradient norms of four steps, and the untrained model's flow and what its channel holds."""
    trainer = cases.trainer(SETTINGS)
    assert trainer.devices.count == jax.device_count()
    one = cases.member(SETTINGS, cases.task(Path("unused")))
    case = trainer.case(one.model, one.source, one.sampler, 0)
    shared, own = together([case])
    placed = trainer.devices.placed
    states = stacked([trainer.start(one.model, case)])
    states = placed(states, jax.tree.map(lambda _: True, states))
    _, record = trainer.advance(states, None, placed(shared, like(shared, own)), own, 4)
    series, carry = run(one.model, one.source.inputs, ("streamflow",))
    values = {
        "loss": record.loss[0],
        "gradient": record.gradient[0],
        "flow": series["streamflow"],
        "tail": carry.routing,
    }
    return {name: np.asarray(value).tolist() for name, value in values.items()}


if __name__ == "__main__":
    print(json.dumps(found()))
