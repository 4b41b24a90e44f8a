"""What a model did in one run of an examination."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from dgeo.check.balance import Balance
from dgeo.check.ledger import Ledger
from dgeo.check.probes.subject import Moment, Series
from dgeo.models import Budget

Sites = Float64[np.ndarray, " site"]


class Split(NamedTuple):
    """Where the rain of a run went [mm]: `loss` is what leaves otherwise than as flow, `gain` what exchanges bring.

    All but rain and flow are zero where the model declares no stores.
    """

    rain: Sites
    flow: Sites
    loss: Sites
    stored: Sites
    gain: Sites

    def less(self, other: "Split") -> "Split":
        """The difference of two runs."""
        return Split(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def missing(self) -> Sites:
        """What of the rain and the exchanges is neither in flow, losses nor stores."""
        return self.rain + self.gain - self.flow - self.loss - self.stored


@dataclass(frozen=True)
class Record:
    """Forcings and outputs [time, site] of a run, and the moments before and after."""

    budget: Budget
    forcing: Series
    series: Series
    before: Moment
    after: Moment
    dt: float = 1.0

    @property
    def flow(self) -> Float[np.ndarray, "time site"]:
        """Streamflow [mm d⁻¹]."""
        return np.asarray(self.series["streamflow"])

    def total(self, name: str) -> Sites:
        """The sum over the run of an output or a forcing [mm]."""
        values = self.series[name] if name in self.series else self.forcing[name]
        return np.asarray(np.sum(values, axis=0, dtype=np.float64) * self.dt)

    @cached_property
    def balance(self) -> Balance:
        """The account of the run; only of a model that declares stores."""
        books = Ledger(self.budget, self.before.stored, self.dt)
        books.add(self.series)
        return books.balance(self.after.stored)

    @cached_property
    def split(self) -> Split:
        """Where the rain went."""
        rain, flow = self.total("precipitation"), self.total("streamflow")
        if not self.budget.conserves:
            return Split(rain, flow, *(np.zeros_like(flow) for _ in range(3)))
        account = self.balance
        loss = sum(account.outflows.values(), -flow)
        return Split(rain, flow, loss, sum(account.changes.values(), 0 * flow), gained(account, flow))

    @cached_property
    def gain(self) -> Float64[np.ndarray, "time site"]:
        """What declared exchanges bring on each day [mm d⁻¹]; negative where they take."""
        total = np.zeros(self.flow.shape)
        for name in self.budget.exchanges:
            source, _ = self.budget.transfers[name]
            total = total + (1 if source is None else -1) * np.asarray(self.series[name], np.float64)
        return total


def gained(account: Balance, flow: Sites) -> Sites:
    """What declared exchanges brought in all [mm]."""
    return sum(account.exchanges.values(), 0 * flow)


def joined(pieces: Sequence[Record]) -> Record:
    """One run from pieces that went on from each other."""

    def together(parts: Sequence[Series]) -> Series:
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    first, last = pieces[0], pieces[-1]
    forcing, series = together([p.forcing for p in pieces]), together([p.series for p in pieces])
    return Record(first.budget, forcing, series, first.before, last.after, first.dt)
