"""Controls that dispute the claims: what remains of the skill where physics or attributes are taken away.

- NonSense against HBV under one network (Acuña Espinoza et al. 2024, doi:10.5194/hess-28-2705-2024): skill in
  streamflow does not tell a sensible structure from an absurd one.
- Random attributes and positions alone, in the trained basins (temporal) and in unseen ones (PUB, PUR): what only tells
  basins apart must fail there.
- Published climate attributes, whose means cover the test years, against those of the training years.
- Parameters within 1 % of a bound, where a network may have escaped the physics (Álvarez Chaves et al. 2026,
  doi:10.5194/hess-30-629-2026).
- A trained network under a finer solver: skill that is lost was the solver's error, learned.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from dgeo import data, training
from dgeo.experiments.cells import Cell, Test
from dgeo.experiments.figures import distributions
from dgeo.experiments.models import MODELS, configured
from dgeo.experiments.results import Results
from dgeo.experiments.setting import Setting
from dgeo.experiments.show import Figure, Table
from dgeo.experiments.statistics import difference
from dgeo.experiments.study import Study
from dgeo.experiments.tables import INTERVALS, medians
from dgeo.experiments.ungauged import FOLDS, regional_folds
from dgeo.hybrid import load
from dgeo.training.evaluate import inputs_of
from dgeo.training.prepare import checked

BASE = "static_fast"
ATTRIBUTES: Mapping[str, dict[str, Any]] = {
    "own climate": {},
    "published climate": {"data": {"climate_years": None}},
    "random attributes": {"data": {"random_attributes": 0}},
    "position alone": {"changes": ('model.attributes=["latitude", "longitude"]',)},
}
STRUCTURES = ("hbv_all", "nonsense_all")
FINER = {"method": "implicit_euler", "parts": 4}
SEEN, UNSEEN = "trained basins", "unseen basins"


def cells(setting: Setting, splits: Path) -> list[Cell]:
    """Attributes of each kind in seen basins, a part of the folds of PUB, and regions; structures; another solver."""
    seen, unseen = {SEEN: Test(setting.test)}, {UNSEEN: Test(setting.test, "unseen")}
    folds = data.pub_folds(setting.basins, FOLDS[setting.size], seed=0)
    chosen = [("PUB", fold) for fold in folds] + [("PUR", fold) for fold in regional_folds(setting)]
    found = []
    for name, given in ATTRIBUTES.items():
        if name == "published climate" and not setting.climate_recomputed:
            continue
        found.append(Cell(name, "temporal", configured(BASE, setting, validation=None, **given), seen))
        for split, fold in chosen:
            config = configured(BASE, setting, validation=None, split={"test_basins": list(fold.test)}, **given)
            found.append(Cell(name, split, config, unseen, fold.name))
    others = [name for name in (*STRUCTURES, "implicit", "dynamic") if name in MODELS]
    return found + [Cell(name, "temporal", configured(name, setting, validation=None), seen) for name in others]


def examine(cell: Cell, folder: Path, dataset: xr.Dataset) -> Mapping[str, Any]:
    """The share of parameters at bounds, and the change of skill under a finer solver."""
    if cell.split != "temporal":
        return {}
    config, (_, path) = cell.config, training.seeds_of(folder)[0]
    part = checked(dataset, config).isel(time=slice(0, 730))
    basins = training.training_basins(part, config)
    fields = training.parameter_fields(load(path), inputs_of(config, part, basins), part)
    found: dict[str, Any] = {"at_bounds": training.share_at_bounds(fields)}
    if cell.model == "implicit":
        found["finer"] = training.rerun(folder, training.parse_solver(FINER), dataset=dataset)
    return found


def tables(results: Results) -> Sequence[Table]:
    """Skill, what each control loses, parameters at bounds, the finer solver."""
    return [medians(results), losses(results), bounds(results), finer(results)]


def losses(results: Results) -> Table:
    """The paired difference of every control from what it controls."""
    rows: list[list[object]] = []
    pairs = [(name, "own climate") for name in ATTRIBUTES if name != "own climate"] + [STRUCTURES[::-1]]
    for first, second in pairs:
        for split, test in (("temporal", SEEN), ("PUB", UNSEEN), ("PUR", UNSEEN)):
            a, b = (results.sums(test, model=model, split=split) for model in (first, second))
            if a is not None and b is not None:
                found = difference(a, b, results.regions(a["basin"].values))
                shown = f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
                rows.append([f"{first} less {second}", f"{split}, {test}", shown, found.basins])
    return Table("controls", "Controls", ["models", "test", "difference in NSE", "basins"], rows, INTERVALS)


def bounds(results: Results) -> Table:
    """The share of values of each parameter within 1 % of a bound."""
    shares = {done.cell.model: done.record["extra"].get("at_bounds") for done in results.some(split="temporal")}
    known = {model: share for model, share in shares.items() if share}
    names = dict.fromkeys(name for share in known.values() for name in share)
    rows = [[name, *(share.get(name) for share in known.values())] for name in names]
    note = "Over basins and components of the first seed; a parameter that moves counts with its mean of two years."
    return Table("bounds", "Share of parameters within 1 % of a bound", ["parameter", *known], rows, note)


def finer(results: Results) -> Table:
    """The test again, the steps made in four parts."""
    rows = [
        [
            done.cell.model,
            found["trained"]["nse"],
            found["other"]["nse"],
            found["nse_change"],
            found["streamflow_difference"],
        ]
        for done in results.some(split="temporal")
        if (found := done.record["extra"].get("finer"))
    ]
    header = ["model", "NSE as trained", "NSE, four parts a day", "median change", "relative difference of streamflow"]
    return Table("solver", "A finer solver", header, rows)


def figures(results: Results) -> Sequence[Figure]:
    """The distributions over basins."""
    return distributions(results)


STUDY = Study(
    "controls",
    "What remains of the skill where the physics is absurd, the attributes are noise, or the solver is another?",
    "what disputes the others",
    cells,
    tables,
    figures,
    examine,
)
