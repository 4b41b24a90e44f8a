"""The equations of `dgeo.surrogate.bucket` as a differentiable model, against which an emulator can be measured."""

from typing import ClassVar

import jax.numpy as jnp

from dgeo.models import Budget, Model, Values, Variable
from dgeo.models.model import Scalar
from dgeo.numerics import minimum, positive_part, power
from dgeo.surrogate.bucket import EASY_SHARE, INTERFACE


class DegreeDayBucket(Model):
    """Snow, a soil bucket and groundwater, in steps of a day; `dt` is not read, as in the black box.

    Its soil starts half as full as the middle of the capacity's bounds, since a model's state knows no parameters: a
    warm-up forgets the difference.
    """

    forcings: ClassVar = dict(INTERFACE.forcings)
    states: ClassVar = {
        "snow_water_equivalent": Variable("mm", "snow"),
        "soil_moisture": Variable("mm", "soil water"),
        "groundwater": Variable("mm", "groundwater"),
    }
    fluxes: ClassVar = {
        "snowfall": Variable("mm d-1", "snowfall"),
        "rainfall": Variable("mm d-1", "rainfall"),
        "melt": Variable("mm d-1", "melt"),
        "recharge": Variable("mm d-1", "what becomes groundwater"),
        "quick_flow": Variable("mm d-1", "recharge that flows off at once"),
        "baseflow": Variable("mm d-1", "outflow of the groundwater"),
        **INTERFACE.outputs,
    }
    all_parameters: ClassVar = dict(INTERFACE.parameters)
    budget = Budget(
        {
            "snowfall": (None, "snow_water_equivalent"),
            "rainfall": (None, "soil_moisture"),
            "melt": ("snow_water_equivalent", "soil_moisture"),
            "evapotranspiration": ("soil_moisture", None),
            "recharge": ("soil_moisture", "groundwater"),
            "quick_flow": ("soil_moisture", None),
            "baseflow": ("groundwater", None),
        },
        sums={"runoff": ("quick_flow", "baseflow")},
    )

    def initial_state(self) -> Values:
        """No snow and no groundwater; the soil as in the class's docstring."""
        bounds = INTERFACE.parameters["capacity"].bounds
        half_full = jnp.asarray((bounds.low + bounds.high) / 4)
        return {
            "snow_water_equivalent": jnp.asarray(0.0),
            "soil_moisture": half_full,
            "groundwater": jnp.asarray(0.0),
        }

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One day, in the order of the black box."""
        del dt
        rain, warmth = forcing["precipitation"], forcing["temperature"]
        snow, capacity = state["snow_water_equivalent"], parameters["capacity"]
        snowfall = jnp.where(warmth < 0, rain, jnp.zeros_like(rain))
        melt = minimum(snow, parameters["degree_day_factor"] * positive_part(warmth))
        liquid = rain - snowfall + melt
        released = liquid * power(state["soil_moisture"] / capacity, parameters["shape"])
        soil = state["soil_moisture"] + liquid - released
        overflow = positive_part(soil - capacity)
        soil = soil - overflow
        wetness = minimum(soil / (EASY_SHARE * capacity), jnp.ones_like(soil))
        evaporation = minimum(forcing["potential_evapotranspiration"] * wetness, soil)
        quick = parameters["quick_share"] * (released + overflow)
        recharge = released + overflow - quick
        baseflow = -jnp.expm1(-parameters["recession"]) * (state["groundwater"] + recharge)
        fluxes = {"snowfall": snowfall, "rainfall": rain - snowfall, "melt": melt, "evapotranspiration": evaporation}
        fluxes |= {"recharge": recharge, "quick_flow": quick, "baseflow": baseflow}
        after = {name: state[name] + change for name, change in self.budget.tendencies(fluxes).items()}
        return after, self.budget.totals(fluxes)
