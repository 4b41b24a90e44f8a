"""The ledger of a hybrid model, from precipitation to the gauge.

Stores and fluxes are weighted means over a site's components. With routing, what runs off enters one more
store, the channel, which the unit hydrograph's tail holds, and leaves it as streamflow.
"""

from collections.abc import Mapping
from dataclasses import replace

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from dgeo.check.balance import Amounts, Balance
from dgeo.check.ledger import Ledger, storage_of
from dgeo.check.steps import Closure, StepLedger
from dgeo.hybrid import Carry, GammaRouting, Hybrid, Inputs
from dgeo.models import Budget, Values

CHANNEL = "channel"
_stored, _lags = eqx.filter_jit(GammaRouting.stored), eqx.filter_jit(GammaRouting.weights)


class HybridLedger:
    """Sums the outputs of a hybrid model's run as its chunks come in.

    Weights of components and the unit hydrograph are taken from `inputs`; one step of them will do where
    parameters look back only. Where they are read from the last step of a window (`static_from_last_step`)
    they are those of that window, and only a run in one piece, with all its inputs, has a balance.
    """

    def __init__(self, hybrid: Hybrid, inputs: Inputs, before: Carry, dt: float = 1.0) -> None:
        """Open the books with the carry before the run (`hybrid.initial_carry` at the start)."""
        self._hybrid, self._dt = hybrid, dt
        weights, self._routing = _read(hybrid, inputs, before)
        self._weights = np.asarray(weights, dtype=np.float64)
        self.budget = routed(hybrid.physics.budget) if hybrid.routing else hybrid.physics.budget
        held = self.storage(before)
        self._ledger, self._steps = Ledger(self.budget, held, dt), StepLedger(self.budget, held, dt)
        self._tail = None if before.routing is None else np.asarray(before.routing, np.float64)

    @property
    def stores(self) -> tuple[str, ...]:
        """The outputs that the run must keep besides, to close the books of each step."""
        return tuple(store for store in self.budget.stores if store != CHANNEL)

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
            self._steps.add({**outputs, **self._under_way(outputs)})

    def balance(self, after: Carry) -> Balance:
        """Close the books with the carry after the last chunk; more may still follow."""
        return self._ledger.balance(self.storage(after))

    def storage(self, carry: Carry) -> Amounts:
        """What every store holds, the channel included where there is routing."""
        stored = storage_of(self._hybrid.physics, carry.physics)
        means = {store: np.sum(amount * self._weights, axis=-1) for store, amount in stored.items()}
        if self._hybrid.routing is None or carry.routing is None:
            return means
        under_way = _stored(self._hybrid.routing, self._routing, carry.routing, self._dt)
        return means | {CHANNEL: np.asarray(under_way, dtype=np.float64)}

    def _under_way(self, outputs: Mapping[str, Array | np.ndarray]) -> dict[str, np.ndarray]:
        """What the channel holds after each step: what ran off on the steps before, as far as it has not left."""
        if self._hybrid.routing is None or self._tail is None:
            return {}
        parts = [flux for flux, (_, target) in self.budget.transfers.items() if target == CHANNEL]
        runoff = sum(np.asarray(outputs[flux], np.float64) for flux in parts)
        series, past = np.concatenate([self._tail, runoff]), len(self._tail)
        weights = np.asarray(_lags(self._hybrid.routing, self._routing, self._dt), np.float64)
        remaining = np.cumsum(weights[:0:-1], axis=0)
        steps = len(series) - past
        held = sum((series[j + 1 : j + 1 + steps] * remaining[j] for j in range(past)), np.zeros_like(series[past:]))
        self._tail = series[steps:]
        return {CHANNEL: held * self._dt}


@eqx.filter_jit
def _read(hybrid: Hybrid, inputs: Inputs, before: Carry) -> tuple[Float[Array, "site component"], Values]:
    """The weights of components, and the parameters of the unit hydrograph."""
    parameters, weights, _ = hybrid.parameters(hybrid.corrected(inputs), before.parameters)
    routing = hybrid.routing.parameters if hybrid.routing else ()
    return weights, {name: parameters.static[name] for name in routing}


def hybrid_ledger(
    hybrid: Hybrid,
    inputs: Inputs,
    before: Carry,
    after: Carry,
    outputs: Mapping[str, Array | np.ndarray],
    dt: float = 1.0,
) -> Balance:
    """The balance of one run of a hybrid model, whose outputs hold what `HybridLedger.outputs` names.

    Raises `DgeoError` for a flux that was not kept.
    """
    books = HybridLedger(hybrid, inputs, before, dt)
    books.add(outputs)
    return books.balance(after)


def routed(budget: Budget) -> Budget:
    """The budget with a channel between what the model counts as runoff and streamflow.

    Where the model conserves nothing, the channel alone does.
    """
    if not budget.conserves:
        return Budget({"runoff": (None, CHANNEL), "streamflow": (CHANNEL, None)})
    parts = budget.sums.get("runoff", ("runoff",))
    through = {flux: (budget.transfers[flux][0], CHANNEL) for flux in parts}
    return replace(budget, transfers={**budget.transfers, **through, "streamflow": (CHANNEL, None)})
