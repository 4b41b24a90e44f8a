"""EXP-HYDRO: snow, and a soil whose baseflow falls exponentially with its deficit, in continuous time.

    dS₀/dt = snow − melt                              S₀ snow, S₁ soil [mm]; all fluxes in mm d⁻¹
    dS₁/dt = rain + melt − evapotranspiration − runoff

    snow = P·h(Tmin − T);   rain = P − snow;   h(x) = ½(tanh 5x + 1)
    melt = h(S₀)·min(Df·max(T − Tmax, 0), S₀/1 d)
    evapotranspiration = min(h(S₁)·E·min(S₁/Smax, 1), S₁/1 d)                                       E by Hamon
    runoff = min(h(S₁)·(Qmax·exp(−f·max(Smax − S₁, 0)) + max(S₁ − Smax, 0)/1 d), S₁/1 d − evapotranspiration)

P·h, Df·max, E·min and the bracket of the runoff are the defaults of four slots. The neural models of Höge et al. (2022)
are this model with networks in them: M50 in `evaporation` and `discharge`, M100 in all four. The model itself gives the
factors h(S₀) and h(S₁) of the paper and the limits.

Where it departs from the paper: no law empties a store within less than a day (in the paper 0.5·Qmax·exp(−f·Smax) still
runs out of an empty soil); there is no negative melt just below Tmax (at most 0.03·Df); overflow and the minimum of
evaporation have their kinks at Smax, which the paper rounds over 0.1 mm; snow and rain are shares of P under any law,
where the network of M100 gives each of them freely.

References: Patil & Stieglitz (2014), doi:10.1002/hyp.9660; Höge et al. (2022), doi:10.5194/hess-26-5085-2022.
"""

from collections.abc import Mapping
from typing import ClassVar

import diffrax
import equinox as eqx
import jax.numpy as jnp

from dgeo.models.law import Formula, Law, Slot, Values
from dgeo.models.model import Budget, Parameter, Variable
from dgeo.models.ode import ContinuousModel
from dgeo.models.solvers import FixedParts, Solver
from dgeo.numerics import Bounds, Limits, Thresholds, minimum, positive_part
from dgeo.physics import degree_day, exponential_bucket

DAY = 1.0  # [d] no law empties a store faster
ROUNDED = Thresholds(0.1)  # its step is h(x) = ½(tanh 5x + 1)
QUICK = FixedParts(diffrax.Euler(), parts=4)
MELTING = ("temperature", "melt_temperature", "degree_day_factor")
SLOTS: Mapping[str, Slot] = {
    "snow_fraction": Slot(
        Formula(degree_day.snow_fraction, ("temperature", "snow_temperature"), options=(("thresholds", ROUNDED),)),
        "1",
        "share of precipitation that is snow",
        Limits(0.0, 1.0),
    ),
    "melt": Slot(
        Formula(degree_day.melt, MELTING), "mm d-1", "potential melt", Limits(0.0, scale=5.0), "snow_water_equivalent"
    ),
    "evaporation": Slot(
        Formula(exponential_bucket.evaporation), "mm d-1", "demand of evapotranspiration", Limits(0.0, scale=3.0),
        "soil_moisture",
    ),
    "discharge": Slot(
        Formula(exponential_bucket.discharge), "mm d-1", "flow from the soil", Limits(0.0, scale=1.0), "soil_moisture"
    ),
}  # fmt: skip


class ExpHydro(ContinuousModel):
    """EXP-HYDRO with exchangeable laws; `exphydro` builds it. Day length is in seconds."""

    solver: Solver = eqx.field(default=QUICK, kw_only=True)

    slots: ClassVar = SLOTS
    forcings: ClassVar = {
        "precipitation": Variable("mm d-1", "rain and snow", 5.0),
        "temperature": Variable("degC", "mean air temperature", 10.0),
        "day_length": Variable("s", "time between sunrise and sunset", 43200.0),
    }
    states: ClassVar = {
        "snow_water_equivalent": Variable("mm", "water of the snowpack", 100.0),
        "soil_moisture": Variable("mm", "water in the soil", 500.0),
    }
    fluxes: ClassVar = {
        "rainfall": Variable("mm d-1", "precipitation that falls as rain"),
        "snowfall": Variable("mm d-1", "precipitation that falls as snow"),
        "melt": Variable("mm d-1", "snow that melts into the soil"),
        "evapotranspiration": Variable("mm d-1", "actual evapotranspiration"),
        "runoff": Variable("mm d-1", "baseflow and overflow of the soil, before routing"),
    }
    all_parameters: ClassVar = {
        "recession": Parameter("mm-1", "decline of baseflow with the deficit of the soil", Bounds(0.0, 0.1), 0.03),
        "capacity": Parameter("mm", "largest soil moisture without overflow", Bounds(100.0, 1500.0), 800.0),
        "largest_baseflow": Parameter("mm d-1", "baseflow of a full soil", Bounds(10.0, 50.0), 20.0),
        "degree_day_factor": Parameter("mm degC-1 d-1", "melt per degree and day", Bounds(0.0, 5.0), 2.5),
        "melt_temperature": Parameter("degC", "temperature above which snow melts", Bounds(0.0, 3.0), 1.0),
        "snow_temperature": Parameter("degC", "temperature below which snow falls", Bounds(-3.0, 0.0), -1.0),
    }
    step_parameters: ClassVar = ()
    budget: ClassVar = Budget(
        {
            "snowfall": (None, "snow_water_equivalent"),
            "rainfall": (None, "soil_moisture"),
            "melt": ("snow_water_equivalent", "soil_moisture"),
            "evapotranspiration": ("soil_moisture", None),
            "runoff": ("soil_moisture", None),
        }
    )

    def initial_state(self) -> Values:
        """No snow, and a soil of middling wetness."""
        return {"snow_water_equivalent": jnp.asarray(0.0), "soil_moisture": jnp.asarray(500.0)}

    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """The fluxes at this moment; a store below zero, as a solver may try it, counts as empty."""
        filled = {name: positive_part(amount) for name, amount in state.items()}
        now = self.values(filled, forcing, parameters)
        snow, soil = now["snow_water_equivalent"], now["soil_moisture"]
        snowfall = now["precipitation"] * self.law("snow_fraction", now)
        wet = ROUNDED.step(soil)
        evaporation = minimum(wet * self.law("evaporation", now), soil / DAY)
        return {
            "snowfall": snowfall,
            "rainfall": now["precipitation"] - snowfall,
            "melt": ROUNDED.step(snow) * minimum(self.law("melt", now), snow / DAY),
            "evapotranspiration": evaporation,
            "runoff": minimum(wet * self.law("discharge", now), soil / DAY - evaporation),
        }


def exphydro(*, solver: Solver = QUICK, **laws: Law) -> ExpHydro:
    """EXP-HYDRO, with any of its laws replaced by name. Raises `DgeoError` for a law that there is not."""
    return ExpHydro(laws=dict(laws), solver=solver)
