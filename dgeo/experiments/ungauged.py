"""Basins without observations: random folds (PUB) and whole regions (PUR), in the years of the training and in others.

Claim C6: differentiable models extrapolate in space, and do better than pure networks where whole regions are unseen.
Folds of basins follow Feng et al. (2021, 2023), doi:10.1029/2021GL092999 and doi:10.5194/hess-27-2357-2023. The first
two years of a record fill the stores and are not scored.
"""

from collections.abc import Sequence
from pathlib import Path

from dgeo import data
from dgeo.data import PUR_GROUPS
from dgeo.experiments.cells import Cell, Test
from dgeo.experiments.figures import distributions
from dgeo.experiments.models import MODELS, configured
from dgeo.experiments.results import Results
from dgeo.experiments.setting import Setting
from dgeo.experiments.show import Figure, Table
from dgeo.experiments.statistics import median
from dgeo.experiments.study import Study
from dgeo.experiments.tables import Claim, differences, medians, paired, verdicts
from dgeo.experiments.trends import trends

CHOSEN = ("static", "dynamic", "lstm")
FOLDS = {"full": 10, "quick": 3, "tiny": 2}
MOST_REGIONS = {"full": 7, "quick": 3, "tiny": 1}
SAME, OTHER = "same years", "other years"
CLAIMS = (
    Claim("C6", "in unseen regions, same years, better than the LSTM", "dynamic", "lstm", SAME),
    Claim("C6", "in unseen regions and years, better than the LSTM", "dynamic", "lstm", OTHER),
)


def cells(setting: Setting, splits: Path) -> list[Cell]:
    """Every fold of PUB and PUR with every model; the number of steps is the config's, so that no fold is chosen on."""
    folds = data.pub_folds(setting.basins, FOLDS[setting.size], seed=0)
    named = [("PUB", fold) for fold in folds] + [("PUR", fold) for fold in regional_folds(setting)]
    tests = {SAME: Test(setting.warm(setting.train), "unseen"), OTHER: Test(setting.test, "unseen")}
    found = []
    for model in (name for name in CHOSEN if name in MODELS):
        for split, fold in named:
            data.check_leakage(fold)
            config = configured(model, setting, validation=None, split={"test_basins": list(fold.test)})
            found.append(Cell(model, split, config, tests, fold.name))
    return found


def regional_folds(setting: Setting) -> tuple[data.BasinSplit, ...]:
    """The seven groups of HUC-2 regions, or each region by itself where there are others."""
    regions = setting.regions
    numbers = all(label.isdigit() for label in regions.values())
    groups = PUR_GROUPS if numbers else [[label] for label in dict.fromkeys(regions.values())]
    return data.pur_folds(regions, groups)[: MOST_REGIONS[setting.size]]


def tables(results: Results) -> Sequence[Table]:
    """Skill and differences over all folds, the regions one by one, verdicts."""
    reference = "lstm" if "lstm" in results.models() else "static"
    return [
        medians(results),
        differences(results, reference),
        by_region(results),
        trends(results),
        verdicts(results, CLAIMS, "PUR"),
    ]


def by_region(results: Results) -> Table:
    """Median NSE in each unseen region, its basins drawn one by one for the interval."""
    models = results.models(split="PUR")
    rows: list[list[object]] = []
    for fold in dict.fromkeys(done.cell.fold for done in results.some(split="PUR")):
        for test in (SAME, OTHER):
            row: list[object] = [f"{fold}, {test}"]
            for model in models:
                sums = results.sums(test, model=model, split="PUR", fold=fold)
                row.append("–" if sums is None else str(median(sums, None)))
            rows.append([*row, _less(results, test, fold, models)])
    header = ["region, years", *models, "last less first"]
    return Table("regions", "Unseen regions", header, rows, "Median NSE; intervals draw basins, years and seeds.")


def _less(results: Results, test: str, fold: str, models: list[str]) -> str:
    found = paired(results, test, "PUR", models[-1], models[0], fold=fold) if len(models) > 1 else None
    return "–" if found is None else f"{found.value:+.3f}"


def figures(results: Results) -> Sequence[Figure]:
    """The distributions over basins."""
    return distributions(results)


STUDY = Study(
    "ungauged",
    "How well does each model simulate basins, and whole regions, of which it has seen no streamflow?",
    "C6",
    cells,
    tables,
    figures,
)
