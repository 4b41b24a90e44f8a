"""GR4J: a production store, two unit hydrographs and a routing store, day by day.

In this order, each line seeing what the one before has left (S production store, R routing store [mm]; all amounts in
mm over the day; P rain, E potential evapotranspiration):

    Pn = max(P − E, 0);   En = max(E − P, 0)
    S += infiltration(S, Pn) − evaporation(S, En);   evapotranspiration = P − Pn + evaporation
    S −= percolation(S);   effective rain = Pn − infiltration + percolation
    0.9 of it → slow hydrograph over x4 days;   0.1 of it → quick hydrograph over 2·x4 days
    F = x2·(R/x3)^(7/2)
    R += slow outflow + max(F, −(R + slow outflow));   R −= routed flow(R)
    quick flow = max(quick outflow + F, 0)
    runoff = routed flow + quick flow

The laws are the defaults of the slots, with their formulas in `dgeo.physics.production_store`, `.power_reservoir` and
`.regional_exchange`; the hydrographs are in `.s_curve`. What they hold is a state: [day], the water that arrives 1, 2
and more days from now. The exchange F makes and takes water, on both branches, and is declared as such; it takes no
more than there is.

The laws are integrals over one day, so the model has no form in continuous time and the step is one day: with another
`dt` the parameters mean what they do over that step. It has no snow.

Reference: Perrin, Michel & Andréassian (2003), J. Hydrol. 279, 275–289, doi:10.1016/S0022-1694(03)00225-7.
"""

import math
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.models.gr4j_names import BUDGET, FLUXES, PARAMETERS, SLOTS, STATES, STEP_PARAMETERS
from dgeo.models.hbv_names import FORCINGS
from dgeo.models.law import Law, Values
from dgeo.models.model import Model, Scalar
from dgeo.numerics import at_least, at_most, positive_part
from dgeo.physics import s_curve

SLOW_DAYS = math.ceil(PARAMETERS["x4"].bounds.high)
QUICK_DAYS = math.ceil(2 * PARAMETERS["x4"].bounds.high)


class GR4J(Model):
    """GR4J with exchangeable laws; `gr4j` builds it."""

    slots: ClassVar = SLOTS
    forcings: ClassVar = {name: FORCINGS[name] for name in ("precipitation", "potential_evapotranspiration")}
    states: ClassVar = STATES
    fluxes: ClassVar = FLUXES
    all_parameters: ClassVar = PARAMETERS
    step_parameters: ClassVar = STEP_PARAMETERS
    budget: ClassVar = BUDGET

    def initial_state(self) -> Values:
        """Stores about a third full for middling capacities, and nothing on its way."""
        return {
            "production_store": jnp.asarray(100.0),
            "slow_hydrograph": jnp.zeros(SLOW_DAYS - 1),
            "quick_hydrograph": jnp.zeros(QUICK_DAYS - 1),
            "routing_store": jnp.asarray(30.0),
        }

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One day; see the head of this file."""
        now = self.values(state, forcing, parameters)
        now |= self._production(now, dt)
        now |= self._hydrographs(now)
        now |= self._routing(now)
        fluxes = BUDGET.totals({name: now[name] / dt for name in (*BUDGET.transfers, "percolation")})
        return {name: now[name] for name in STATES}, fluxes

    def _production(self, now: Values, dt: Scalar) -> Values:
        rain, demand = now["precipitation"] * dt, now["potential_evapotranspiration"] * dt
        net = rain - demand
        net_rain = positive_part(net)
        store = now["production_store"]
        taken = at_most(self.law("infiltration", {**now, "net_rainfall": net_rain}), net_rain)
        given = at_most(self.law("evaporation", {**now, "net_evaporation": positive_part(-net)}), store)
        store = store + taken - given
        percolation = at_most(self.law("percolation", {**now, "production_store": store}), store)
        effective = net_rain - taken + percolation
        slow = effective * self.law("slow_share", now)
        return {
            "precipitation": rain,
            "evapotranspiration": rain - net_rain + given,
            "percolation": percolation,
            "slow_inflow": slow,
            "quick_inflow": effective - slow,
            "production_store": store - percolation,
        }

    def _hydrographs(self, now: Values) -> Values:
        slow = now["slow_inflow"] * s_curve.one_sided(now["x4"], SLOW_DAYS)
        quick = now["quick_inflow"] * s_curve.two_sided(now["x4"], QUICK_DAYS)
        return {
            "slow_outflow": now["slow_hydrograph"][0] + slow[0],
            "slow_hydrograph": advanced(now["slow_hydrograph"], slow),
            "quick_outflow": now["quick_hydrograph"][0] + quick[0],
            "quick_hydrograph": advanced(now["quick_hydrograph"], quick),
        }

    def _routing(self, now: Values) -> Values:
        exchange = self.law("exchange", now)
        slow, quick = now["slow_outflow"], now["quick_outflow"]
        level = now["routing_store"] + slow
        slow_exchange = at_least(exchange, -level)
        level = level + slow_exchange
        routed = at_most(self.law("routed_flow", {**now, "routing_store": level}), level)
        quick_exchange = at_least(exchange, -quick)
        return {
            "slow_exchange": slow_exchange,
            "quick_exchange": quick_exchange,
            "routed_flow": routed,
            "quick_flow": quick + quick_exchange,
            "routing_store": level - routed,
        }


def advanced(waiting: Float[Array, " day"], entering: Float[Array, " day_and_one"]) -> Float[Array, " day"]:
    """What waits after a day: all of it is a day nearer, and what has just entered joins it."""
    return jnp.concatenate([waiting[1:], jnp.zeros_like(waiting[:1])]) + entering[1:]


def gr4j(**laws: Law) -> GR4J:
    """GR4J, with any of its laws replaced by name. Raises `DgeoError` for a law that there is not."""
    return GR4J(laws=dict(laws))
