"""How much data each model needs, and how much computing.

Claim C4: a model of all basins needs less data. Models are trained on a share of the basins and a number of years,
several times with other ones, and tested on basins that none of them sees, in other years. Beside them stands a
calibration of each of these tested basins to its own streamflow of as many years: where a model that never saw a
basin does better, data of other basins are worth more than its own. Claim C5: on all basins, skill against the
basin-days simulated and the seconds, of one network for all basins and of a calibration of each.

The number of steps is chosen on the last of the years, where there are several.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dgeo import data
from dgeo.data import Period
from dgeo.experiments.cells import Cell, Test
from dgeo.experiments.figures import draw_curves
from dgeo.experiments.models import MODELS, configured
from dgeo.experiments.results import Results
from dgeo.experiments.setting import Setting, Size
from dgeo.experiments.show import Figure, Table
from dgeo.experiments.statistics import Estimate, median
from dgeo.experiments.study import Study
from dgeo.experiments.tables import INTERVALS
from dgeo.report.wording import duration
from dgeo.training.config import TrainingConfig

REGIONAL = ("static_fast", "lstm")
LOCAL = ("calibration_gradient", "calibration_evolution")
SHARES: Mapping[Size, tuple[float, ...]] = {
    "full": (0.01, 0.03, 0.1, 0.3, 1.0), "quick": (0.1, 0.3, 1.0), "tiny": (0.5, 1.0)
}  # fmt: skip
YEARS: Mapping[Size, tuple[int, ...]] = {"full": (1, 3, 6, 13), "quick": (13,), "tiny": (2,)}
DRAWS: Mapping[Size, int] = {"full": 5, "quick": 2, "tiny": 2}
STEPS: Mapping[Size, tuple[float, ...]] = {"full": (0.1, 0.3, 1.0), "quick": (0.3, 1.0), "tiny": (1.0,)}
TESTED = 5  # one in so many basins
TEST = "unseen basins, other years"
OWN = "own basins, other years"


def cells(setting: Setting, splits: Path) -> list[Cell]:
    """Shares × years × draws of the regional models, years × draws of the local ones, and shares of the steps."""
    size, tested = setting.size, setting.basins[::TESTED]
    trained = setting.warm(setting.train)
    longest = int(trained[1][:4]) - int(trained[0][:4])
    found: list[Cell] = []
    for count in dict.fromkeys(min(years, longest) for years in YEARS[size]):
        for draw in range(DRAWS[size]):
            period = data.some_years(trained, count, draw)
            found += _shared(setting, splits, tested, period, count, draw)
            found += _local(setting, tested, period, count, draw)
    return found + _steps(setting)


def _shared(setting: Setting, splits: Path, tested: Sequence[str], period: Period, count: int, draw: int) -> list[Cell]:
    found = []
    for share, fold in data.basin_fractions(setting.basins, tested, SHARES[setting.size], draw).items():
        data.check_leakage(fold)
        path = splits / f"{fold.name}.json"
        fold.save(path)
        for model in (name for name in REGIONAL if name in MODELS):
            config = configured(
                model, setting, train=period, validation=_last(period), split={"basins": str(path)}, seeds=(draw,)
            )
            at = {"share": share, "years": count}
            found.append(Cell(model, "shares", config, {TEST: Test(setting.test, "unseen")}, draw=draw, at=at))
    return found


def _local(setting: Setting, tested: Sequence[str], period: Period, count: int, draw: int) -> list[Cell]:
    found = []
    for model in (name for name in LOCAL if name in MODELS):
        config = configured(
            model, setting, train=period, validation=_last(period), data={"basins": list(tested)}, seeds=(draw,)
        )
        found.append(Cell(model, "own", config, {OWN: Test(setting.test)}, draw=draw, at={"years": count}))
    return found


def _steps(setting: Setting) -> list[Cell]:
    """All basins and years, trained for a part of the steps."""
    found = []
    for model in (name for name in (*REGIONAL, *LOCAL) if name in MODELS):
        whole = configured(model, setting, validation=None, seeds=(0,)).training
        for share in STEPS[setting.size]:
            config = configured(model, setting, validation=None, seeds=(0,), changes=shortened(whole, share))
            found.append(Cell(model, "steps", config, {OWN: Test(setting.test)}, at={"share": share}))
    return found


def shortened(training: TrainingConfig, share: float) -> list[str]:
    """The changes that make a training a share of its length: in whole calls of steps, or in generations."""
    if training.evolution is not None:
        return [f"training.evolution.generations={max(round(share * training.evolution.generations), 1)}"]
    call = training.steps_per_call
    steps = max(round(share * training.steps / call), 1) * call
    return [f"training.{name}={steps}" for name in ("steps", "validate_every", "checkpoint_every")]


def _last(period: Period) -> Period | None:
    """The last year of a period of several, and the last two of many."""
    first, last = int(period[0][:4]) + 1, int(period[1][:4])
    years = last - first + 1
    return None if years < 2 else data.water_years(last - (years > 6), last)


def tables(results: Results) -> Sequence[Table]:
    """Skill against basins and years, where it passes that of the basins' own data, and skill against cost."""
    return [shares(results), crossings(results), costs(results)]


def shares(results: Results) -> Table:
    """Median NSE over the tested basins, for each share and number of years; draws and seeds are in the interval."""
    rows = [
        [f"{model}, {years:g} years", f"{100 * share:g} %", str(found)]
        for model, years, share, found in _points(results)
    ]
    rows += [[f"{model}, {years:g} years", "own basin", str(found)] for (model, years), found in _own(results).items()]
    note = INTERVALS + " Draws of other basins and years count as seeds do."
    return Table("table", "Skill in the tested basins", ["model", "basins trained on", "NSE"], rows, note)


def crossings(results: Results) -> Table:
    """The smallest share of other basins that does better than a basin's own data of as many years."""
    own, rows = _own(results), list[list[object]]()
    for model in results.models(split="shares"):
        for (local, years), calibrated in own.items():
            curve = [(share, found.value) for m, y, share, found in _points(results) if (m, y) == (model, years)]
            place = crossing([share for share, _ in curve], [value for _, value in curve], calibrated.value)
            shown = "–" if place is None else f"{100 * place:.3g} %"
            rows.append([f"{model} against {local}", years, calibrated.value, max(v for _, v in curve), shown])
    header = ["models", "years", "NSE, own basin", "NSE, most basins", "share that is as good"]
    return Table("crossings", "Where other basins are worth more than a basin's own data", header, rows)


def crossing(places: Sequence[float], values: Sequence[float], level: float) -> float | None:
    """Where a curve first reaches a level, linear in the logarithm of the place; None where it does not."""
    logs = np.log(places)
    for i, value in enumerate(values):
        if value >= level:
            if i == 0:
                return float(places[0])
            part = (level - values[i - 1]) / (value - values[i - 1])
            return float(np.exp(logs[i - 1] + part * (logs[i] - logs[i - 1])))
    return None


def costs(results: Results) -> Table:
    """Skill in the basins trained on against what the training took."""
    rows: list[list[object]] = []
    for done in results.some(split="steps"):
        sums = results.sums(OWN, model=done.cell.model, split="steps", share=done.cell.at["share"])
        if sums is not None:
            cost = done.record["cost"]
            found = median(sums, results.regions(sums["basin"].values), over=("regions", "years"))
            rows.append([done.cell.model, cost["steps"], cost["basin_days"], duration(cost["seconds"]), str(found)])
    header = ["model", "steps or generations", "basin-days simulated", "training", "NSE"]
    return Table("cost", "Skill against computing, all basins and years", header, rows, INTERVALS)


def _points(results: Results) -> list[tuple[str, float, float, Estimate]]:
    """(model, years, share, NSE) of all that is finished."""
    places = {(d.cell.model, d.cell.at["years"], d.cell.at["share"]) for d in results.some(split="shares")}
    found = []
    for model, years, share in sorted(places):
        sums = results.sums(TEST, model=model, split="shares", years=years, share=share)
        if sums is not None:
            found.append((model, years, share, median(sums, results.regions(sums["basin"].values))))
    return found


def _own(results: Results) -> dict[tuple[str, float], Estimate]:
    """NSE of the local models, by model and years."""
    found = {}
    for model, years in sorted({(d.cell.model, d.cell.at["years"]) for d in results.some(split="own")}):
        sums = results.sums(OWN, model=model, split="own", years=years)
        if sums is not None:
            found[model, years] = median(sums, results.regions(sums["basin"].values))
    return found


def figures(results: Results) -> Sequence[Figure]:
    """Skill against the share of the basins."""
    curves: dict[str, tuple[list[float], list[float], list[tuple[float, float]]]] = {}
    for model, years, share, found in _points(results):
        x, y, ranges = curves.setdefault(f"{model}, {years:g} years", ([], [], []))
        x.append(100 * share)
        y.append(found.value)
        ranges.append((found.low, found.high))
    ends = [min(SHARES[results.setting.size]) * 100, 100.0]
    for (model, years), found in _own(results).items():
        curves[f"{model}, {years:g} years, own basin"] = (ends, [found.value] * 2, [(found.low, found.high)] * 2)
    caption = (
        "Median NSE in basins that no regional model saw, against the share of the other basins it was trained on."
    )
    return [Figure("shares", caption, lambda: draw_curves(curves, "basins trained on [%]", "median NSE"))]


STUDY = Study(
    "data-scaling",
    "How does skill grow with basins, years and computing, and when are other basins worth more than own data?",
    "C4, C5",
    cells,
    tables,
    figures,
)
