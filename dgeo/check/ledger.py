"""The ledger of a run of `simulate`: any model, any axes, in one piece or chunk by chunk."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Array, Float64

from dgeo.check.balance import Amounts, Balance, balance
from dgeo.errors import DgeoError, nearest
from dgeo.models import Budget, Model, Values


class Ledger:
    """Sums fluxes × dt in float64 as chunks of a run come in.

    The first axis of a flux is time, then come those of the storage (sites, components); whatever follows
    (cells of a column, reaches of a network) is summed.
    """

    def __init__(
        self, budget: Budget, storage_before: Mapping[str, Float64[np.ndarray, "*site"]], dt: float = 1.0
    ) -> None:
        """Open the books with what the stores hold, see `storage_of`; `dt` in days."""
        self._budget = budget
        self._before = dict(storage_before)
        self._dt = float(dt)
        nothing = np.zeros_like(next(iter(self._before.values()), np.zeros(())))
        self._totals: Amounts = {flux: nothing for flux in budget.transfers}
        self._gross_inflow = nothing

    def add(self, fluxes: Mapping[str, Array | np.ndarray]) -> None:
        """Book one chunk of a run, {flux: [time, *site, ...]}.

        Raises `DgeoError` for a flux of the budget that was not kept.
        """
        for flux in self._budget.transfers:
            if flux not in fluxes:
                raise DgeoError(
                    f"The ledger needs the flux {flux!r}, which the run did not keep: name it in `outputs`; "
                    f"among those kept, {nearest(flux, fluxes)}"
                )
            series = np.asarray(fluxes[flux])
            self._totals[flux] = self._totals[flux] + self._summed(series)
            if flux in self._budget.inflows:
                self._gross_inflow = self._gross_inflow + self._summed(np.maximum(series, 0))

    def balance(self, storage_after: Mapping[str, Float64[np.ndarray, "*site"]]) -> Balance:
        """Close the books with what the stores hold now; more chunks may still follow."""
        return balance(self._budget, self._before, storage_after, self._totals, self._gross_inflow)

    def _summed(self, series: np.ndarray) -> Float64[np.ndarray, "*site"]:
        sites = self._gross_inflow.ndim
        total = np.sum(series, axis=(0, *range(1 + sites, series.ndim)), dtype=np.float64)
        return np.asarray(total * self._dt)


def storage_of(model: Model, state: Values) -> Amounts:
    """What every store of the budget holds, cells of a column or reaches of a network summed."""
    name, one = next(iter(model.initial_state().items()))
    sites = state[name].ndim - one.ndim
    return {
        store: np.sum(np.asarray(state[store], dtype=np.float64), axis=tuple(range(sites, state[store].ndim)))
        for store in model.budget.stores
    }


def ledger(
    model: Model,
    before: Values,
    after: Values,
    fluxes: Mapping[str, Array | np.ndarray],
    dt: float = 1.0,
) -> Balance:
    """The balance of one run of `simulate`, from its states before and after and all fluxes of its budget.

    Raises `DgeoError` for a flux of the budget that was not kept.
    """
    books = Ledger(model.budget, storage_of(model, before), dt)
    books.add(fluxes)
    return books.balance(storage_of(model, after))
