"""Counterfactual climates: snow made rain, and warmer air."""

from collections.abc import Iterator

import numpy as np

from dgeo.check.probes.examination import Examination
from dgeo.check.probes.registry import Inapplicable, Measure, above, probe, share

MELTING = 6.0  # [degC] above which all precipitation of the models here is rain
KELVIN = 3.0
ABSOLUTE = 17.8  # [degC] added to the temperature in Hargreaves' formula


@probe(
    "snow made rain",
    "Where it cannot freeze, what would have fallen as snow runs off on cold days and not later; no water is made.",
    reason="flow on cold days may fall by 1 % of their precipitation; the sum may change by no more than all that "
    "changed from snow to rain; 1 % of it may be unaccounted for",
    needs=("precipitation", "temperature"),
)
def snow_made_rain(exam: Examination) -> Iterator[Measure]:
    """All days at 6 °C at least, rain and evaporation's demand as they were, in basins where a tenth falls in frost."""
    frost = exam.mean_temperature(exam.forcing) < 0
    snow = np.sum(np.where(frost, exam.forcing["precipitation"], 0), axis=0, dtype=np.float64)
    snowy = snow > 0.1 * exam.base.total("precipitation")
    if not snowy.any():
        raise Inapplicable("no basin has a tenth of its precipitation on days of frost")
    snow = np.where(snowy, snow, np.inf)
    thawed = exam.march(exam.between(exam.forcing, MELTING, np.inf))
    change = thawed.split.less(exam.base.split)
    cold = np.sum(np.where(frost, thawed.flow - exam.base.flow, 0), axis=0, dtype=np.float64)
    yield share(np.maximum(-cold / snow, 0), 0.01, "of the cold days' precipitation runs off later when it is rain")
    yield share(np.abs(change.flow) / snow, 1.0, "of what was snow is the change in runoff when it is rain")
    if exam.subject.budget.conserves:
        yield share(np.abs(change.missing) / snow, 0.01, "of what was snow is not accounted for when it is rain")


@probe(
    "warming",
    "Three degrees more, with the same rain and the demand of evaporation that goes with them, do not add runoff.",
    reason="2 % of the rain, as rain that was snow may pass the soil before the season in which plants take it",
    needs=("precipitation", "temperature"),
)
def warming(exam: Examination) -> Iterator[Measure]:
    """Temperatures 3 K higher; potential evapotranspiration, where it is read, grows as in Hargreaves' formula."""
    warm = exam.shifted(exam.forcing, KELVIN)
    demand = "potential_evapotranspiration"
    if demand in warm:
        warmth = np.maximum(exam.mean_temperature(exam.forcing) + ABSOLUTE, 1.0)
        warm[demand] = warm[demand] * (1 + KELVIN / warmth)
    change = exam.march(warm).split.less(exam.base.split)
    rain = np.maximum(exam.base.total("precipitation"), 1e-6)
    added = change.flow + np.minimum(change.stored, 0)  # not what stores, old snow above all, gave up
    yield share(above(added / rain), 0.02, "of the rain is added to the runoff by 3 K")
