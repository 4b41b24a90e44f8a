"""NonSense: the stores and laws of SHM in an order that no water takes, as a control.

    rain and meltwater → baseflow reservoir → interflow reservoir → soil → runoff and evapotranspiration

Groundwater feeds interflow, interflow feeds the soil, and what runs through the soil is the streamflow. It conserves
water as SHM does. A network that is trained through it shows what of a hybrid's skill is the network's own: if
streamflow comes out as well as with a sensible model, streamflow does not tell the two apart, and only the stores do.

Laws, limits and forms in time are those of `dgeo.models.shm`; there is no fast reservoir.

Reference: Acuña Espinoza et al. (2024), doi:10.5194/hess-28-2705-2024, and its code Hy2DL, whose reservoirs give S/k
with k in 1…100 d (interflow) and 10…1000 d (baseflow); here they have the rates and bounds of `dgeo.models.shm`.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from dgeo.models.hbv_names import FORCINGS
from dgeo.models.law import Law, Values
from dgeo.models.model import Budget, Scalar, Variable
from dgeo.models.ode import ContinuousModel
from dgeo.models.shm_parts import (
    PARAMETERS,
    PUBLISHED,
    SLOTS,
    STATES,
    STEP_PARAMETERS,
    reservoir_rates,
    reservoir_step,
    snow_rates,
    snow_step,
    soil_rates,
    soil_step,
)
from dgeo.models.solvers import Solver
from dgeo.numerics import positive_part

STORES = ("snow_water_equivalent", "baseflow_reservoir", "interflow_reservoir", "soil_moisture")
KEPT = ("snow_fraction", "melt", "recharge_fraction", "evaporation", "interflow", "baseflow")
READ = ("degree_day_factor", "field_capacity", "beta", "k1", "k2")
BUDGET = Budget(
    {
        "snowfall": (None, "snow_water_equivalent"),
        "rainfall": (None, "baseflow_reservoir"),
        "melt": ("snow_water_equivalent", "baseflow_reservoir"),
        "baseflow": ("baseflow_reservoir", "interflow_reservoir"),
        "interflow": ("interflow_reservoir", "soil_moisture"),
        "evapotranspiration": ("soil_moisture", None),
        "recharge": ("soil_moisture", None),
        "excess": ("soil_moisture", None),
    },
    sums={"runoff": ("recharge", "excess")},
)


class NonSense(ContinuousModel):
    """SHM in a physically absurd order; `nonsense` builds it."""

    solver: Solver = eqx.field(default=PUBLISHED, kw_only=True)

    slots: ClassVar = {name: SLOTS[name] for name in KEPT}
    forcings: ClassVar = FORCINGS
    states: ClassVar = {name: STATES[name] for name in STORES}
    fluxes: ClassVar = {
        "rainfall": Variable("mm d-1", "precipitation that falls as rain"),
        "snowfall": Variable("mm d-1", "precipitation that falls as snow"),
        "melt": Variable("mm d-1", "snow that melts"),
        "baseflow": Variable("mm d-1", "water from the baseflow to the interflow reservoir"),
        "interflow": Variable("mm d-1", "water from the interflow reservoir to the soil"),
        "evapotranspiration": Variable("mm d-1", "actual evapotranspiration"),
        "recharge": Variable("mm d-1", "water that runs through the soil into the river"),
        "excess": Variable("mm d-1", "water above field capacity, into the river"),
        "runoff": Variable("mm d-1", "sum of the last two, before routing"),
    }
    all_parameters: ClassVar = {name: PARAMETERS[name] for name in READ}
    step_parameters: ClassVar = STEP_PARAMETERS
    budget: ClassVar = BUDGET

    def initial_state(self) -> Values:
        """Nearly empty stores."""
        return {name: jnp.asarray(0.001) for name in STORES}

    def split(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One explicit step, store after store; see the head of this file."""
        now = self.values(state, forcing, parameters)
        now |= snow_step(self, now, dt)
        now |= reservoir_step(self, now, "baseflow_reservoir", "baseflow", now["rainfall"] + now["melt"], dt)
        now |= reservoir_step(self, now, "interflow_reservoir", "interflow", now["baseflow"], dt)
        now |= soil_step(self, now, now["interflow"], dt)
        fluxes = BUDGET.totals({flux: now[flux] for flux in BUDGET.transfers})
        return {name: now[name] for name in STORES}, fluxes

    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """The fluxes at this moment; a store below zero, as a solver may try it, counts as empty."""
        filled = {name: positive_part(amount) for name, amount in state.items()}
        now = self.values(filled, forcing, parameters)
        now |= snow_rates(self, now)
        now |= reservoir_rates(self, now, "baseflow_reservoir", "baseflow")
        now |= reservoir_rates(self, now, "interflow_reservoir", "interflow")
        return now | soil_rates(self, now, now["interflow"])


def nonsense(*, solver: Solver = PUBLISHED, **laws: Law) -> NonSense:
    """NonSense, with any of its laws replaced by name. Raises `DgeoError` for a law that there is not."""
    return NonSense(laws=dict(laws), solver=solver)
