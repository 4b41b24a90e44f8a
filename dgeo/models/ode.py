"""Models in continuous time: they give their rates, and a solver makes the step of them."""

from abc import abstractmethod
from typing import ClassVar

import equinox as eqx

from dgeo.models.law import Values
from dgeo.models.model import Model, Scalar, Variable
from dgeo.models.solvers import FAILURE, FixedParts, Problem, Solver


class ContinuousModel(Model):
    """A model that gives rates; its solver makes the step. Every state is a store of the budget."""

    solver: Solver = eqx.field(default=FixedParts(), kw_only=True)

    diagnostics: ClassVar = {FAILURE: Variable("1", "1 where the solver failed and nothing moved")}

    def __check_init__(self) -> None:
        """Every state is a store, and every flux a transfer or a sum of transfers."""
        for name in self.states:
            self._known("store in its budget for the state", name, dict.fromkeys(self.budget.stores))
        for name in self.fluxes:
            self._known(
                "transfer or sum in its budget for the flux", name, {**self.budget.transfers, **self.budget.sums}
            )

    @abstractmethod
    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """The fluxes at this moment, one for every transfer of the budget [per day], for one site."""

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One step by the solver; fluxes are means over it, the budget's sums included."""
        return self.solver(Problem(self, forcing, parameters), state, dt)
