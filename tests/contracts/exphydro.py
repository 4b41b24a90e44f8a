"""EXP-HYDRO, two buckets in continuous time: Patil & Stieglitz (2014), doi:10.1016/j.jhydrol.2014.10.041."""

from typing import ClassVar

import jax.numpy as jnp

from dgeo.models import Budget, ContinuousModel, Formula, Parameter, Slot, Values, Variable
from dgeo.numerics import Bounds, Limits, minimum, positive_part


def evaporation(temperature, day_length, soil_water, capacity):
    """Hamon's potential evaporation, reduced where the soil is not full [mm d-1]."""
    pressure = 0.611 * jnp.exp(17.3 * temperature / (temperature + 237.3))
    wetness = minimum(soil_water / capacity, jnp.ones_like(capacity))
    return 29.8 * day_length * pressure / (temperature + 273.2) * wetness


def on(x):
    """A smooth step from 0 to 1."""
    return (jnp.tanh(5 * x) + 1) / 2


class ExpHydro(ContinuousModel):
    slots: ClassVar = {"evaporation": Slot(Formula(evaporation), "mm d-1", "", Limits(0.0), "soil_water")}
    forcings: ClassVar = {
        "precipitation": Variable("mm d-1", ""),
        "temperature": Variable("degC", ""),
        "day_length": Variable("h", ""),
    }
    states: ClassVar = {"snow": Variable("mm", ""), "soil_water": Variable("mm", "")}
    transfers: ClassVar = {
        "snowfall": (None, "snow"), "rainfall": (None, "soil_water"), "melt": ("snow", "soil_water"),
        "evapotranspiration": ("soil_water", None), "baseflow": ("soil_water", None), "overflow": ("soil_water", None),
    }  # fmt: skip
    budget = Budget(transfers, sums={"runoff": ("baseflow", "overflow")})
    fluxes: ClassVar = {name: Variable("mm d-1", "") for name in (*transfers, "runoff")}
    all_parameters: ClassVar = {
        "recession": Parameter("mm-1", "", Bounds(0.0, 0.1), 0.02),
        "capacity": Parameter("mm", "", Bounds(100.0, 1500.0), 300.0),
        "largest_baseflow": Parameter("mm d-1", "", Bounds(10.0, 50.0), 20.0),
        "degree_day_factor": Parameter("mm degC-1 d-1", "", Bounds(0.0, 5.0), 2.0),
        "melt_temperature": Parameter("degC", "", Bounds(0.0, 3.0), 1.0),
        "snow_temperature": Parameter("degC", "", Bounds(-3.0, 0.0), -1.0),
    }

    def initial_state(self) -> Values:
        return {"snow": jnp.asarray(0.0), "soil_water": jnp.asarray(100.0)}

    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        now = self.values(state, forcing, parameters)
        T, S0, S1 = now["temperature"], now["snow"], now["soil_water"]
        potential = now["degree_day_factor"] * (T - now["melt_temperature"])
        above = S1 - now["capacity"]
        drained = jnp.exp(-now["recession"] * positive_part(-above))
        snowfall = now["precipitation"] * on(now["snow_temperature"] - T)
        return {
            "snowfall": snowfall,
            "rainfall": now["precipitation"] - snowfall,
            "melt": on(T - now["melt_temperature"]) * on(S0) * minimum(potential, S0),
            "evapotranspiration": on(S1) * self.law("evaporation", now),
            "baseflow": on(S1) * now["largest_baseflow"] * drained,
            "overflow": positive_part(above),
        }
