"""HBV: snow, soil and two groundwater boxes, as one explicit operator split.

In this order, each line seeing what the one before has left (S snow, W liquid water in it, M soil moisture, U upper
and L lower zone [mm]; all fluxes in mm d⁻¹; dt in days):

    S += snow·dt;            melt       = min(CFMAX·max(T − TT, 0), S/dt);      S → W
                             refreezing = min(CFR·CFMAX·max(TT − T, 0), W/dt);  W → S
                             infiltration = max(W − CWH·S, 0)/dt;               W → M
    recharge = (rain + infiltration)·min((M/FC)^β, 1);                          M → U
    excess   = max(M − FC, 0)/dt;                                               M → U
    evapotranspiration = min(E·min((M/(LP·FC))^βET, 1), M/dt);                  M → outside
    capillary = min(C·L·(1 − min(M/FC, 1)), L/dt);                              L → M
    percolation = min(PERC, U/dt);                                              U → L
    quick = K0·max(U − UZL, 0);  then  inter = K1·U;  base = K2·L;              U, U, L → runoff

Versions differ in their laws alone: 1.0 has no βET and no capillary rise, 1.1p has both. With `floor` > 0 the stores M
and L are kept at or above it after evaporation and capillary rise, as the implementation hydrodl2 does (1e-5 mm); the
water that makes is the declared exchange `floor_source`. The default floor of 0 makes none.

References: Bergström (1976) SMHI RHO 7; Feng et al. (2022), doi:10.1029/2022WR032404 (1.0).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from dgeo.errors import DgeoError, nearest
from dgeo.models.hbv_names import BUDGET, FLUXES, FORCINGS, PARAMETERS, STATES
from dgeo.models.model import Formula, Law, Model, Parameter, Scalar, Values
from dgeo.numerics import at_least, minimum, positive_part
from dgeo.physics import degree_day, linear_reservoir, soil_bucket


class HBV(Model):
    """HBV with exchangeable laws; `hbv(version)` builds the published ones.

    A law gives a potential rate (or, for `snow_fraction` and `recharge_fraction`, a share); the step limits it by what
    the store holds, so that no law can break the water balance. Limits are taken on amounts, not on rates: (S/dt)·dt
    may exceed S by rounding, and a snowpack below zero grows without bound.
    """

    evaporation: Law = Formula(soil_bucket.evaporation)
    recharge_fraction: Law = Formula(soil_bucket.recharge_fraction)
    capillary_rise: Law = Formula(soil_bucket.no_capillary_rise)
    snow_fraction: Law = Formula(degree_day.snow_fraction)
    melt: Law = Formula(degree_day.melt)
    refreezing: Law = Formula(degree_day.refreezing)
    initial_storage: float = eqx.field(static=True, default=0.001)
    floor: float = eqx.field(static=True, default=0.0)

    forcings: ClassVar = FORCINGS
    states: ClassVar = STATES
    fluxes: ClassVar = FLUXES
    budget: ClassVar = BUDGET

    @property
    def laws(self) -> dict[str, Law]:
        """The laws by the name of their slot."""
        return {name: getattr(self, name) for name in LAWS}

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters that the present laws, and the step itself, read."""
        needed = {name for law in self.laws.values() for name in law.inputs} | set(STEP_PARAMETERS)
        return {name: parameter for name, parameter in PARAMETERS.items() if name in needed}

    def initial_state(self) -> Values:
        """Nearly empty stores."""
        return {name: jnp.asarray(self.initial_storage) for name in STATES}

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One explicit step; see the head of this file."""
        now = {**forcing, **parameters, **state}
        now |= self._snow(now, dt)
        now |= self._soil(now, dt)
        now |= self._groundwater(now, dt)
        return {name: now[name] for name in STATES}, {name: now[name] for name in FLUXES}

    def _snow(self, now: Values, dt: Scalar) -> Values:
        snowfall = now["precipitation"] * self.snow_fraction(now)
        rainfall = now["precipitation"] - snowfall
        frozen, liquid = now["snow_water_equivalent"] + snowfall * dt, now["snow_liquid_water"]
        melt = minimum(self.melt({**now, "snow_water_equivalent": frozen}) * dt, frozen)
        frozen, liquid = frozen - melt, liquid + melt
        refreezing = minimum(self.refreezing({**now, "snow_water_equivalent": frozen}) * dt, liquid)
        frozen, liquid = frozen + refreezing, liquid - refreezing
        released = degree_day.released_water(frozen, liquid, now["water_holding_capacity"])
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
        recharge = water * self.recharge_fraction(now)
        moisture = moisture + (water - recharge) * dt
        excess = positive_part(moisture - now["field_capacity"])
        moisture = moisture - excess
        evaporation = minimum(self.evaporation({**now, "soil_moisture": moisture}) * dt, moisture)
        dried = at_least(moisture - evaporation, self.floor)
        rise = minimum(self.capillary_rise({**now, "soil_moisture": dried}) * dt, lower)
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
        percolation = minimum(now["percolation_max"] * dt, upper)
        upper = upper - percolation
        quick = linear_reservoir.outflow_above(upper, now["k0"], now["upper_zone_threshold"])
        upper = upper - quick * dt
        inter = linear_reservoir.outflow(upper, now["k1"])
        lower = now["lower_zone"] + percolation
        base = linear_reservoir.outflow(lower, now["k2"])
        return {
            "percolation": percolation / dt,
            "quick_flow": quick,
            "interflow": inter,
            "baseflow": base,
            "runoff": quick + inter + base,
            "upper_zone": upper - inter * dt,
            "lower_zone": lower - base * dt,
        }


LAWS = ("evaporation", "recharge_fraction", "capillary_rise", "snow_fraction", "melt", "refreezing")
STEP_PARAMETERS = (
    "field_capacity",
    "k0",
    "k1",
    "k2",
    "percolation_max",
    "upper_zone_threshold",
    "water_holding_capacity",
)
VERSIONS: Mapping[str, dict[str, Law]] = {
    "1.0": {},
    "1.0 with beta_et": {"evaporation": Formula(soil_bucket.evaporation_with_shape)},
    "1.1p": {
        "evaporation": Formula(soil_bucket.evaporation_with_shape),
        "capillary_rise": Formula(soil_bucket.capillary_rise),
    },
}

FLOORS = {"none": 0.0, "hydrodl2": 1e-5}  # [mm]


def hbv(
    version: str = "1.0 with beta_et",
    *,
    compatibility: str | None = None,
    **laws: Law,
) -> HBV:
    """A published version of HBV, with any of its laws replaced by name.

    `compatibility="hydrodl2"` takes over that implementation's floor of 1e-5 mm under soil and groundwater, which makes
    water; without it the balance closes to rounding. Raises `DgeoError` for a version, an implementation or a law that
    there is not.
    """
    _check_known("version", (version,), VERSIONS)
    _check_known("compatibility", (compatibility or "none",), FLOORS)
    _check_known("law", laws, LAWS)
    chosen: dict[str, Any] = {**VERSIONS[version], **laws}
    return HBV(**chosen, floor=FLOORS[compatibility or "none"])


def _check_known(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise DgeoError(f"HBV has no {kind} {name!r}; {nearest(name, known)}")
