"""The tables that studies share: medians with intervals, paired differences, verdicts and costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dgeo.experiments.estimate import Costs
from dgeo.experiments.models import MODELS
from dgeo.experiments.results import Results
from dgeo.experiments.scoring import ENSEMBLE
from dgeo.experiments.show import Table
from dgeo.experiments.statistics import Estimate, difference, median, verdict
from dgeo.report.wording import duration

INTERVALS = (
    "Medians over basins. Intervals are 95 % of a bootstrap over regions of basins, water years and seeds. Seconds are "
    "those of training on this machine, with compilation and validation, without scoring."
)


@dataclass(frozen=True)
class Claim:
    """A claim of the paper as a difference between two models in a test: `first` less `second` is above `margin`.

    `rival` is the least median NSE of the second model with which a verdict is possible, on the data named `on`.
    """

    number: str
    words: str
    first: str
    second: str
    test: str
    margin: float = 0.0
    rival: float | None = None
    on: str = "camels_us"


def medians(results: Results, splits: Sequence[str] | None = None, title: str = "Skill") -> Table:
    """One row a split, test and model: NSE of single seeds and of their mean, KGE, floods, failures, cost."""
    rows: list[list[object]] = []
    scores = results.scores
    for split, test, model in _places(results, splits):
        chosen = scores[(scores["split"] == split) & (scores["test"] == test) & (scores["model"] == model)]
        alone, joint = chosen[chosen["member"] != ENSEMBLE], chosen[chosen["member"] == ENSEMBLE]
        by_seed = alone.groupby(["draw", "member"])["nse"].median()
        interval = _median(results, test, split, model)
        middle = joint[["kge", "log_nse", "fhv", "flv", "peak_error"]].median()
        cells = results.some(model=model, split=split)
        costs = [done.record["cost"] for done in cells]
        single = str(interval) if interval is not None else "–"
        rows.append(
            [
                _named(split, test, results, splits), model, single,
                f"{by_seed.min():.3f}–{by_seed.max():.3f}", float(joint["nse"].median()), *map(float, middle),
                int((joint["nse"] < 0).sum()), int(joint["basin"].nunique()),
                duration(float(np.mean([cost["seconds_a_seed"] for cost in costs]))),
                duration(float(sum(cost["seconds"] for cost in costs))),
            ]
        )  # fmt: skip
    header = [
        "test", "model", "NSE, single seeds", "seeds", "NSE, ensemble", "KGE", "log NSE", "FHV %", "FLV %", "peaks %",
        "NSE < 0", "basins", "a seed", "all",
    ]  # fmt: skip
    return Table("table", title, header, rows, INTERVALS)


def differences(results: Results, reference: str, splits: Sequence[str] | None = None) -> Table:
    """The median paired difference in NSE of every model from one, of single seeds and of ensembles."""
    rows: list[list[object]] = []
    for split, test, model in _places(results, splits):
        if model == reference:
            continue
        found = [paired(results, test, split, model, reference, members) for members in ("single", ENSEMBLE)]
        if found[0] is not None:
            shown = [f"{e.value:+.3f} [{e.low:+.3f}, {e.high:+.3f}]" if e is not None else "–" for e in found]
            rows.append(
                [
                    _named(split, test, results, splits),
                    f"{model} less {reference}",
                    *shown,
                    found[0].basins,
                    found[0].regions,
                ]
            )
    header = ["test", "models", "single seeds", "ensembles", "basins", "regions"]
    return Table("differences", "Paired differences in NSE", header, rows, INTERVALS)


def verdicts(results: Results, claims: Sequence[Claim], split: str) -> Table:
    """What the intervals say of the claims in these runs."""
    rows: list[list[object]] = []
    for claim in claims:
        found = paired(results, claim.test, split, claim.first, claim.second)
        rival = _median(results, claim.test, split, claim.second)
        if found is None or rival is None:
            rows.append([claim.number, claim.words, f"{claim.first} less {claim.second}", "–", "not tested"])
            continue
        sound = claim.rival is None or (results.setting.name == claim.on and rival.value >= claim.rival)
        said = verdict(found, claim.margin, sound=sound)
        reason = "" if sound else f": the {claim.second} reaches {rival.value:.3f}, and a verdict needs {claim.rival}"
        rows.append(
            [
                claim.number,
                claim.words,
                f"{claim.first} less {claim.second}",
                f"{found} against {claim.margin:+g}",
                said + reason,
            ]
        )
    setting = results.setting
    note = (
        f"Of these runs alone ({setting.name}, {len(setting.basins)} basins, budget {setting.budget}): supported where "
        "the whole interval lies above the margin, not supported where all of it lies below."
    )
    return Table("verdicts", "Claims", ["claim", "in words", "models", "difference in NSE", "verdict"], rows, note)


def paired(
    results: Results, test: str, split: str, first: str, second: str, members: str = "single", **at: object
) -> Estimate | None:
    """The median paired difference of two models in a test; None where one of them is missing."""
    a, b = (results.sums(test, members=members, model=model, split=split, **at) for model in (first, second))
    if a is None or b is None:
        return None
    return difference(a, b, results.regions(a["basin"].values))


def cost_table(costs: Costs) -> Table:
    """Cells and seconds of each model: what the measured steps make expect, and what was spent."""
    rows = [
        [model, cells, done, duration(estimated), duration(spent)]
        for model, cells, done, estimated, spent in costs.by_model()
    ]
    header = ["model", "cells", "finished", "training, estimated", "training, spent"]
    note = (
        f"Estimated from the first steps of a cell of each model; {duration(costs.left)} are left, scoring not counted."
    )
    return Table("costs", "Compute budget", header, rows, note)


def cells_table(results: Results) -> Table:
    """One row a cell: its place on the grid, its scores and its cost."""
    rows = [
        [
            done.cell.name, ", ".join(f"{test} {found['nse']:.3f}" for test, found in done.record["medians"].items()),
            *(done.record["cost"][name] for name in ("seeds", "steps", "basin_days", "seconds", "scoring_seconds")),
        ]
        for done in results.cells
    ]  # fmt: skip
    rows += [[name, sentence, None, None, None, None, None] for name, sentence in results.failures.items()]
    header = [
        "cell",
        "NSE of the ensemble, by test",
        "seeds",
        "steps",
        "basin-days simulated",
        "seconds",
        "scoring, seconds",
    ]
    return Table("cells", "Cells", header, rows)


def meanings(results: Results) -> Table:
    """What the models are."""
    rows: list[list[object]] = []
    for name in (name for name in results.models() if name in MODELS):
        recipe, file = results.some(model=name)[0].cell.config.model, MODELS[name].config(results.setting.budget)
        size = getattr(recipe, "hidden", None) or getattr(recipe, "components", "–")
        rows.append([name, MODELS[name].meaning, size, f"{file}.yaml"])
    return Table("models", "Models", ["model", "what it is", "cells or components", "config"], rows)


def _median(results: Results, test: str, split: str, model: str) -> Estimate | None:
    sums = results.sums(test, model=model, split=split)
    return None if sums is None else median(sums, results.regions(sums["basin"].values))


def _places(results: Results, splits: Sequence[str] | None) -> list[tuple[str, str, str]]:
    """(split, test, model) of all finished cells, models beside each other."""
    found = [
        (done.cell.split, test, done.cell.model)
        for done in results.cells
        for test in done.cell.tests
        if splits is None or done.cell.split in splits
    ]
    order = {key: place for place, key in enumerate(dict.fromkeys(found))}
    tests = {key: place for place, key in enumerate(dict.fromkeys((split, test) for split, test, _ in found))}
    return sorted(order, key=lambda key: (tests[key[:2]], order[key]))


def _named(split: str, test: str, results: Results, splits: Sequence[str] | None) -> str:
    several = len({done.cell.split for done in results.cells if splits is None or done.cell.split in splits}) > 1
    return f"{split}: {test}" if several else test
