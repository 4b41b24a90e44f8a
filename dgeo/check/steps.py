"""Where the water went in every step and every event of a run: the ledger's finer pages.

    residual            = S_after − S_before − Σ in·dt + Σ out·dt        S: all stores of one quantity together
    relative residual   = |residual| / (|S_before| + gross inflow)

over a step, an event, or the whole run; reported is the worst site. Stores that exchange something hold one quantity;
a snowpack has two, water and heat. Cells and reaches are added up, in the denominator by their size, whatever their
sign; what enters by a declared exchange is inflow too; and where more leaves than there was and came, as heat may, it
is what left that counts. An event begins with a step in
which more than `wet` enters from outside, after one in which no more did, and lasts until the next begins; the steps
before the first are one too. All is summed in float64, whatever the precision of the run.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array

from dgeo.check.balance import Amounts
from dgeo.check.ledger import storage_of
from dgeo.models import Budget, Model, Values

WET = 1.0  # [mm d-1] a day of an event
NOTHING = 1e-30  # what is less, single precision has no digits for


class Worst(NamedTuple):
    """A relative residual, and the step (the first of the event) and the site where it is: the largest of its kind."""

    relative_residual: float = 0.0
    step: int = 0
    site: int = 0


class Closure(NamedTuple):
    """How well the books of a run close: the worst step, the worst event, the worst site over the whole run."""

    step: Worst = Worst()
    event: Worst = Worst()
    run: Worst = Worst()
    events: int = 0

    @property
    def levels(self) -> tuple[Worst, Worst, Worst]:
        """The worst step, event and run."""
        return self.step, self.event, self.run

    def to_json(self, steps: Sequence[Any], sites: Sequence[str]) -> dict[str, Any]:
        """By name of step (a day) and of site; empty where nothing was booked."""
        if not self.events:
            return {}

        def told(worst: Worst) -> dict[str, Any]:
            return {
                "relative_residual": worst.relative_residual,
                "basin": sites[worst.site],
                "day": str(steps[worst.step]),
            }

        return {"steps": told(self.step), "events": {"count": self.events, **told(self.event)}}


class StepLedger:
    """Books of every step, as chunks of a run come in: first axis time, then sites, whatever follows is summed."""

    def __init__(self, budget: Budget, before: Amounts, dt: float = 1.0, wet: float = WET) -> None:
        """Open the books with what the stores hold; `dt` is in days unless the fluxes count another time."""
        self._budget, self._dt, self._wet = budget, dt, wet
        self._groups = _connected(budget)
        like = np.zeros_like(next(iter(before.values()), np.zeros(1)), dtype=np.float64)
        held = np.stack([sum((np.asarray(before[store], np.float64) for store in g), like) for g in self._groups])
        self._held, self._size, self._run, self._event = held, np.abs(held), _Account(held), _Account(held)
        self._was_wet = np.zeros(held.shape[1:], bool)
        self._steps, self._events, self._step, self._of_event = 0, 0, Worst(), Worst()

    def add(self, outputs: Mapping[str, Array | np.ndarray]) -> None:
        """Book one chunk of a run, whose outputs hold all fluxes and stores of the budget, [time, *site, …]."""
        if not self._budget.stores:
            return
        exact = {
            name: np.asarray(outputs[name], np.float64) for name in (*self._budget.stores, *self._budget.transfers)
        }
        after, sizes = (
            np.stack([sum(self._summed(of(exact[store])) for store in group) for group in self._groups])
            for of in (np.asarray, np.abs)
        )
        before, held = (
            np.concatenate([last[:, None], now[:, :-1]], axis=1)
            for last, now in ((self._held, after), (self._size, sizes))
        )
        across = [[sign * exact[flux] * self._dt for flux, sign in self._across(group)] for group in self._groups]
        nothing = np.zeros(after.shape[1:])
        residual = after - before - np.stack([sum(map(self._summed, flows), nothing) for flows in across])
        gross = (
            np.stack([sum((self._summed(np.maximum(sign * x, 0)) for x in flows), nothing) for flows in across])
            for sign in (1, -1)
        )
        entered, left = gross
        self._step = _worse(self._step, _worst(_relative(residual, held, entered, left), self._steps))
        supply = sum((self._summed(np.maximum(exact[flux], 0)) for flux in self._budget.inflows), nothing)
        for step, wet in enumerate(supply > self._wet):
            begins = wet & ~self._was_wet
            if self._steps == 0:
                self._events = int((~wet).sum())  # where it begins dry
            if begins.any():
                self._close(begins, held[:, step])
            for account in (self._event, self._run):
                account.add(residual[:, step], entered[:, step], left[:, step])
            self._was_wet = wet
            self._steps += 1
        self._held, self._size = after[:, -1], sizes[:, -1]

    @property
    def closure(self) -> Closure:
        """The worst of what was booked; more chunks may follow."""
        events = _worse(self._of_event, self._event.worst())
        return Closure(self._step, events, self._run.worst()._replace(step=0), self._events)

    def _close(self, begins: np.ndarray, held: np.ndarray) -> None:
        """The event that ends where another begins."""
        self._of_event = _worse(self._of_event, self._event.worst(begins))
        self._events += int(begins.sum())
        self._event.restart(begins, held, self._steps)

    def _across(self, group: tuple[str, ...]) -> list[tuple[str, float]]:
        """The fluxes that enter some stores from beyond them, and with −1 those that leave them."""
        pairs = {
            flux: (target in group) - (source in group) for flux, (source, target) in self._budget.transfers.items()
        }
        return [(flux, float(sign)) for flux, sign in pairs.items() if sign]

    def _summed(self, series: np.ndarray) -> np.ndarray:
        return np.asarray(series.sum(axis=tuple(range(self._was_wet.ndim + 1, series.ndim))))


class _Account:
    """Sums over steps, [quantity, *site]."""

    def __init__(self, held: np.ndarray) -> None:
        self.held, self.residual = held.copy(), np.zeros_like(held)
        self.entered, self.left = np.zeros_like(held), np.zeros_like(held)
        self.first = np.zeros(held.shape[1:], int)

    def add(self, residual: np.ndarray, entered: np.ndarray, left: np.ndarray) -> None:
        self.residual += residual
        self.entered += entered
        self.left += left

    def restart(self, where: np.ndarray, held: np.ndarray, step: int) -> None:
        self.held[:, where] = held[:, where]
        for sums in (self.residual, self.entered, self.left):
            sums[:, where] = 0.0
        self.first[where] = step

    def worst(self, where: Any = True) -> Worst:
        relative = np.where(where, np.max(_relative(self.residual, self.held, self.entered, self.left), axis=0), -1.0)
        if not relative.size:
            return Worst()
        place = np.unravel_index(np.argmax(relative), relative.shape)
        return Worst(float(relative[place]), int(self.first[place]), int(place[0]) if place else 0)


def _relative(residual: np.ndarray, held: np.ndarray, entered: np.ndarray, left: np.ndarray) -> np.ndarray:
    turnover = np.maximum(np.abs(held) + entered, left)
    return np.nan_to_num(np.abs(residual) / np.where(turnover > NOTHING, turnover, 1.0), nan=np.inf)


def _worse(*found: Worst) -> Worst:
    """The first of the largest."""
    return max(found, key=lambda worst: worst.relative_residual)


def _worst(relative: np.ndarray, first: int) -> Worst:
    """Of [quantity, time, *site], the time counted from `first`."""
    place = np.unravel_index(np.argmax(relative), relative.shape)
    return Worst(float(relative[place]), first + int(place[1]), int(place[2]) if len(place) > 2 else 0)


def _connected(budget: Budget) -> list[tuple[str, ...]]:
    """The stores of each quantity: those between which something moves."""
    groups: list[tuple[str, ...]] = [(store,) for store in budget.stores]
    for ends in budget.transfers.values():
        apart = [group for group in groups if {*ends} & {*group}]
        groups = [group for group in groups if group not in apart] + ([sum(apart, ())] if apart else [])
    return groups or [()]


def step_ledger(
    model: Model, before: Values, outputs: Mapping[str, Array | np.ndarray], dt: float = 1.0, wet: float = WET
) -> Closure:
    """The closure of one run of `simulate`, whose outputs hold all fluxes and stores of the budget."""
    books = StepLedger(model.budget, storage_of(model, before) if model.budget.stores else {}, dt, wet)
    books.add(outputs)
    return books.closure


def worst_of(closures: Sequence[Closure], sizes: Sequence[int]) -> Closure:
    """The closure of all sites, from those of parts of so many sites each."""
    starts = np.cumsum([0, *sizes])
    pairs = list(zip(starts, closures, strict=False))

    def worst(level: int) -> Worst:
        found = ((int(start), closure.levels[level]) for start, closure in pairs)
        return _worse(*(one._replace(site=one.site + start) for start, one in found))

    return Closure(worst(0), worst(1), worst(2), sum(closure.events for closure in closures))
