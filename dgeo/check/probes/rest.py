"""Does the model come to rest? Weather that does not change, and years that repeat, for decades."""

from collections.abc import Iterator

import numpy as np

from dgeo.check.probes.examination import Examination
from dgeo.check.probes.registry import Measure, probe, share


@probe(
    "steady weather, steady flow",
    "Weather that does not change brings a flow that does not.",
    reason="1 % of the mean flow after twenty years; a store that loses 0.1 % a day is then as near as 0.1 %",
)
def steady(exam: Examination) -> Iterator[Measure]:
    """The range of flow in the twentieth year of mean weather, above freezing."""
    flow = exam.steady.last.flow
    span = flow.max(axis=0) - flow.min(axis=0)
    yield share(span / np.maximum(flow.mean(axis=0), 1e-2), 0.01, "of the mean flow is the range of a steady year")


@probe(
    "repeated years, repeated flow",
    "A year that comes again and again gives in the end the same flow every year.",
    reason="0.1 % of the rain between the 29th and the 30th year",
    needs=("precipitation",),
)
def cycle(exam: Examination) -> Iterator[Measure]:
    """Flow of the 30th year less that of the 29th."""
    flow = exam.cycle.flow
    yield share(np.abs(flow[29] - flow[28]) / _rain(exam), 1e-3, "of the rain is the change of flow from year to year")


@probe(
    "no drift",
    "Over sixty years of the same weather, flow and stores do not wander off.",
    reason="0.5 % of a year's rain in flow and 5 % in stores between the fourth and the sixth decade",
    needs=("precipitation",),
)
def drift(exam: Examination) -> Iterator[Measure]:
    """The mean flow of decades, and what is stored at the end of each."""
    years = exam.cycle
    fourth, sixth = (years.flow[last - 10 : last].mean(axis=0) for last in (40, 60))
    yield share(np.abs(sixth - fourth) / _rain(exam), 5e-3, "of a year's rain is the change of flow in 20 years")
    if exam.subject.budget.conserves:
        grown = np.abs(years.stored[59] - years.stored[39])
        yield share(grown / _rain(exam), 0.05, "of a year's rain is the change of storage in 20 years")


def _rain(exam: Examination) -> np.ndarray:
    return np.maximum(exam.first_year.total("precipitation"), 1e-6)
