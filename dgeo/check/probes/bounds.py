"""Do stores, flows and evaporation stay where nature keeps them, in any weather and at any site?"""

from collections.abc import Iterator

import numpy as np

from dgeo.check.probes.examination import COLD, Examination
from dgeo.check.probes.record import Record
from dgeo.check.probes.registry import Measure, above, below, probe, share
from dgeo.check.probes.subject import Series
from dgeo.check.probes.water import EXTREME, residual

HOT = 40.0  # [degC]
AREAS = ("area", "area_gages2", "area_geospa_fabric")


@probe(
    "evaporation is bounded",
    "Evaporation takes no more than the air demands on a day, no more than there is, and is never negative.",
    reason="0.01 mm on a day, and of the supply what single precision rounds off in three years",
    needs=("evapotranspiration", "potential_evapotranspiration"),
)
def evaporation(exam: Examination) -> Iterator[Measure]:
    """In the weather as it was, and without rain."""
    over, under = [], []
    for record in (exam.base, exam.dry):
        taken, demand = record.series["evapotranspiration"], record.forcing["potential_evapotranspiration"]
        over.append(above(taken - demand).max(axis=0))
        under.append(below(taken).max(axis=0))
    yield Measure(np.max(over, axis=0), 0.01, "of evaporation on a day beyond the demand", "mm")
    yield Measure(np.max(under, axis=0), 0.01, "of evaporation on a day below zero", "mm")
    if exam.subject.budget.conserves:
        dry = exam.dry
        supply = sum(dry.before.stored.values(), np.zeros(len(exam.basins))) + np.maximum(dry.gain, 0).sum(axis=0)
        excess = above(dry.total("evapotranspiration") / np.maximum(supply, 1.0) - 1)
        yield share(excess, 1e-4, "more evaporates in a drought than there is")


@probe(
    "states are bounded",
    "In storms, droughts, heat and frost all is finite, nothing is below zero, and no store holds more than came.",
    reason="a thousandth of a millimetre, and of the supply what single precision rounds off in a year",
)
def states(exam: Examination) -> Iterator[Measure]:
    """The weather as it was and without rain, a storm of ten times the record, a year in frost and one in heat."""
    records = [exam.base, exam.dry, exam.storm(EXTREME)]
    if exam.temperatures:
        records += [
            exam.march(exam.between(exam.year, -np.inf, COLD)),
            exam.march(exam.between(exam.year, HOT, np.inf)),
        ]
    yield Measure(np.max([_below(exam, record) for record in records], axis=0), 1e-3, "below zero, or not finite", "mm")
    if exam.stores:
        most = np.max([_too_full(exam, record) for record in records], axis=0)
        yield share(most, 1e-4, "more is in a store than there ever was")


def _below(exam: Examination, record: Record) -> np.ndarray:
    """How far flow or a store falls below zero; NaN where it is no number."""
    series = (record.flow, *(record.series[store] for store in exam.stores))
    return np.max([below(np.asarray(one)).max(axis=0) for one in series], axis=0)


def _too_full(exam: Examination, record: Record) -> np.ndarray:
    """By how much a store exceeds all that was stored and came, as a share of it."""
    supply = sum(map(np.abs, record.before.stored.values()), np.zeros(len(exam.basins)))
    came = np.cumsum(record.forcing["precipitation"] + np.maximum(record.gain, 0), axis=0, dtype=np.float64)
    there = np.maximum(supply + came, 1.0)
    return np.max([above(record.series[store] / there - 1).max(axis=0) for store in exam.stores], axis=0)


@probe(
    "unseen attributes",
    "At sites unlike any other, flow is finite, never negative, and from empty stores no more runs off than fell.",
    reason="1 % of the rain since the start; the ledger as for closure",
    needs=("attributes", "precipitation"),
)
def unseen(exam: Examination) -> Iterator[Measure]:
    """All attributes beyond the largest, all below the smallest, and each basin with those of the next."""
    high, low, other = ({name: of(x) for name, x in exam.attributes.items()} for of in (_beyond, _short_of, _next))
    for attributes in (high, low, other):
        there = exam.of(attributes)
        run = there.base
        yield Measure(_below(there, run), 1e-3, "below zero, or not finite, at unseen attributes", "mm")
        runs = (there.spin_up, run)
        came = sum(one.total("precipitation") + np.maximum(one.gain, 0).sum(axis=0) for one in runs)
        ran = sum(one.total("streamflow") for one in runs)
        yield share(above(ran / np.maximum(came, 1e-6) - 1), 0.01, "more runs off than fell, at unseen attributes")
        if exam.subject.budget.conserves:
            yield residual(there, run)


def _beyond(values: np.ndarray) -> np.ndarray:
    """Higher than the highest by the whole range."""
    high, low = np.nanmax(values), np.nanmin(values)
    return np.full_like(values, high + (high - low or abs(high)))


def _short_of(values: np.ndarray) -> np.ndarray:
    """Lower than the lowest by the whole range; of what is never negative, a tenth of the lowest."""
    high, low = np.nanmax(values), np.nanmin(values)
    return np.full_like(values, low / 10 if low >= 0 else low - (high - low))


def _next(values: np.ndarray) -> np.ndarray:
    return np.roll(values, 1)


@probe(
    "area changes nothing per area",
    "Rain, evaporation and runoff are depths, so that a basin of twice the area has the same of each.",
    reason="5 % of the rain, less than gauges err by; a network may take the area for a sign of something else",
    needs=("attributes", "precipitation"),
)
def area(exam: Examination) -> Iterator[Measure]:
    """Three years' flow with all attributes as they were, but twice the area."""
    doubled: Series = {name: values * (2 if name in AREAS else 1) for name, values in exam.attributes.items()}
    change = exam.of(doubled).base.total("streamflow") - exam.base.total("streamflow")
    rain = np.maximum(exam.base.total("precipitation"), 1e-6)
    yield share(np.abs(change) / rain, 0.05, "of the rain is the change of runoff when the area is doubled")
