"""The same basins in other years: pure networks, hybrids of growing structure, and calibration of each basin.

Claims C1 (differentiable models come close to pure machine learning) and C2 (better structure, better skill). With
`--budget full` or `laptop`, CAMELS-US is tested twice: trained on water years 1981–95 and tested on 1996–2010, and the
basins that are among the published 531, trained on 2000–08 and tested on 1990–99.
"""

from collections.abc import Sequence
from pathlib import Path

from dgeo import data
from dgeo.experiments.cells import Cell, Test
from dgeo.experiments.combination import combinations
from dgeo.experiments.figures import distributions
from dgeo.experiments.models import MODELS, SEEDS, configured
from dgeo.experiments.results import Results
from dgeo.experiments.setting import Setting
from dgeo.experiments.show import Figure, Table
from dgeo.experiments.study import Study
from dgeo.experiments.tables import Claim, differences, medians, verdicts
from dgeo.experiments.trends import trends

CLOSE = -0.02  # of median NSE: what counts as close to pure machine learning; the published gap is 0.016
CLAIMS = (
    Claim("C1", "accuracy close to pure machine learning", "dynamic", "lstm", "test", CLOSE, 0.72),
    Claim("C1", "accuracy close to pure machine learning", "dynamic", "lstm_128", "test", CLOSE, 0.72),
    Claim("C2", "dynamic parameters are better than static ones", "dynamic", "static", "test"),
    Claim("C2", "a learned law is better than the textbook's", "law", "static_fast", "test"),
    Claim("C2", "implicit steps are better than split ones", "implicit", "static_fast", "test"),
)


def cells(setting: Setting, splits: Path) -> list[Cell]:
    """Every model on the setting's periods; with the full budget on CAMELS-US also by the published protocol."""
    seeds = SEEDS[setting.size]
    tests = {"test": Test(setting.test)}
    models = [name for name in MODELS if setting.budget in MODELS[name].budgets]
    found = [Cell(name, "temporal", configured(name, setting, seeds=seeds), tests) for name in models]
    if setting.name != "camels_us" or setting.size != "full":
        return found
    common, test = setting.common(), Test(data.water_years(1990, 1999))
    train, validation = data.water_years(2000, 2008), data.water_years(2007, 2008)
    for name in models:
        config = configured(name, common, train=train, validation=validation, test=test.period, seeds=seeds)
        found.append(Cell(name, "benchmark", config, {"test": test}))
    return found


def tables(results: Results) -> Sequence[Table]:
    """Skill, differences from the LSTM or else the static model, ensembles of models, verdicts."""
    reference = "lstm" if "lstm" in results.models() else "static"
    budget = results.setting.budget
    claims = [c for c in CLAIMS if all(budget in MODELS[name].budgets for name in (c.first, c.second))]
    return [
        medians(results),
        differences(results, reference),
        combinations(results),
        trends(results),
        verdicts(results, claims, "temporal"),
    ]


def figures(results: Results) -> Sequence[Figure]:
    """The distributions over basins."""
    return distributions(results)


STUDY = Study(
    "temporal",
    "How well does each model simulate years it has not seen, in basins it was trained on?",
    "C1, C2",
    cells,
    tables,
    figures,
)
