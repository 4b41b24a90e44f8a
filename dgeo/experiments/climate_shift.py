"""Train on the cold years of each basin and test on the warm ones, and on the wet and the dry ones.

Claim C7: differentiable models extrapolate to another climate. The differential split-sample test of Klemeš (1986),
doi:10.1080/02626668609491024. Beside each is a training on as many years drawn at random from all that are not
tested: what a shift costs is the difference between the two, in the same tested years.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from dgeo import data
from dgeo.experiments.cells import Cell, Test
from dgeo.experiments.figures import distributions, draw_differences
from dgeo.experiments.models import MODELS, configured
from dgeo.experiments.results import Results
from dgeo.experiments.scoring import ENSEMBLE
from dgeo.experiments.setting import Setting
from dgeo.experiments.show import Figure, Table
from dgeo.experiments.statistics import Estimate, difference
from dgeo.experiments.study import Study
from dgeo.experiments.tables import INTERVALS, differences, medians
from dgeo.experiments.trends import trends
from dgeo.training.prepare import year_split

CHOSEN = ("static", "dynamic", "lstm")
SHARES = (0.4, 1 / 3)  # of the years, to train on and to test
DIRECTIONS: tuple[Literal["warm", "dry"], ...] = ("warm", "dry")
TEST = "tested years"
UNITS = {"temperature_change": "°C", "precipitation_change": "mm/yr", "precipitation_share": "of precipitation"}


def cells(setting: Setting, splits: Path) -> list[Cell]:
    """Every model on the years of each direction, and on random ones; the record's first years fill the stores."""
    record = setting.warm(setting.record)
    years = data.whole_years(data.within(setting.dataset, record)["time"].values)
    sizes = [max(round(share * len(years)), 1) for share in SHARES]
    found = []
    for by in DIRECTIONS:
        shifted = data.ranked_years(setting.dataset, record, by, *sizes)
        for split in (shifted, data.random_years(shifted, years, seed=0)):
            data.check_leakage(split)
            path = splits / f"{split.name}.json"
            split.save(path)
            given: dict[str, Any] = {"train": record, "test": record, "validation": None, "split": {"years": str(path)}}
            for model in (name for name in CHOSEN if name in MODELS):
                config = configured(model, setting, **given)
                found.append(Cell(model, split.name, config, {TEST: Test(record, years="test")}))
    return found


def tables(results: Results) -> Sequence[Table]:
    """Skill, what each shift costs each model, differences between models."""
    reference = "lstm" if "lstm" in results.models() else "static"
    return [medians(results), shifts(results), differences(results, reference), trends(results)]


def shifts(results: Results) -> Table:
    """How much worse a training on shifted years is than one on random years, and how much its volume is off."""
    rows = [
        [f"to {by}, {model}", size, f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]", *biases]
        for by, model, size, found, biases in _losses(results)
    ]
    header = ["shift, model", "size of the shift", "NSE, shifted less random", "bias, shifted %", "bias, random %"]
    note = (
        INTERVALS
        + " The size is the mean over basins of tested less trained years; climate attributes are of all years."
    )
    return Table("shifts", "What a shift costs", header, rows, note)


def _losses(results: Results) -> list[tuple[str, str, str, Estimate, list[float]]]:
    found: list[tuple[str, str, str, Estimate, list[float]]] = []
    for by in DIRECTIONS:
        names = (f"to_{by}", f"to_{by}_random")
        for model in results.models(split=names[0]):
            sums = [results.sums(TEST, model=model, split=name) for name in names]
            if sums[0] is None or sums[1] is None:
                continue
            lost = difference(sums[0], sums[1], results.regions(sums[0]["basin"].values))
            found.append((by, model, _size(results, names[0]), lost, [_bias(results, name, model) for name in names]))
    return found


def _size(results: Results, split: str) -> str:
    path = results.some(split=split)[0].cell.config.split.years
    sizes = {} if path is None else year_split(path).shift
    return ", ".join(f"{value:+.3g} {UNITS[name]}" for name, value in sizes.items())


def _bias(results: Results, split: str, model: str) -> float:
    scores = results.scores
    chosen = (scores["split"] == split) & (scores["model"] == model) & (scores["member"] == ENSEMBLE)
    return float(scores[chosen]["bias"].median())


def figures(results: Results) -> Sequence[Figure]:
    """What each shift costs, and the distributions over basins."""
    rows = [(f"to {by}, {model}", found.value, found.low, found.high) for by, model, _, found, _ in _losses(results)]
    caption = "NSE of a training on shifted years less that of one on random years, in the same tested years."
    drawn = [Figure("shifts", caption, lambda: draw_differences(rows, "difference in NSE"))] if rows else []
    return [*drawn, *distributions(results)]


STUDY = Study(
    "climate-shift",
    "Trained on cold or wet years alone, how well does each model simulate the warm or the dry ones?",
    "C7",
    cells,
    tables,
    figures,
)
