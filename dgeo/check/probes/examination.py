"""The runs that probes ask questions of: one weather, and what is changed in it.

Every run starts from the moment after the same spin-up and lasts whole years of 365 days, so that all of them share one
compilation. Runs that several probes read are made once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from dgeo.check.probes.record import Record, Sites, Split, joined
from dgeo.check.probes.registry import Inapplicable
from dgeo.check.probes.subject import Moment, Series, Subject
from dgeo.errors import DgeoError

YEAR = 365
YEARS = 3  # that are examined
STORMY = 3  # days
STEADY, REPEATED = 20, 60  # years of unchanging and of repeated weather
COLD, WARM = -20.0, 10.0  # [degC] that all days are brought to, at most and at least


@dataclass(frozen=True)
class Years:
    """Flow, what exchanges bring and what is stored, year by year [mm], each [year, site]."""

    flow: Float64[np.ndarray, "year site"]
    gain: Float64[np.ndarray, "year site"]
    stored: Float64[np.ndarray, "year site"]
    last: Record


class Examination:
    """A model, the weather of some sites, and the runs that probes share."""

    def __init__(self, subject: Subject, forcing: Series, attributes: Series, basins: Sequence[str], spin_up: int):
        """The first `spin_up` days fill the stores, the next three years are examined; a short record is repeated."""
        self.subject, self.basins, self.attributes = subject, tuple(basins), attributes
        self._spin_up_days = spin_up
        self.weather = _repeated(forcing, spin_up + YEARS * YEAR)
        self._rain: dict[float, Split] = {}

    def has(self, need: str) -> bool:
        """Whether the model has what a probe needs, see `Probe`."""
        subject = self.subject
        known: dict[str, Any] = {
            "stores": subject.budget.conserves,
            "restart": subject.restarts,
            "shorter steps": subject.divides,
            "attributes": subject.attributes,
            "exchanges": subject.budget.exchanges,
            "temperature": self.temperatures,
        }
        return bool(known[need]) if need in known else need in (*subject.forcings, *subject.outputs)

    @property
    def stores(self) -> tuple[str, ...]:
        """The stores whose series are known."""
        return tuple(name for name in self.subject.outputs if name in self.subject.budget.stores)

    @property
    def temperatures(self) -> tuple[str, ...]:
        """The forcings that are temperatures."""
        return tuple(name for name in self.subject.forcings if name.startswith("temperature"))

    @property
    def spun(self) -> Series:
        """The weather of the spin-up."""
        return {name: series[: self._spin_up_days] for name, series in self.weather.items()}

    @property
    def forcing(self) -> Series:
        """The weather that is examined."""
        return {name: series[self._spin_up_days :] for name, series in self.weather.items()}

    @property
    def year(self) -> Series:
        """Its first year."""
        return {name: series[:YEAR] for name, series in self.forcing.items()}

    @property
    def rounding(self) -> float:
        """The residual that a ledger may have, as a share of all water, in the precision of the outputs."""
        single = any(np.asarray(series).dtype == np.float32 for series in self.base.series.values())
        return 1e-5 if single else 1e-12

    @cached_property
    def spin_up(self) -> Record:
        """From the initial state to the moment from which all runs start."""
        return self.march(self.spun, self.subject.start(self.attributes, len(self.basins)))

    @cached_property
    def base(self) -> Record:
        """The weather as it was."""
        return self.march(self.forcing)

    @cached_property
    def first_year(self) -> Record:
        """Its first year."""
        return self.march(self.year)

    @cached_property
    def dry(self) -> Record:
        """No rain any more."""
        return self.march(self.forcing | {"precipitation": 0 * self.forcing["precipitation"]})

    def rain(self, factor: float) -> Split:
        """Where the rain goes when there is `factor` times as much, every day."""
        if factor not in self._rain:
            changed = self.forcing | {"precipitation": factor * self.forcing["precipitation"]}
            self._rain[factor] = (self.base if factor == 1 else self.march(changed)).split
        return self._rain[factor]

    def storm(self, factor: float) -> Record:
        """A year whose first three days are frost-free and bring `factor` times the largest rain on record each."""
        mild = self.between(self.year, WARM, np.inf) if self.temperatures else self.year
        stormy = (np.arange(YEAR) < STORMY)[:, None]
        year = {name: np.where(stormy, mild[name], series) for name, series in self.year.items()}
        year["precipitation"] = year["precipitation"] + np.where(stormy, factor * self.largest_rain, 0)
        return self.march(year)

    @property
    def largest_rain(self) -> Sites:
        """The largest rain of a day [mm]; at least one millimetre."""
        return np.maximum(np.max(self.weather["precipitation"], axis=0), 1.0).astype(np.float64)

    def mean_temperature(self, forcing: Series) -> Float[np.ndarray, "time site"]:
        """The mean of the day [degC]."""
        names = ("temperature",) if "temperature" in self.temperatures else self.temperatures
        if not names:
            raise Inapplicable("the model reads no temperature")
        return np.mean([forcing[name] for name in names], axis=0)

    def shifted(self, forcing: Series, kelvin: Any) -> Series:
        """All temperatures, so much higher."""
        return forcing | {name: forcing[name] + kelvin for name in self.temperatures}

    def between(self, forcing: Series, low: float, high: float) -> Series:
        """Every day's temperatures shifted by what brings their mean into an interval."""
        mean = self.mean_temperature(forcing)
        return self.shifted(forcing, np.clip(mean, low, high) - mean)

    @cached_property
    def mild(self) -> Series:
        """A year without change: the mean of each forcing, above freezing."""
        mean = {name: np.tile(x.mean(axis=0, keepdims=True), (YEAR, 1)) for name, x in self.forcing.items()}
        return self.between(mean, WARM, np.inf) if self.temperatures else mean

    @cached_property
    def steady(self) -> Years:
        """Many years without change."""
        return self.repeated(self.mild, STEADY)

    @cached_property
    def cycle(self) -> Years:
        """The first year again and again."""
        return self.repeated(self.year, REPEATED)

    def repeated(self, year: Series, count: int) -> Years:
        """A year of weather, `count` times."""
        several = 1 if self.subject.restarts else count
        moment, last = self.spin_up.after, self.first_year
        rows: list[tuple[Sites, Sites, Sites]] = []
        while len(rows) < count:
            tiled = {name: np.tile(series, (several, 1)) for name, series in year.items()}
            for last in self._pieces(tiled, moment, 1.0, YEAR):
                moment = last.after
                stored = sum(moment.stored.values(), np.zeros(len(self.basins)))
                rows.append((last.total("streamflow"), last.gain.sum(axis=0), stored))
        flow, gain, stored = (np.stack(column) for column in zip(*rows, strict=True))
        return Years(flow, gain, stored, last)

    def march(self, forcing: Series, moment: Moment | None = None, dt: float = 1.0, steps: int = YEAR) -> Record:
        """A run from a moment on, by default that after the spin-up, in pieces of so many steps."""
        return joined(list(self._pieces(forcing, self.spin_up.after if moment is None else moment, dt, steps)))

    def _pieces(self, forcing: Series, moment: Moment, dt: float, steps: int) -> Any:
        first = 0
        for series, after in self.subject.pieces(forcing, self.attributes, moment, dt, steps):
            piece = {name: x[first : first + steps] for name, x in forcing.items()}
            yield Record(self.subject.budget, piece, series, moment, after, dt)
            first, moment = first + steps, after

    def of(self, attributes: Series) -> "Examination":
        """The same weather at sites with other attributes, from the initial state on."""
        return Examination(self.subject, self.weather, attributes, self.basins, self._spin_up_days)


def _repeated(forcing: Series, days: int) -> dict[str, np.ndarray]:
    """The last days of a record, or, where it is too short, whole years of it again and again."""
    length = len(next(iter(forcing.values())))
    if length >= days:
        return {name: np.asarray(series)[length - days :] for name, series in forcing.items()}
    whole = length // YEAR * YEAR
    if not whole:
        raise DgeoError(f"The probes need a year of weather at least and were given {length} days; give 365 or more.")
    rows = np.arange(days) % whole
    return {name: np.asarray(series)[rows] for name, series in forcing.items()}
