"""Carbon in compartments: production feeds pools, pools decay into others and into the air.

    dCᵢ/dt = aᵢ·P + Σⱼ hⱼᵢ·Dⱼ − Dᵢ,   Dᵢ = kᵢ·f(T)·Cᵢ,   respiration = Σ (1 − Σᵢ hⱼᵢ)·Dⱼ

| symbol | meaning | unit |
|---|---|---|
| C | carbon in a pool | g m⁻² |
| P, a | net primary production, its share for a pool (the shares are divided by their sum) | g m⁻² d⁻¹, 1 |
| D, k | decay, its rate at the temperature of reference | g m⁻² d⁻¹, d⁻¹ |
| h | share of what decays that another pool receives; more than all is scaled down to all | 1 |
| f | response to temperature, of the pools that have one | 1 |

P, f and D are laws. Which pools there are and which feeds which is a choice:

    two_pools()     young and old soil carbon under a steady input, Andrén & Kätterer (1997), doi:10.2307/2641210
    ecosystem()     leaf, wood, root, litter and soil, fed by light (`dgeo.physics.light_use`)
    Carbon(pools=…, routes=…, fed=…, warmed=…)

Any of the solvers makes the steps; the linear system is mild, so that diffrax's Heun in four parts of a day is exact
to rounding. Luo & Weng (2011), doi:10.1016/j.tree.2010.11.003, on the form shared by models of the carbon cycle.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from dgeo.models.law import Formula, Law, Slot, Values
from dgeo.models.model import Budget, Parameter, Scalar, Variable
from dgeo.models.ode import ContinuousModel
from dgeo.models.solvers import FixedParts, Solver
from dgeo.numerics import Bounds, Limits, at_least, positive_part
from dgeo.physics import light_use, respiration
from dgeo.physics.linear_reservoir import constant

FLOW = "g m-2 d-1"
HEUN = FixedParts()
YEAR = 365.25  # [d]
FED_BY_LIGHT = Formula(light_use.net_primary_production, forcings=("absorbed_radiation", "vapour_pressure_deficit"))
LLOYD_TAYLOR = Formula(respiration.lloyd_taylor)


def first_order(carbon: Scalar, decay_rate: Scalar, warmth: Scalar) -> Scalar:
    """Decay in proportion to what there is [g m-2 d-1]."""
    return decay_rate * warmth * carbon


class Carbon(ContinuousModel):
    """Pools by name; `routes` are pairs (from, to); `fed` receive production; `warmed` decay by the temperature."""

    pools: tuple[str, ...] = eqx.field(static=True, default=("young", "old"), kw_only=True)
    routes: tuple[tuple[str, str], ...] = eqx.field(static=True, default=(("young", "old"),), kw_only=True)
    fed: tuple[str, ...] = eqx.field(static=True, default=("young",), kw_only=True)
    warmed: tuple[str, ...] = eqx.field(static=True, default=("young", "old"), kw_only=True)

    slots: ClassVar = {
        "production": Slot(Formula(constant, ("input",)), FLOW, "net primary production", Limits(0.0, scale=2.0)),
        "temperature_response": Slot(
            Formula(respiration.q10), "1", "decay over that at the reference", Limits(0.0, scale=1.0)
        ),
        "decay": Slot(
            Formula(first_order), FLOW, "decay of one pool", Limits(0.0, scale=1.0),
            offers=("carbon", "decay_rate", "warmth"), sizes={"carbon": 1000.0, "decay_rate": 1 / YEAR},
        ),
    }  # fmt: skip
    forcings: ClassVar = {"temperature": Variable("degC", "temperature of air or soil", 10.0)}

    @property
    def states(self) -> dict[str, Variable]:
        """The carbon in every pool."""
        return {pool: Variable("g m-2", f"carbon in the pool {pool}", 1000.0) for pool in self.pools}

    @property
    def fluxes(self) -> dict[str, Variable]:
        """Production and respiration, in all and by pool, and what pools pass on."""
        names = (*self.budget.transfers, *self.budget.sums)
        return {name: Variable(FLOW, name.replace("_", " "), 1.0) for name in names}

    @property
    def budget(self) -> Budget:
        """In by production, along the routes, out by respiration."""
        inputs = {f"production_{pool}": (None, pool) for pool in self.fed}
        along = {f"{source}_to_{target}": (source, target) for source, target in self.routes}
        out = {f"respiration_{pool}": (pool, None) for pool in self.pools}
        return Budget({**inputs, **along, **out}, sums={"production": tuple(inputs), "respiration": tuple(out)})

    @property
    def all_parameters(self) -> dict[str, Parameter]:
        """Rates, shares and those that the textbook's laws read."""
        rate, share = Bounds(1e-6, 0.1, "logarithmic"), Bounds(0.0, 1.0)
        return {
            **{f"decay_rate_{pool}": Parameter("d-1", f"of the pool {pool}", rate, 1 / YEAR) for pool in self.pools},
            **{
                f"share_{source}_to_{target}": Parameter("1", f"of what decays in {source}", share, 0.2)
                for source, target in self.routes
            },
            **{f"allocation_{pool}": Parameter("1", "of production", Bounds(0.01, 1.0), 0.5) for pool in self.fed},
            "input": Parameter(FLOW, "steady production", Bounds(0.01, 10.0, "logarithmic"), 1.0),
            "temperature_sensitivity": Parameter("1", "Q10", Bounds(1.0, 5.0), 2.0),
            "activation_temperature": Parameter("K", "E of Lloyd and Taylor", Bounds(50.0, 500.0), 308.56),
            "light_use_efficiency": Parameter("g MJ-1", "carbon for absorbed light", Bounds(0.2, 4.0), 1.2),
            "carbon_use_efficiency": Parameter("1", "production over photosynthesis", Bounds(0.2, 0.8), 0.5),
        }

    @property
    def step_parameters(self) -> tuple[str, ...]:  # type: ignore[override]
        """Rates and shares; of the others, those that laws read."""
        return tuple(name for name in self.all_parameters if name.startswith(("decay_rate_", "share_", "allocation_")))

    def initial_state(self) -> Values:
        """Bare ground."""
        return {pool: jnp.asarray(0.0) for pool in self.pools}

    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """All flows at this moment; a pool below zero, as a solver may try it, counts as empty."""
        now = self.values({pool: positive_part(carbon) for pool, carbon in state.items()}, forcing, parameters)
        production, warmth = self.law("production", now), self.law("temperature_response", now)
        allocated = sum((parameters[f"allocation_{pool}"] for pool in self.fed), jnp.zeros_like(production))
        found = {f"production_{pool}": parameters[f"allocation_{pool}"] / allocated * production for pool in self.fed}
        for pool in self.pools:
            one = {"carbon": now[pool], "decay_rate": parameters[f"decay_rate_{pool}"],
                   "warmth": warmth if pool in self.warmed else jnp.ones_like(warmth)}  # fmt: skip
            decay = self.law("decay", {**now, **one})
            shares = {
                target: parameters[f"share_{pool}_to_{target}"] for source, target in self.routes if source == pool
            }
            passed = sum(shares.values(), jnp.zeros_like(decay))
            whole = at_least(passed, jnp.ones_like(passed))
            found |= {f"{pool}_to_{target}": share / whole * decay for target, share in shares.items()}
            found[f"respiration_{pool}"] = (1 - passed / whole) * decay
        return found


def two_pools(*, solver: Solver = HEUN, **laws: Law) -> Carbon:
    """Young and old carbon of a soil. Raises `DgeoError` for a law that there is not."""
    return Carbon(laws=dict(laws), solver=solver)


def ecosystem(*, solver: Solver = HEUN, **laws: Law) -> Carbon:
    """Leaf, wood and root, which die into litter, and soil. Raises `DgeoError` for a law that there is not."""
    return Carbon(
        laws={"production": FED_BY_LIGHT, **laws},
        solver=solver,
        pools=("leaf", "wood", "root", "litter", "soil"),
        routes=(("leaf", "litter"), ("wood", "litter"), ("root", "litter"), ("litter", "soil")),
        fed=("leaf", "wood", "root"),
        warmed=("litter", "soil"),
    )
