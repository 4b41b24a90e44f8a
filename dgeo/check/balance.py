"""Where the water went: stores, flows across the boundary, and what is left over.

    residual of a store = S_after − S_before − Σ in·dt + Σ out·dt          [mm]
    relative residual   = |Σ_stores residual| / (Σ_stores S_before + gross inflow)

A positive residual is water made from nothing. Transfers between two stores cancel in the sum, so the overall
residual sees the boundary alone, and those of the stores see a transfer that left one store and did not
arrive in the other. All numbers are float64 numpy arrays over sites (and components), whatever the precision
of the run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from dgeo.models import Budget

Amounts = dict[str, Float64[np.ndarray, "*site"]]


@dataclass(frozen=True)
class Balance:
    """The account of one run; `balance` makes it. Amounts are in the unit of the stores."""

    budget: Budget
    before: Amounts
    after: Amounts
    totals: Amounts
    gross_inflow: Float64[np.ndarray, "*site"]

    @property
    def changes(self) -> Amounts:
        """What every store gained."""
        return {store: self.after[store] - self.before[store] for store in self.budget.stores}

    @property
    def inflows(self) -> Amounts:
        """What entered from outside, exchanges excluded."""
        return {flux: self.totals[flux] for flux in self.budget.inflows}

    @property
    def outflows(self) -> Amounts:
        """What left to the outside, exchanges excluded."""
        return {flux: self.totals[flux] for flux in self.budget.outflows}

    @property
    def exchanges(self) -> Amounts:
        """What entered (positive) or left (negative) through declared exchanges."""
        ends = {flux: self.budget.transfers[flux] for flux in self.budget.exchanges}
        signs = {flux: 1 if source is None else -1 for flux, (source, target) in ends.items() if source or target}
        return {flux: sign * self.totals[flux] for flux, sign in signs.items()}

    @property
    def store_residuals(self) -> Amounts:
        """For every store, what it gained beyond what the fluxes brought."""
        residuals = self.changes
        for flux, (source, target) in self.budget.transfers.items():
            if source is not None:
                residuals[source] = residuals[source] + self.totals[flux]
            if target is not None:
                residuals[target] = residuals[target] - self.totals[flux]
        return residuals

    @property
    def residual(self) -> Float64[np.ndarray, "*site"]:
        """What all stores together gained from nothing."""
        return self._sum(self.store_residuals)

    @property
    def initial_storage(self) -> Float64[np.ndarray, "*site"]:
        """What all stores held before."""
        return self._sum({store: self.before[store] for store in self.budget.stores})

    @property
    def relative_residual(self) -> Float64[np.ndarray, "*site"]:
        """|residual| as a share of all that was there or came in: 0 where nothing was, NaN if nothing is conserved."""
        if not self.budget.conserves:
            return np.full_like(self.gross_inflow, np.nan)
        turnover = self.initial_storage + self.gross_inflow
        return np.abs(self.residual) / np.where(turnover > 0, turnover, 1.0)

    def to_json(self) -> dict[str, Any]:
        """Means over all sites; `relative_residual` is that of the worst site, which no mean can hide.

        It is NaN, null in a file, where the model conserves nothing.
        """
        return {
            "stores": _means(self.changes),
            "inflows": _means(self.inflows),
            "outflows": _means(self.outflows),
            "exchanges": _means(self.exchanges),
            "store_residuals": _means(self.store_residuals),
            "initial_storage": float(np.mean(self.initial_storage)),
            "gross_inflow": float(np.mean(self.gross_inflow)),
            "residual": float(np.mean(self.residual)),
            "relative_residual": float(np.max(self.relative_residual)),
        }

    def _sum(self, amounts: Amounts) -> Float64[np.ndarray, "*site"]:
        return sum(amounts.values(), np.zeros_like(self.gross_inflow))


def balance(
    budget: Budget,
    storage_before: Mapping[str, Float64[np.ndarray, "*site"]],
    storage_after: Mapping[str, Float64[np.ndarray, "*site"]],
    totals: Mapping[str, Float64[np.ndarray, "*site"]],
    gross_inflow: Float64[np.ndarray, "*site"] | None = None,
) -> Balance:
    """The account of a run from its amounts, each of the same shape.

    `totals` are flux sums × dt. `gross_inflow` counts what entered without what a flux of changing sign took
    back; by default it is the sum of the positive totals of the inflows.
    """
    if gross_inflow is None:
        nothing = np.zeros_like(next(iter((*storage_before.values(), *totals.values())), np.zeros(())))
        gross_inflow = sum((np.maximum(totals[flux], 0) for flux in budget.inflows), nothing)
    return Balance(budget, dict(storage_before), dict(storage_after), dict(totals), gross_inflow)


def _means(amounts: Amounts) -> dict[str, float]:
    return {name: float(np.mean(amount)) for name, amount in amounts.items()}


def joined(balances: Sequence[Balance]) -> Balance:
    """The account of all sites, from those of parts of them; a site is a place on the first axis."""

    def together(amounts: Sequence[Any]) -> dict[str, Any]:
        return {name: np.concatenate([np.atleast_1d(part[name]) for part in amounts]) for name in amounts[0]}

    return Balance(
        balances[0].budget,
        together([one.before for one in balances]),
        together([one.after for one in balances]),
        together([one.totals for one in balances]),
        np.concatenate([np.atleast_1d(one.gross_inflow) for one in balances]),
    )
