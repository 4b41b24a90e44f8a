"""What is examined: any model of runoff, as something that marches on from a moment."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from dgeo.check.balance import Amounts
from dgeo.models import Budget

Series = dict[str, np.ndarray]


class Moment(NamedTuple):
    """All that a model remembers, and what each store of its budget then holds [mm], if it says so."""

    carry: Any
    stored: Amounts


@runtime_checkable
class Subject(Protocol):
    """A model to examine. A class of your own that inherits it can be examined as ours are."""

    @property
    def forcings(self) -> tuple[str, ...]:
        """The forcings that it reads, by their canonical names."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that it reads."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The series that it gives, "streamflow" [mm d⁻¹] and all fluxes of the budget among them."""

    @property
    def budget(self) -> Budget:
        """Where water goes; `Budget({})` where nothing is conserved."""

    @property
    def restarts(self) -> bool:
        """Whether it goes on from a moment; if not, all days before are simulated again."""

    @property
    def divides(self) -> bool:
        """Whether it can take steps shorter than a day."""

    def start(self, attributes: Series, sites: int, dt: float = 1.0) -> Moment:
        """The moment before the first step."""

    def march(self, forcing: Series, attributes: Series, moment: Moment, dt: float = 1.0) -> tuple[Series, Moment]:
        """The outputs [time, site] of all steps of `dt` days, and the moment after the last."""

    def pieces(
        self, forcing: Series, attributes: Series, moment: Moment, dt: float, steps: int
    ) -> Iterator[tuple[Series, Moment]]:
        """The same piece by piece, with the moment after each."""
        for first in range(0, len(next(iter(forcing.values()))), steps):
            piece = {name: series[first : first + steps] for name, series in forcing.items()}
            series, moment = self.march(piece, attributes, moment, dt)
            yield series, moment
