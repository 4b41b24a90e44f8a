"""Put all probes to one model."""

from collections.abc import Callable, Sequence

import numpy as np

from dgeo.check.probes.examination import YEAR, Examination
from dgeo.check.probes.registry import PROBES, Inapplicable, Measure, Probe
from dgeo.check.probes.report import Finding, ProbeReport, Verdict
from dgeo.check.probes.simulated import Simulated
from dgeo.check.probes.subject import Subject
from dgeo.errors import DgeoError, nearest
from dgeo.hybrid import Hybrid, Inputs, NetworkModel, Simulator

SPIN_UP = 5 * YEAR
LACKING = {
    "stores": "the model declares no stores",
    "restart": "the model does not go on from a state",
    "shorter steps": "the model knows days only",
    "attributes": "the model reads no attributes",
    "exchanges": "the model declares no exchange",
}


def examine(
    model: Simulator | Subject,
    inputs: Inputs,
    *,
    basins: Sequence[str] = (),
    spin_up: int = SPIN_UP,
    only: str = "",
    watch: Callable[[str], None] = lambda name: None,
) -> ProbeReport:
    """Examine a model in the weather of some sites.

    **Arguments**

    - `model`: a `Hybrid` or network, an `External` function, or any `Subject`;
    - `inputs`: what it reads, precipitation among it; the last `spin_up` days and three years are used, and a shorter
      record is repeated;
    - `basins`: names of the sites, by which the worst is named;
    - `only`: put those probes alone whose name contains this; `watch` is told of each before it begins.

    **Raises** `DgeoError` for less than a year of weather, and for a name that no probe has.
    """
    subject = Simulated(model, inputs) if isinstance(model, Hybrid | NetworkModel) else model
    names = tuple(basins) or tuple(map(str, range(inputs.sites)))
    chosen = [one for one in PROBES.values() if only in one.name]
    if not chosen:
        raise DgeoError(f"No probe is named {only!r}; {nearest(only, PROBES)}")
    forcing = {name: np.asarray(series) for name, series in inputs.forcing.items()}
    attributes = {name: np.asarray(values) for name, values in inputs.attributes.items()}
    exam = Examination(subject, forcing, attributes, names, spin_up)
    found = []
    for one in chosen:
        watch(one.name)
        found.append(_found(one, exam))
    return ProbeReport(tuple(found))


def _found(one: Probe, exam: Examination) -> Finding:
    for need in one.needs:
        if not exam.has(need):
            lacking = LACKING.get(need, f"the model has no {need.replace('_', ' ')}")
            return Finding(one.name, "not applicable", lacking, meaning=one.meaning)
    try:
        return _judged(one, tuple(one.ask(exam)), exam)
    except Inapplicable as reason:
        return Finding(one.name, "not applicable", str(reason), meaning=one.meaning)


def _judged(one: Probe, measures: Sequence[Measure], exam: Examination) -> Finding:
    """The measure that is nearest to its tolerance, or furthest beyond, at its worst site."""
    excess = np.stack([measure.excess for measure in measures])
    measure, site = map(int, np.unravel_index(np.argmax(excess), excess.shape))
    worst = measures[measure]
    failing = int(np.sum(excess.max(axis=0) > 1))
    value = float(worst.values[site])
    basin = exam.basins[site] if value != 0 else ""
    where = f"basin {basin}" if basin else "every basin"
    figure = f"{_quantity(value, worst.units)} {worst.words} in {where} (may be "
    figure += f"{_quantity(worst.tolerance, worst.units)})"
    if failing:
        figure += f"; {failing} of {len(exam.basins)} basins fail"
    verdict: Verdict = "fail" if failing else "pass"
    place = (basin, failing, len(exam.basins))
    return Finding(one.name, verdict, figure, value, worst.tolerance, worst.units, *place, one.meaning)


def _quantity(value: float, units: str) -> str:
    if not np.isfinite(value):
        return "a number that is not finite"
    return f"{value:.3g} {units}".strip()
