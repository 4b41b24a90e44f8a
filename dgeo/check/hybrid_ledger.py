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
from dgeo.hybrid import Carry, GammaRouting, Hybrid, Inputs
from dgeo.models import Budget, Values

CHANNEL = "channel"


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
        self._budget = routed(hybrid.physics.budget) if hybrid.routing else hybrid.physics.budget
        self._ledger = Ledger(self._budget, self._storage(before), dt)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that the run must keep."""
        return tuple(self._budget.transfers)

    def add(self, outputs: Mapping[str, Array | np.ndarray]) -> None:
        """Book one chunk of the run; raises `DgeoError` for a flux that was not kept."""
        self._ledger.add(outputs)

    def balance(self, after: Carry) -> Balance:
        """Close the books with the carry after the last chunk; more may still follow."""
        return self._ledger.balance(self._storage(after))

    def _storage(self, carry: Carry) -> Amounts:
        stored = storage_of(self._hybrid.physics, carry.physics)
        means = {store: np.sum(amount * self._weights, axis=-1) for store, amount in stored.items()}
        if self._hybrid.routing is None or carry.routing is None:
            return means
        under_way = _under_way(self._hybrid.routing, self._routing, carry.routing, self._dt)
        return means | {CHANNEL: np.asarray(under_way, dtype=np.float64)}


@eqx.filter_jit
def _read(hybrid: Hybrid, inputs: Inputs, before: Carry) -> tuple[Float[Array, "site component"], Values]:
    """The weights of components, and the parameters of the unit hydrograph."""
    parameters, weights, _ = hybrid.parameters(hybrid.corrected(inputs), before.parameters)
    routing = hybrid.routing.parameters if hybrid.routing else ()
    return weights, {name: parameters.static[name] for name in routing}


@eqx.filter_jit
def _under_way(
    routing: GammaRouting, parameters: Values, tail: Float[Array, "past site"], dt: float
) -> Float[Array, " site"]:
    return routing.stored(parameters, tail, dt)


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
