"""SHM: snow, a soil, and three linear reservoirs side by side.

As published, one explicit operator split. In this order, each line seeing what the one before has left (S snow, F fast,
M soil, I interflow, B baseflow reservoir [mm]; all fluxes in mm d⁻¹; dt in days):

    S += snow·dt;   melt = min(Df·max(T, 0), S/dt);   water = rain + melt        snow where T < 0 °C
    infiltration excess = max(water − IC, 0);                                    → F, the rest → M
    quick = K0·F
    recharge = (water − infiltration excess)·(M/FC)^β;   excess = max(M − FC, 0)/dt
    evapotranspiration = min(0.9·E·[M/FC if M ≤ 0.8·FC, else 1], M/dt)
    interflow = K1·I   of p·(recharge + excess);   baseflow = K2·B   of the rest
    runoff = quick + interflow + baseflow

The right-hand sides are the defaults of the slots. In continuous time (`rates`, for any other solver) all fluxes are
taken at once, and what the split does within a step (melt of all the snow, excess) takes a day. For the ledger, all
rain and meltwater enter the soil, and the infiltration excess leaves it again.

References: Ehret et al. (2020), doi:10.5194/hess-24-4389-2020; in this form, with these bounds, Acuña Espinoza et al.
(2024), doi:10.5194/hess-28-2705-2024, and its code Hy2DL.
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
from dgeo.numerics import at_most, positive_part

FLUXES = {
    "rainfall": Variable("mm d-1", "precipitation that falls as rain"),
    "snowfall": Variable("mm d-1", "precipitation that falls as snow"),
    "melt": Variable("mm d-1", "snow that melts"),
    "infiltration_excess": Variable("mm d-1", "water that the soil does not take up, to the fast reservoir"),
    "evapotranspiration": Variable("mm d-1", "actual evapotranspiration"),
    "interflow_recharge": Variable("mm d-1", "water from the soil to the interflow reservoir"),
    "baseflow_recharge": Variable("mm d-1", "water from the soil to the baseflow reservoir"),
    "quick_flow": Variable("mm d-1", "runoff from the fast reservoir"),
    "interflow": Variable("mm d-1", "runoff from the interflow reservoir"),
    "baseflow": Variable("mm d-1", "runoff from the baseflow reservoir"),
    "runoff": Variable("mm d-1", "sum of the three flows, before routing"),
}
BUDGET = Budget(
    {
        "snowfall": (None, "snow_water_equivalent"),
        "rainfall": (None, "soil_moisture"),
        "melt": ("snow_water_equivalent", "soil_moisture"),
        "infiltration_excess": ("soil_moisture", "fast_reservoir"),
        "evapotranspiration": ("soil_moisture", None),
        "interflow_recharge": ("soil_moisture", "interflow_reservoir"),
        "baseflow_recharge": ("soil_moisture", "baseflow_reservoir"),
        "quick_flow": ("fast_reservoir", None),
        "interflow": ("interflow_reservoir", None),
        "baseflow": ("baseflow_reservoir", None),
    },
    sums={"runoff": ("quick_flow", "interflow", "baseflow")},
)


class SHM(ContinuousModel):
    """SHM with exchangeable laws; `shm` builds it. A law gives a potential rate or a share; the step limits it."""

    solver: Solver = eqx.field(default=PUBLISHED, kw_only=True)

    slots: ClassVar = SLOTS
    forcings: ClassVar = FORCINGS
    states: ClassVar = STATES
    fluxes: ClassVar = FLUXES
    all_parameters: ClassVar = PARAMETERS
    step_parameters: ClassVar = STEP_PARAMETERS
    budget: ClassVar = BUDGET

    def initial_state(self) -> Values:
        """Nearly empty stores."""
        return {name: jnp.asarray(0.001) for name in STATES}

    def split(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One explicit step, flux after flux; see the head of this file."""
        now = self.values(state, forcing, parameters)
        now |= snow_step(self, now, dt)
        now |= self._infiltration(now)
        now |= soil_step(self, now, now["rainfall"] + now["melt"] - now["infiltration_excess"], dt)
        now |= self._recharge(now)
        now |= reservoir_step(self, now, "fast_reservoir", "quick_flow", now["infiltration_excess"], dt)
        now |= reservoir_step(self, now, "interflow_reservoir", "interflow", now["interflow_recharge"], dt)
        now |= reservoir_step(self, now, "baseflow_reservoir", "baseflow", now["baseflow_recharge"], dt)
        fluxes = BUDGET.totals({flux: now[flux] for flux in BUDGET.transfers})
        return {name: now[name] for name in STATES}, fluxes

    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """The fluxes at this moment; a store below zero, as a solver may try it, counts as empty."""
        filled = {name: positive_part(amount) for name, amount in state.items()}
        now = self.values(filled, forcing, parameters)
        now |= snow_rates(self, now)
        now |= self._infiltration(now)
        now |= soil_rates(self, now, now["rainfall"] + now["melt"] - now["infiltration_excess"])
        now |= self._recharge(now)
        now |= reservoir_rates(self, now, "fast_reservoir", "quick_flow")
        now |= reservoir_rates(self, now, "interflow_reservoir", "interflow")
        return now | reservoir_rates(self, now, "baseflow_reservoir", "baseflow")

    def _infiltration(self, now: Values) -> Values:
        water = now["rainfall"] + now["melt"]
        return {"infiltration_excess": at_most(self.law("infiltration_excess", {**now, "soil_inflow": water}), water)}

    def _recharge(self, now: Values) -> Values:
        water = now["recharge"] + now["excess"]
        inter = water * self.law("interflow_fraction", now)
        return {"interflow_recharge": inter, "baseflow_recharge": water - inter}


def shm(*, solver: Solver = PUBLISHED, **laws: Law) -> SHM:
    """SHM, with any of its laws replaced by name. Raises `DgeoError` for a law that there is not."""
    return SHM(laws=dict(laws), solver=solver)
