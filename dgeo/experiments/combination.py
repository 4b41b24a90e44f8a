"""Ensembles: what seeds add, how well they know their error, and what models of different kinds add to each other."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from dgeo import metrics
from dgeo.experiments.models import MODELS
from dgeo.experiments.results import Finished, Results
from dgeo.experiments.scoring import ENSEMBLE, tested
from dgeo.experiments.show import Table
from dgeo.experiments.statistics import difference
from dgeo.experiments.sums import yearly_sums
from dgeo.metrics import expected_coverage


def combinations(results: Results, test: str = "test") -> Table:
    """The ensemble of every model's seeds, and of each hybrid with each network, both with equal weight."""
    rows: list[list[object]] = []
    for split in dict.fromkeys(done.cell.split for done in results.cells):
        members = {done.cell.model: done for done in results.some(split=split) if test in done.cell.tests}
        trained = {name: done for name, done in members.items() if done.record["cost"]["seeds"] > 1}
        rows += [[split, *_row(name, [done], test, results)] for name, done in trained.items()]
        pairs = [(a, b) for a in trained if _kind(a) == "hybrid" for b in trained if _kind(b) == "network"]
        rows += [[split, *_row(f"{a} + {b}", [trained[a], trained[b]], test, results)] for a, b in pairs]
    header = [
        "split", "ensemble", "members", "NSE", "less the better one's", "KGE", "CRPS mm/d", "coverage", "expected",
    ]  # fmt: skip
    note = (
        "CRPS of the members' distribution, for a single member its mean absolute error; coverage is the share of days "
        "within the members, expected what members that are drawn as the observations would cover."
    )
    return Table("ensembles", "Ensembles", header, rows, note)


def _row(name: str, cells: Sequence[Finished], test: str, results: Results) -> list[object]:
    parts = [tested(done.simulation(), done.cell.config, done.cell.tests[test]) for done in cells]
    seeds = [part["simulated"].sel(member=part["member"] != ENSEMBLE).values for part in parts]
    means = [part["simulated"].sel(member=ENSEMBLE).values for part in parts]
    observed = parts[0]["observed"].transpose("time", "basin")
    joint, every = np.mean(means, axis=0), np.concatenate(seeds)
    gain = None if len(cells) == 1 else _gain(joint, means, observed, results)
    return [
        name, len(every), _middle(metrics.nse(joint, observed.values)), gain,
        _middle(metrics.kge(joint, observed.values).efficiency), _middle(metrics.crps(every, observed.values)),
        _middle(metrics.coverage(every, observed.values)), expected_coverage(len(every)),
    ]  # fmt: skip


def _gain(joint: np.ndarray, means: Sequence[np.ndarray], observed: xr.DataArray, results: Results) -> str:
    better = max(means, key=lambda mean: _middle(metrics.nse(mean, observed.values)))
    first, second = (yearly_sums(flow[None], observed, ["mean"]) for flow in (joint, better))
    found = difference(first, second, results.regions(observed["basin"].values), over=("regions", "years"))
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _kind(model: str) -> str:
    return MODELS[model].kind


def _middle(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")
