"""Does flow answer what drives it, gently and in the right direction?"""

from collections.abc import Iterator

import numpy as np

from dgeo.check.probes.examination import YEAR, Examination
from dgeo.check.probes.registry import Inapplicable, Measure, below, probe, share

WETTER = 30.0  # [mm] on one day
MORE, KELVIN = 1e-3, 0.01  # of all rain, and of all temperatures


@probe(
    "wetter soil never lessens runoff",
    "A day of rain before all other weather takes from no later day's runoff.",
    reason="1 % of that rain, summed over the days of a year",
    needs=("precipitation",),
)
def wetter(exam: Examination) -> Iterator[Measure]:
    """30 mm more on the first day; evaporation and snow may hold them, but not turn them against what comes after."""
    rain = np.array(exam.year["precipitation"])
    rain[0] += WETTER
    change = exam.march(exam.year | {"precipitation": rain}).flow - exam.first_year.flow
    lost = below(change).sum(axis=0, dtype=np.float64)
    yield share(lost / WETTER, 0.01, "of 30 mm of earlier rain is taken from the runoff of later days")


@probe(
    "smooth response",
    "Rain a thousandth higher and air a hundredth of a degree warmer change no day's flow by much.",
    reason="2 % of the highest flow, several times what any gradual process gives; beyond that something jumps",
    needs=("precipitation",),
)
def smooth(exam: Examination) -> Iterator[Measure]:
    """The largest change of a day."""
    peak = np.maximum(exam.first_year.flow.max(axis=0), 0.1)
    more = exam.march(exam.year | {"precipitation": (1 + MORE) * exam.year["precipitation"]})
    change = np.abs(more.flow - exam.first_year.flow).max(axis=0)
    yield share(change / peak, 0.02, "of the highest flow, by 0.1 % of rain")
    if exam.temperatures:
        warmer = exam.march(exam.shifted(exam.year, KELVIN))
        change = np.abs(warmer.flow - exam.first_year.flow).max(axis=0)
        yield share(change / peak, 0.02, "of the highest flow, by 0.01 K")


@probe(
    "exchange answers",
    "Water exchanged with the region around becomes less, either way, when half the rain falls for three years.",
    reason="it must become less by a thousandth at least, in basins where it moves 1 mm a year",
    needs=("exchanges", "precipitation"),
)
def exchange(exam: Examination) -> Iterator[Measure]:
    """The exchange of the third year with half the rain as a share of that with all of it."""
    half = exam.march(exam.forcing | {"precipitation": 0.5 * exam.forcing["precipitation"]})
    before, after = (np.abs(record.gain[-YEAR:].sum(axis=0)) for record in (exam.base, half))
    moving = before > 1.0
    if not moving.any():
        raise Inapplicable("no declared exchange moves water here")
    yield Measure(
        np.where(moving, 100 * after / np.maximum(before, 1.0), 0.0), 99.9, "of the exchange is left with half the rain"
    )
