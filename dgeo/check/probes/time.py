"""Is the past all that counts, and is it always the same?"""

from collections.abc import Iterator

import numpy as np

from dgeo.check.probes.examination import YEAR, Examination
from dgeo.check.probes.registry import Measure, probe, share

PIECE = 73  # days, a fifth of a year
LATER = 100  # days
PARTS = 5  # of a day


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The largest difference of a day, as a share of the highest flow."""
    return np.abs(second - first).max(axis=0) / np.maximum(np.abs(first).max(axis=0), 1e-3)


@probe("determinism", "The same weather gives the same flow.", reason="it is the same sum of the same numbers")
def determinism(exam: Examination) -> Iterator[Measure]:
    """One year twice."""
    again = exam.march(exam.year)
    yield share(_apart(exam.first_year.flow, again.flow), 0.0, "of the highest flow apart, when run twice")


@probe(
    "nothing looks ahead",
    "What falls in the second half of a year changes nothing in the first.",
    reason="1e-6 of the highest flow, for transforms that round all days together",
    needs=("precipitation",),
)
def no_future(exam: Examination) -> Iterator[Measure]:
    """Another second half: twice the rain, and 10 mm and 5 K more."""
    half = YEAR // 2
    later = (np.arange(YEAR) >= half)[:, None]
    other = exam.shifted(exam.year, np.where(later, 5.0, 0.0).astype(np.float32))
    rain = exam.year["precipitation"]
    other["precipitation"] = np.where(later, 2 * rain + 10, rain)
    found = exam.march(other).flow[:half]
    yield share(_apart(exam.first_year.flow[:half], found), 1e-6, "of the highest flow depends on days to come")


@probe(
    "no clock",
    "The same weather a hundred days later, after days without change, gives the same flow a hundred days later.",
    reason="0.1 % of the highest flow, as twenty years without change bring the slowest stores to rest within that",
)
def time_shift(exam: Examination) -> Iterator[Measure]:
    """From the steady state of mean weather on, a year's weather at once, or after a hundred more such days."""
    rest, year = exam.steady.last.after, exam.year
    waiting = {name: np.concatenate([exam.mild[name][:LATER], year[name][:-LATER]]) for name in year}
    now, later = exam.march(year, rest).flow, exam.march(waiting, rest).flow
    yield share(_apart(now[:-LATER], later[LATER:]), 1e-3, "of the highest flow apart, when all comes 100 days later")


@probe(
    "restart",
    "A year in five pieces, each going on from the state of the one before, is the year in one piece.",
    reason="1e-5 of the highest flow: programs of other lengths may round otherwise",
    needs=("restart",),
)
def restart(exam: Examination) -> Iterator[Measure]:
    """Stopped and gone on with four times."""
    pieces = exam.march(exam.year, steps=PIECE).flow
    yield share(_apart(exam.first_year.flow, pieces), 1e-5, "of the highest flow apart, when stopped on the way")


@probe(
    "finer steps",
    "Fifths of a day, with the weather of the day in each, change little: the physics was learned and not its solver.",
    reason="5 % of a year's flow, less than gauges err by; and 32 % of the standard deviation, an NSE of 0.9, where "
    "half a day later is let pass: in one step the rain of a day counts from its beginning",
    needs=("shorter steps", "restart"),
)
def finer_steps(exam: Examination) -> Iterator[Measure]:
    """The second of two years from the initial state, beside the flow of whole days as it is or half a day later."""
    weather = {name: series[: 2 * YEAR] for name, series in exam.weather.items()}
    parts = {name: np.repeat(series, PARTS, axis=0) for name, series in weather.items()}
    sites = len(exam.basins)
    whole = exam.march(weather, exam.subject.start(exam.attributes, sites)).flow[YEAR:]
    fine = exam.march(parts, exam.subject.start(exam.attributes, sites, 1 / PARTS), 1 / PARTS)
    fine_days = fine.flow.reshape(2 * YEAR, PARTS, -1).mean(axis=1)[YEAR:]
    volume = np.abs(fine_days.sum(axis=0) / np.maximum(whole.sum(axis=0), 1e-3) - 1)
    later = np.concatenate([whole[:1], (whole[:-1] + whole[1:]) / 2])
    errors = [np.sqrt(np.mean((fine_days - days) ** 2, axis=0)) for days in (whole, later)]
    apart = np.min(errors, axis=0) / np.maximum(whole.std(axis=0), 1e-3)
    yield share(volume, 0.05, "of a year's flow is the work of the length of the step")
    yield share(apart, 0.32, "of the standard deviation of flow is the work of the length of the step")
