"""Train on ordinary years, test on those with floods that none of them had.

Claim C7: differentiable models extrapolate to extremes. After Frame et al. (2022), doi:10.5194/hess-26-3377-2022, and
Acuña Espinoza et al. (2025), doi:10.5194/hess-29-1277-2025; the flood that parts the years is fitted to the peaks of
the training period alone, and its return period is one that a training period can tell.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgeo import data
from dgeo.experiments.cells import Cell, Test
from dgeo.experiments.figures import distributions
from dgeo.experiments.models import MODELS, configured
from dgeo.experiments.results import Results
from dgeo.experiments.scoring import ENSEMBLE
from dgeo.experiments.setting import Setting
from dgeo.experiments.show import Figure, Table
from dgeo.experiments.study import Study
from dgeo.experiments.tables import Claim, differences, medians, verdicts
from dgeo.training.prepare import year_split

CHOSEN = ("static", "dynamic", "lstm", "mc_lstm")
RETURN_PERIODS = {"full": (5.0, 10.0), "quick": (5.0,), "tiny": (2.0,)}
FEWEST = {"full": 8, "quick": 8, "tiny": 3}
EXTREME, ORDINARY = "extreme years", "ordinary years"
CLAIMS = (Claim("C7", "in extreme years, better than the LSTM", "dynamic", "lstm", EXTREME),)


def cells(setting: Setting, splits: Path) -> list[Cell]:
    """Every model on the ordinary years of the training period, for each return period."""
    record = setting.warm(setting.record)
    tests = {EXTREME: Test(record, years="test"), ORDINARY: Test(record, years="control")}
    found = []
    for years in RETURN_PERIODS[setting.size]:
        split = data.extreme_years(setting.dataset, setting.warm(setting.train), record, years, FEWEST[setting.size])
        data.check_leakage(split)
        path = splits / f"{split.name}.json"
        split.save(path)
        for model in (name for name in CHOSEN if name in MODELS):
            given: dict[str, Any] = {"test": record, "validation": None, "split": {"years": str(path)}}
            found.append(Cell(model, f"{years:g}-year flood", configured(model, setting, **given), tests))
    return found


def tables(results: Results) -> Sequence[Table]:
    """Skill in extreme and ordinary years, what extremes cost each model, differences, verdicts."""
    reference = "lstm" if "lstm" in results.models() else "static"
    first = f"{RETURN_PERIODS[results.setting.size][0]:g}-year flood"
    return [medians(results), losses(results), differences(results, reference), verdicts(results, CLAIMS, first)]


def losses(results: Results) -> Table:
    """How much worse each model is in extreme years, and by how much it misses their peaks."""
    rows: list[list[object]] = []
    scores = results.scores
    joint = scores[scores["member"] == ENSEMBLE]
    for (split, model), chosen in joint.groupby(["split", "model"], sort=False):
        by_basin = chosen.pivot_table(index="basin", columns="test", values=["nse", "peak_error"])
        lost = (by_basin["nse"][EXTREME] - by_basin["nse"][ORDINARY]).median()
        peaks = [float(by_basin["peak_error"][test].median()) for test in (EXTREME, ORDINARY)]
        rows.append([f"{split}, {model}", float(lost), *peaks])
    shifts = [
        f"{done.cell.split}: the largest tested peak is {_shift(done.cell):.2f} times the largest one trained on"
        for done in {done.cell.split: done for done in results.cells}.values()
    ]
    header = ["flood, model", "NSE, extreme less ordinary", "peak error, extreme %", "peak error, ordinary %"]
    note = "Medians over basins of the ensembles. " + "; ".join(shifts) + "."
    return Table("extremes", "What extremes cost", header, rows, note)


def _shift(cell: Cell) -> float:
    path = cell.config.split.years
    return float("nan") if path is None else year_split(path).shift["peak_ratio"]


def figures(results: Results) -> Sequence[Figure]:
    """The distributions over basins."""
    return distributions(results)


STUDY = Study(
    "extremes",
    "Trained on ordinary years alone, how well does each model simulate years with larger floods than any it has seen?",
    "C7",
    cells,
    tables,
    figures,
)
