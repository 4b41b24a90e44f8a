"""HBV: snow, soil and two groundwater boxes.

As published, one explicit operator split. In this order, each line seeing what the one before has left (S snow, W the
liquid water in it, M soil moisture, U upper and L lower zone [mm]; all fluxes in mm d⁻¹; dt in days):

    S += snow·dt;            melt       = min(CFMAX·max(T − TT, 0), S/dt);      S → W
                             refreezing = min(CFR·CFMAX·max(TT − T, 0), W/dt);  W → S
                             infiltration = max(W − CWH·S, 0)/dt;               W → M
    recharge = (rain + infiltration)·min((M/FC)^β, 1);                          M → U
    excess   = max(M − FC, 0)/dt;                                               M → U
    evapotranspiration = min(E·min((M/(LP·FC))^βET, 1), M/dt);                  M → outside
    capillary = min(C·L·(1 − min(M/FC, 1)), L/dt);                              L → M
    percolation = min(PERC, U/dt);                                              U → L
    quick = K0·max(U − UZL, 0);  then  inter = K1·U;  base = K2·L;              U, U, L → runoff

The right-hand sides are the defaults of the slots. Versions differ in these laws alone: 1.0 has no βET and no capillary
rise, 1.1p has both, and 2.0 besides a regional exchange with L and a threshold of 4 °C above 2000 m. In continuous time
(`rates`, for any other solver) all fluxes are taken at once, and what the split does within a step (melt of all the
snow, excess) takes a day: its limits are S/1 d in the place of S/dt (Song et al. 2024, doi:10.5194/hess-28-3051-2024).

With `floor` > 0 the stores M and L are kept at or above it after evaporation and capillary rise, as the implementation
hydrodl2 does (1e-5 mm); the water that makes is the declared exchange `floor_source`. The default floor is 0.

References: Bergström (1976) SMHI RHO 7; Feng et al. (2022), doi:10.1029/2022WR032404 (1.0); Song et al. (2025),
doi:10.1029/2024WR038928 (2.0).
"""

from collections.abc import Collection, Iterable
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from dgeo.errors import DgeoError, nearest
from dgeo.models.hbv_names import BUDGET, FLUXES, FORCINGS, PARAMETERS, SLOTS, STATES, STEP_PARAMETERS, VERSIONS
from dgeo.models.hbv_rates import rates
from dgeo.models.law import Law, Values
from dgeo.models.model import Scalar
from dgeo.models.ode import ContinuousModel
from dgeo.models.solvers import OperatorSplit, Solver
from dgeo.numerics import at_least, at_most, minimum, positive_part

PUBLISHED = OperatorSplit()


class HBV(ContinuousModel):
    """HBV with exchangeable laws; `hbv(version)` builds the published ones.

    A law gives a potential rate (or, for fractions, a share); the step limits it by what the store holds, so that no
    law can break the water balance. Limits are taken on amounts, not on rates: (S/dt)·dt may exceed S by rounding, and
    a snowpack below zero grows without bound.
    """

    solver: Solver = eqx.field(default=PUBLISHED, kw_only=True)
    initial_storage: float = eqx.field(static=True, default=0.001, kw_only=True)
    floor: float = eqx.field(static=True, default=0.0, kw_only=True)

    slots: ClassVar = SLOTS
    forcings: ClassVar = FORCINGS
    states: ClassVar = STATES
    fluxes: ClassVar = FLUXES
    all_parameters: ClassVar = PARAMETERS
    step_parameters: ClassVar = STEP_PARAMETERS
    budget: ClassVar = BUDGET

    def initial_state(self) -> Values:
        """Nearly empty stores."""
        return {name: jnp.asarray(self.initial_storage) for name in STATES}

    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """All fluxes at once, from the stores as they are; see the head of this file."""
        return rates(self, state, forcing, parameters)

    def split(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One explicit step, flux after flux; see the head of this file."""
        now = self.values(state, forcing, parameters)
        now["threshold_temperature"] = self.law("snow_threshold", now)
        now |= self._snow(now, dt)
        now |= self._soil(now, dt)
        now |= self._groundwater(now, dt)
        return {name: now[name] for name in STATES}, {name: now[name] for name in FLUXES}

    def _snow(self, now: Values, dt: Scalar) -> Values:
        snowfall = now["precipitation"] * self.law("snow_fraction", now)
        rainfall = now["precipitation"] - snowfall
        frozen, liquid = now["snow_water_equivalent"] + snowfall * dt, now["snow_liquid_water"]
        melt = minimum(self.law("melt", {**now, "snow_water_equivalent": frozen}) * dt, frozen)
        frozen, liquid = frozen - melt, liquid + melt
        pack = {"snow_water_equivalent": frozen, "snow_liquid_water": liquid}
        refreezing = minimum(self.law("refreezing", {**now, **pack}) * dt, liquid)
        frozen, liquid = frozen + refreezing, liquid - refreezing
        pack = {"snow_water_equivalent": frozen, "snow_liquid_water": liquid}
        released = at_most(self.law("release", {**now, **pack}), liquid)
        return {
            "snowfall": snowfall,
            "rainfall": rainfall,
            "melt": melt / dt,
            "refreezing": refreezing / dt,
            "infiltration": released / dt,
            "snow_water_equivalent": frozen,
            "snow_liquid_water": liquid - released,
        }

    def _soil(self, now: Values, dt: Scalar) -> Values:
        moisture, lower = now["soil_moisture"], now["lower_zone"]
        water = now["rainfall"] + now["infiltration"]
        recharge = water * self.law("recharge_fraction", {**now, "soil_inflow": water})
        moisture = moisture + (water - recharge) * dt
        excess = positive_part(moisture - now["field_capacity"])
        moisture = moisture - excess
        evaporation = minimum(self.law("evaporation", {**now, "soil_moisture": moisture}) * dt, moisture)
        dried = at_least(moisture - evaporation, self.floor)
        rise = minimum(self.law("capillary_rise", {**now, "soil_moisture": dried}) * dt, lower)
        drawn = at_least(lower - rise, self.floor)
        return {
            "recharge": recharge,
            "excess": excess / dt,
            "evapotranspiration": evaporation / dt,
            "capillary_rise": rise / dt,
            "floor_source_soil": (dried - (moisture - evaporation)) / dt,
            "floor_source_groundwater": (drawn - (lower - rise)) / dt,
            "soil_moisture": dried + rise,
            "lower_zone": drawn,
        }

    def _groundwater(self, now: Values, dt: Scalar) -> Values:
        upper = now["upper_zone"] + (now["recharge"] + now["excess"]) * dt
        percolation = minimum(self.law("percolation", {**now, "upper_zone": upper}) * dt, upper)
        upper = upper - percolation
        quick = at_most(self.law("quick_flow", {**now, "upper_zone": upper}) * dt, upper)
        upper = upper - quick
        inter = at_most(self.law("interflow", {**now, "upper_zone": upper}) * dt, upper)
        lower = now["lower_zone"] + percolation
        exchange = at_least(self.law("regional_exchange", {**now, "lower_zone": lower}) * dt, -lower)
        lower = lower + exchange
        base = at_most(self.law("baseflow", {**now, "lower_zone": lower}) * dt, lower)
        return {
            "percolation": percolation / dt,
            "quick_flow": quick / dt,
            "interflow": inter / dt,
            "regional_exchange": exchange / dt,
            "baseflow": base / dt,
            "runoff": (quick + inter + base) / dt,
            "upper_zone": upper - inter,
            "lower_zone": lower - base,
        }


DEFAULT = "1.0 with beta_et"
FLOORS = {"none": 0.0, "hydrodl2": 1e-5}  # [mm]


def hbv(
    version: str = DEFAULT,
    *,
    compatibility: str | None = None,
    solver: Solver = PUBLISHED,
    **laws: Law,
) -> HBV:
    """A published version of HBV, with any of its laws replaced by name.

    `compatibility="hydrodl2"` takes over that implementation's floor of 1e-5 mm under soil and groundwater, which makes
    water; without it the balance closes to rounding. `solver` makes the step: the published operator split, or one that
    integrates the rates. Raises `DgeoError` for a version, an implementation or a law that there is not.
    """
    _check_known("version", (version,), VERSIONS)
    _check_known("compatibility", (compatibility or "none",), FLOORS)
    chosen: dict[str, Any] = {**VERSIONS[version], **laws}
    return HBV(laws=chosen, solver=solver, floor=FLOORS[compatibility or "none"])


def _check_known(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise DgeoError(f"HBV has no {kind} {name!r}; {nearest(name, known)}")
