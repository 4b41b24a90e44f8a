"""Is water made or lost? Rain as it was, more of it, less of it, none, and storms beyond all that was ever seen."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from dgeo.check.probes.examination import YEAR, Examination
from dgeo.check.probes.record import Record
from dgeo.check.probes.registry import Measure, above, below, probe, share

FACTORS = (0.8, 0.9, 1.0, 1.1, 1.2)
STORM, LARGER, EXTREME = 2.0, 4.0, 10.0  # times the largest rain of a day on record, on each of three days


def residual(exam: Examination, record: Record) -> Measure:
    """What the ledger of a run, or that of its worst store, leaves over."""
    account = record.balance
    turnover = np.maximum(account.initial_storage + account.gross_inflow, 1e-6)
    each = [np.abs(one) / turnover for one in (account.residual, *account.store_residuals.values())]
    return Measure(np.max(each, axis=0), exam.rounding, "of the water there was is not accounted for", "")


@probe(
    "closure",
    "All water that came is in a store, evaporated, ran off, or passed through a declared exchange.",
    reason="rounding of a sum over three years: 1e-5 in single precision, 1e-12 in double",
    needs=("stores",),
)
def closure(exam: Examination) -> Iterator[Measure]:
    """The ledger of the weather as it was."""
    yield residual(exam, exam.base)


@probe(
    "closure of an extreme event",
    "Three frost-free days of ten times the record rain leave no water unaccounted for within a year.",
    reason="as for closure, of the water of that year",
    needs=("stores",),
)
def extreme_event(exam: Examination) -> Iterator[Measure]:
    """The ledger of the year that begins with the event."""
    yield residual(exam, exam.storm(EXTREME))


@probe(
    "rain is split",
    "Rain added or taken (10 and 20 %) changes evaporation, runoff and storage, each by no more than all of it.",
    reason="1 % for what sums and differences round off; the sign of a share is not a matter of degree",
    needs=("precipitation", "stores"),
)
def split(exam: Examination) -> Iterator[Measure]:
    """Shares of the change in rain."""
    missing: list[np.ndarray] = []
    outside: list[np.ndarray] = []
    for factor in FACTORS:
        if factor != 1:
            change = exam.rain(factor).less(exam.rain(1.0))
            rain = np.where(change.rain == 0, 1.0, change.rain)
            parts = (change.flow, change.loss, change.stored - change.gain)
            missing.append(np.abs(change.missing / rain))
            outside.extend(below(part / rain) + above(part / rain, 1) for part in parts)
    yield share(np.max(missing, axis=0), 0.01, "of the change in rain is not accounted for")
    yield share(np.max(outside, axis=0), 0.01, "of the change in rain beyond none or all of it in one of the three")


@probe(
    "runoff rises with rain",
    "More rain every day never gives less runoff over three years, and never more than the rain that was added.",
    reason="1 % of the rain between two levels, for rounding",
    needs=("precipitation",),
)
def rising(exam: Examination) -> Iterator[Measure]:
    """Runoff at five levels of rain, from a fifth less to a fifth more."""
    runs = [exam.rain(factor) for factor in FACTORS]
    steps = [more.less(less) for less, more in pairwise(runs)]
    shares = np.stack([step.flow / np.maximum(step.rain, 1e-6) for step in steps])
    yield share(below(shares).max(axis=0), 0.01, "of the added rain is lost from the runoff")
    yield share(above(shares, 1).max(axis=0), 0.01, "more runoff than rain was added")


@probe(
    "a storm returns what fell",
    "Three frost-free days of twice the record rain give within a year some runoff, and no more than fell.",
    reason="1 % of the storm, for rounding",
    needs=("precipitation",),
)
def storm(exam: Examination) -> Iterator[Measure]:
    """The share of a storm that runs off."""
    returned = _returned(exam, STORM)
    yield share(below(returned), 0.01, "of the storm is lost from the runoff of other rain")
    yield share(above(returned, 1), 0.01, "more runoff than the storm brought")


@probe(
    "a larger storm returns a larger share",
    "Of twice the storm at least the same share runs off, as soil and evaporation take no more from it.",
    reason="1 % of the storm, for rounding",
    needs=("precipitation",),
)
def larger_storm(exam: Examination) -> Iterator[Measure]:
    """Does runoff saturate where nothing in nature does?"""
    yield share(
        below(_returned(exam, LARGER) - _returned(exam, STORM)), 0.01, "less of a storm runs off when it is doubled"
    )


def _returned(exam: Examination, factor: float) -> np.ndarray:
    change = exam.storm(factor).split.less(exam.storm(0.0).split)
    return np.asarray(change.flow / change.rain)


@probe(
    "without rain a basin drains",
    "Without rain, flow and stores never fall below zero, and each year less runs off than the year before.",
    reason="1 mm a year, or a hundredth less than the year before; the slowest store here loses 30 % a year",
    needs=("precipitation",),
)
def drought(exam: Examination) -> Iterator[Measure]:
    """Three years without a drop."""
    dry = exam.dry
    second, third = (np.sum(dry.flow[day : day + YEAR], axis=0, dtype=np.float64) for day in (YEAR, 2 * YEAR))
    third = above(third - np.maximum(dry.gain[-YEAR:], 0).sum(axis=0))
    series = [dry.flow, *(dry.series[store] for store in exam.stores)]
    lowest = np.max([below(np.asarray(one)).max(axis=0) for one in series], axis=0)
    yield Measure(lowest, 1e-3, "below zero in flow or a store", "mm")
    still = np.where(third > 1.0, 100 * third / np.maximum(second, 1e-6), 0.0)
    yield Measure(still, 99.0, "of the flow of the second dry year runs in the third")


@probe(
    "runoff is supplied",
    "When a year is repeated until nothing changes, no more runs off in a year than fell and came through exchanges.",
    reason="1 % of the rain; in the first years also what the stores held, to rounding",
    needs=("precipitation",),
)
def supplied(exam: Examination) -> Iterator[Measure]:
    """Flow less supply: in a year of a cycle, and since the start."""
    last, rain = exam.cycle, np.maximum(exam.first_year.total("precipitation"), 1e-6)
    excess = above((last.flow[-1] - np.maximum(last.gain[-1], 0)) / rain - 1)
    yield share(excess, 0.01, "more runs off in every year than falls")
    if exam.subject.budget.conserves:
        record = exam.base
        stored = sum(record.before.stored.values(), np.zeros(len(exam.basins)))
        supply = stored + np.cumsum(record.forcing["precipitation"] + record.gain, axis=0, dtype=np.float64)
        left = supply - np.cumsum(record.flow, axis=0, dtype=np.float64)
        yield share((below(left) / np.maximum(supply, 1.0)).max(axis=0), 1e-4, "more has run off than was ever there")
