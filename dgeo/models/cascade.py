"""A cascade of equal linear reservoirs, each emptying into the next.

    dS₁/dt = P − K·S₁,   dS_i/dt = K·S_{i−1} − K·S_i,   runoff = K·S_n          [mm, mm d⁻¹]

Its response to a unit impulse is the gamma density K·(K·t)^{n−1}·e^{−K·t}/Γ(n), against which solvers are tested. Every
reservoir empties by the law in the one slot `outflow`, which reads its `storage`; none empties in less than a day.

Reference: Nash (1957), The form of the instantaneous unit hydrograph, IAHS Publ. 45(3), 114–121.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from dgeo.models.hbv_names import FORCINGS
from dgeo.models.law import Formula, Law, Slot, Values
from dgeo.models.model import Budget, Parameter, Variable
from dgeo.models.ode import ContinuousModel
from dgeo.models.solvers import FixedParts, Solver
from dgeo.numerics import Bounds, Limits, at_most, positive_part
from dgeo.physics import linear_reservoir

DAY = 1.0  # [d]
HEUN = FixedParts()


class Cascade(ContinuousModel):
    """`reservoirs` of them in a row; `cascade` builds it. Stores are `reservoir_1` … and fluxes `flow_1` … `runoff`."""

    reservoirs: int = eqx.field(static=True, default=3, kw_only=True)

    slots: ClassVar = {
        "outflow": Slot(
            Formula(linear_reservoir.outflow, ("storage", "k")),
            "mm d-1",
            "outflow of one reservoir",
            Limits(0.0, scale=1.0),
            offers=("storage",),
        )
    }
    forcings: ClassVar = {"precipitation": FORCINGS["precipitation"]}
    all_parameters: ClassVar = {"k": Parameter("d-1", "recession coefficient of every one", Bounds(0.01, 1.0), 0.5)}
    step_parameters: ClassVar = ()

    @property
    def _stores(self) -> tuple[str, ...]:
        return tuple(f"reservoir_{i}" for i in range(1, self.reservoirs + 1))

    @property
    def _flows(self) -> tuple[str, ...]:
        return (*(f"flow_{i}" for i in range(1, self.reservoirs)), "runoff")

    @property
    def states(self) -> dict[str, Variable]:
        """The water in every reservoir."""
        return {store: Variable("mm", "water in a reservoir", 10.0) for store in self._stores}

    @property
    def fluxes(self) -> dict[str, Variable]:
        """What enters the first and leaves each of them."""
        leaving = {flow: Variable("mm d-1", "outflow of a reservoir") for flow in self._flows}
        return {"precipitation": Variable("mm d-1", "what enters the first"), **leaving}

    @property
    def budget(self) -> Budget:
        """From each reservoir to the next."""
        pairs = zip(self._stores, (*self._stores[1:], None), strict=True)
        flows = dict(zip(self._flows, pairs, strict=True))
        return Budget({"precipitation": (None, self._stores[0]), **flows})

    def initial_state(self) -> Values:
        """Empty reservoirs."""
        return {store: jnp.asarray(0.0) for store in self._stores}

    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """The fluxes at this moment; a store below zero, as a solver may try it, counts as empty."""
        filled = {name: positive_part(amount) for name, amount in state.items()}
        now = self.values(filled, forcing, parameters)
        flows = {
            flow: at_most(self.law("outflow", {**now, "storage": now[store]}), now[store] / DAY)
            for flow, store in zip(self._flows, self._stores, strict=True)
        }
        return {"precipitation": now["precipitation"], **flows}


def cascade(reservoirs: int = 3, *, solver: Solver = HEUN, **laws: Law) -> Cascade:
    """A cascade, with its law replaced by name. Raises `DgeoError` for a law that there is not."""
    return Cascade(laws=dict(laws), solver=solver, reservoirs=reservoirs)
