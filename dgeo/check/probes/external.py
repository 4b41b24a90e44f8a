"""A model of any make, wrapped as a function, as what is examined."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dgeo.check.balance import Amounts
from dgeo.check.probes.subject import Moment, Series
from dgeo.errors import DgeoError, nearest
from dgeo.models import Budget

STORAGE = "storage"


@dataclass(frozen=True)
class External:
    """A function of forcings {name: [time, site]} to outputs {name: [time, site]}, in steps of a day.

    **Arguments**

    - `function`: called with the forcings, and with attributes {name: [site]} where `attributes` names any. It starts
      anew in each call, so that every run begins with the days before it.
    - `forcings`, `attributes`: the names that it reads.
    - `stores`: outputs [mm] as they are after each step, if it declares any. Its budget is then made up of them, of
      `inflows` (among forcings and outputs), `outflows` and `exchanges` (positive where water is gained).
    - `also`: further outputs that probes may read: "evapotranspiration" where it is in no budget.
    """

    function: Callable[..., Mapping[str, Any]]
    forcings: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    inflows: tuple[str, ...] = ("precipitation",)
    outflows: tuple[str, ...] = ("streamflow",)
    exchanges: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    restarts: ClassVar[bool] = False
    divides: ClassVar[bool] = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """All that the function must give."""
        made = tuple(name for name in self.inflows if name not in self.forcings)
        return tuple(dict.fromkeys(("streamflow", *self.outflows, *made, *self.exchanges, *self.stores, *self.also)))

    @property
    def budget(self) -> Budget:
        """All stores together are one, as what passes between them is not known."""
        if not self.stores:
            return Budget({})
        entering = dict.fromkeys((*self.inflows, *self.exchanges), (None, STORAGE))
        return Budget({**entering, **dict.fromkeys(self.outflows, (STORAGE, None))}, exchanges=self.exchanges)

    def start(self, attributes: Series, sites: int, dt: float = 1.0) -> Moment:
        """No days yet; what the stores hold at first is not known."""
        return Moment({}, {})

    def march(self, forcing: Series, attributes: Series, moment: Moment, dt: float = 1.0) -> tuple[Series, Moment]:
        """The function of all days so far, and of what it gives the new ones."""
        return next(self.pieces(forcing, attributes, moment, dt, len(next(iter(forcing.values())))))

    def pieces(
        self, forcing: Series, attributes: Series, moment: Moment, dt: float, steps: int
    ) -> Iterator[tuple[Series, Moment]]:
        """One call, cut into pieces."""
        past = moment.carry or {name: series[:0] for name, series in forcing.items()}
        days = {name: np.concatenate([past[name], series]) for name, series in forcing.items()}
        found = self.function(days, attributes) if self.attributes else self.function(days)
        outputs = self._checked(found, days) | {name: days[name] for name in self.inflows if name in days}
        before, after = (len(next(iter(part.values()))) for part in (past, days))
        for first in range(before, after, steps):
            last = min(first + steps, after)
            series = {name: value[first:last] for name, value in outputs.items()}
            yield series, Moment({name: value[:last] for name, value in days.items()}, self._stored(series))

    def _checked(self, found: Mapping[str, Any], days: Series) -> dict[str, np.ndarray]:
        shape = next(iter(days.values())).shape
        for name in self.outputs:
            if name not in found:
                raise DgeoError(f"The model gives no {name!r}, which it declares: {nearest(name, found)}")
            if np.shape(found[name]) != shape:
                raise DgeoError(
                    f"The output {name!r} has the shape {np.shape(found[name])} where the forcings have {shape}; "
                    "return a row for each day and a column for each site."
                )
        return {name: np.asarray(found[name]) for name in self.outputs}

    def _stored(self, series: Series) -> Amounts:
        if not self.stores:
            return {}
        return {STORAGE: sum((np.asarray(series[store][-1], np.float64) for store in self.stores), np.zeros(1))}
