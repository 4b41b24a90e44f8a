"""One bucket: the least that conserves water, as a control.

    dS/dt = P − evapotranspiration − runoff          S storage [mm]; fluxes in mm d⁻¹

    evapotranspiration = min(c·E, S/dt);   runoff = K0·S                        "linear"
                                           runoff = K0·S₁·(S/S₁)^α, S₁ = 100 mm  "power"

As published, one explicit step in which rain comes before evaporation and evaporation before runoff; in continuous time
(`rates`, for any other solver) all fluxes at once and no store emptied in less than a day. It has no snow.

Reference for the linear one and its bounds: the code Hy2DL of Acuña Espinoza et al. (2024),
doi:10.5194/hess-28-2705-2024.
"""

from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from dgeo.errors import DgeoError, nearest
from dgeo.models.hbv_names import FORCINGS
from dgeo.models.law import Formula, Law, Slot, Values
from dgeo.models.model import Budget, Parameter, Scalar, Variable
from dgeo.models.ode import ContinuousModel
from dgeo.models.solvers import OperatorSplit, Solver
from dgeo.numerics import Bounds, Limits, at_most, minimum, positive_part
from dgeo.physics import linear_reservoir, power_reservoir

DAY = 1.0  # [d]
PUBLISHED = OperatorSplit()
BUDGET = Budget(
    {
        "precipitation": (None, "storage"),
        "evapotranspiration": ("storage", None),
        "runoff": ("storage", None),
    }
)
VERSIONS: Mapping[str, Mapping[str, Law]] = {
    "linear": {},
    "power": {"outflow": Formula(power_reservoir.outflow, ("storage", "k0", "exponent"))},
}


class Bucket(ContinuousModel):
    """One store; `bucket` builds it."""

    solver: Solver = eqx.field(default=PUBLISHED, kw_only=True)

    slots: ClassVar = {
        "evaporation": Slot(
            Formula(linear_reservoir.outflow, ("potential_evapotranspiration", "evaporation_factor")),
            "mm d-1",
            "demand of evapotranspiration",
            Limits(0.0, scale=3.0),
            "storage",
        ),
        "outflow": Slot(
            Formula(linear_reservoir.outflow, ("storage", "k0")), "mm d-1", "runoff", Limits(0.0, scale=1.0), "storage"
        ),
    }
    forcings: ClassVar = {name: FORCINGS[name] for name in ("precipitation", "potential_evapotranspiration")}
    states: ClassVar = {"storage": Variable("mm", "water in the bucket", 100.0)}
    fluxes: ClassVar = {
        "precipitation": Variable("mm d-1", "rain and snow"),
        "evapotranspiration": Variable("mm d-1", "actual evapotranspiration"),
        "runoff": Variable("mm d-1", "outflow of the bucket, before routing"),
    }
    all_parameters: ClassVar = {
        "evaporation_factor": Parameter("1", "evaporation relative to the potential", Bounds(0.01, 1.5), 0.8),
        "k0": Parameter("d-1", "recession coefficient", Bounds(0.002, 1.0), 0.05),
        "exponent": Parameter("1", "exponent of runoff against storage", Bounds(0.5, 5.0), 1.5),
    }
    step_parameters: ClassVar = ()
    budget: ClassVar = BUDGET

    def initial_state(self) -> Values:
        """A nearly empty bucket."""
        return {"storage": jnp.asarray(0.001)}

    def split(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """Rain, then evaporation, then runoff."""
        now = self.values(state, forcing, parameters)
        wet = now["storage"] + now["precipitation"] * dt
        evaporation = minimum(self.law("evaporation", {**now, "storage": wet}) * dt, wet)
        dried = wet - evaporation
        runoff = at_most(self.law("outflow", {**now, "storage": dried}) * dt, dried)
        fluxes = {
            "precipitation": now["precipitation"],
            "evapotranspiration": evaporation / dt,
            "runoff": runoff / dt,
        }
        return {"storage": dried - runoff}, fluxes

    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """The fluxes at this moment; a store below zero, as a solver may try it, counts as empty."""
        now = self.values({"storage": positive_part(state["storage"])}, forcing, parameters)
        most = now["storage"] / DAY
        return {
            "precipitation": now["precipitation"],
            "evapotranspiration": minimum(self.law("evaporation", now), most),
            "runoff": at_most(self.law("outflow", now), most),
        }


def bucket(version: str = "linear", *, solver: Solver = PUBLISHED, **laws: Law) -> Bucket:
    """One bucket with linear or power-law outflow, and any of its laws replaced by name.

    Raises `DgeoError` for a version or a law that there is not.
    """
    if version not in VERSIONS:
        raise DgeoError(f"The bucket has no version {version!r}: {nearest(version, VERSIONS)}")
    return Bucket(laws={**VERSIONS[version], **laws}, solver=solver)
