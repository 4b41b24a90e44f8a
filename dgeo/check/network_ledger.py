"""The ledger of a network without physics: what went in, what came out, what its cells hold."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Array

from dgeo.check.balance import Amounts, Balance
from dgeo.check.hybrid_ledger import HybridLedger
from dgeo.check.ledger import Ledger
from dgeo.check.steps import Closure, StepLedger
from dgeo.hybrid import Carry, Hybrid, Inputs, NetworkModel, Simulator


class NetworkLedger:
    """Sums the outputs of a network's run as its chunks come in; one that conserves nothing has an empty account."""

    def __init__(self, model: NetworkModel, before: Carry) -> None:
        """Open the books with the carry before the run."""
        self._model, self.budget = model, model.budget
        held = self.storage(before)
        self._ledger, self._steps = Ledger(self.budget, held), StepLedger(self.budget, held)

    @property
    def stores(self) -> tuple[str, ...]:
        """The outputs that the run must keep besides, to close the books of each step."""
        return self.budget.stores

    @property
    def closure(self) -> Closure:
        """How well the books of steps and events close, of the chunks that kept all `stores`."""
        return self._steps.closure

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that the run must keep."""
        return tuple(self.budget.transfers)

    def add(self, outputs: Mapping[str, Array | np.ndarray]) -> None:
        """Book one chunk of the run; raises `DgeoError` for a flux that was not kept."""
        self._ledger.add(outputs)
        if all(store in outputs for store in self.stores):
            self._steps.add(outputs)

    def balance(self, after: Carry) -> Balance:
        """Close the books with the carry after the last chunk; more may still follow."""
        return self._ledger.balance(self.storage(after))

    def storage(self, carry: Carry) -> Amounts:
        """What every store holds."""
        return {store: np.asarray(amount, np.float64) for store, amount in self._model.storage(carry).items()}


def open_books(model: Simulator, inputs: Inputs, before: Carry) -> HybridLedger | NetworkLedger:
    """The ledger of any model, with the carry before the run; `inputs` as for `HybridLedger`."""
    return HybridLedger(model, inputs, before) if isinstance(model, Hybrid) else NetworkLedger(model, before)
