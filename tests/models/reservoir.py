"""One linear reservoir, whose exact solution every test knows: dS/dt = p − k·S."""

from typing import ClassVar

import jax.numpy as jnp

from dgeo.models import Budget, ContinuousModel, Formula, Parameter, Slot, Values, Variable
from dgeo.numerics import Bounds, Limits


def linear(storage, recession):
    """k·S."""
    return recession * storage


class Reservoir(ContinuousModel):
    slots: ClassVar = {"outflow": Slot(Formula(linear), "mm d-1", "outflow", Limits(0.0), "storage")}
    forcings: ClassVar = {"precipitation": Variable("mm d-1", "rain", 5.0)}
    states: ClassVar = {"storage": Variable("mm", "water", 20.0)}
    budget = Budget({"rainfall": (None, "storage"), "outflow": ("storage", None)}, sums={"runoff": ("outflow",)})
    fluxes: ClassVar = {name: Variable("mm d-1", "") for name in ("rainfall", "outflow", "runoff")}
    all_parameters: ClassVar = {"recession": Parameter("d-1", "", Bounds(0.01, 0.5), 0.1)}

    def initial_state(self) -> Values:
        return {"storage": jnp.asarray(0.0)}

    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        now = self.values(state, forcing, parameters)
        return {"rainfall": now["precipitation"], "outflow": self.law("outflow", now)}


def exact_storage(rain, recession, start=0.0):
    """S after every day of constant rain: S·e^{−k} + p/k·(1 − e^{−k})."""
    kept, stored = jnp.exp(-recession), []
    for p in rain:
        start = start * kept + p / recession * (1 - kept)
        stored.append(start)
    return jnp.stack(stored)
