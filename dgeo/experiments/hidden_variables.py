"""What a model that was trained on streamflow knows of all else.

Claims C3 (variables never trained on come out right) and C13 (other observations lessen equifinality). On virtual
basins the truth is SHM or EXP-HYDRO on parts of a day, so not the learner's own structure; evapotranspiration, snow,
soil and groundwater are scored on their departures from the season, as gain over the same model before training, and
so are linear probes of the cells of networks without physics. A second target, evapotranspiration with half its days
missing, shows what another observation adds. On real basins, where the truth is not known, the share of baseflow is
ranked against the index of a digital filter, which is itself made from streamflow, beside that of the untrained
model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from dgeo import metrics, training
from dgeo.data import Period
from dgeo.experiments.cells import Cell, Test
from dgeo.experiments.models import MODELS, configured
from dgeo.experiments.probes import probed
from dgeo.experiments.results import Results
from dgeo.experiments.setting import Setting
from dgeo.experiments.show import Figure, Table
from dgeo.experiments.study import Study
from dgeo.experiments.tables import medians
from dgeo.hybrid import Hybrid, RegressionNetwork, Simulator, build, load
from dgeo.training.prepare import checked, training_basins, virtual_world
from dgeo.training.reference import ReferenceRecipe
from dgeo.virtual import hidden_scores

HYBRIDS, NETWORKS = ("static_fast", "dynamic", "nonsense_all"), ("lstm", "ea_lstm")
TRUTHS = ("shm", "exphydro")
FIRST = {"full": 2, "quick": 2, "tiny": 1}
HIDDEN = ("evapotranspiration", "snow_water_equivalent", "soil_moisture", "groundwater")
GROUNDWATER = ("lower_zone", "baseflow_reservoir")  # of HBV, and of SHM and NonSense
SECOND = ("training.targets={streamflow: {loss: nse}, evapotranspiration: {loss: nse}}",)
GAPS = {"evapotranspiration": 0.5}
TEST = "test"


def cells(setting: Setting, splits: Path) -> list[Cell]:
    """On virtual basins every model and truth, and one with two targets; on real ones the hybrids."""
    tests = {TEST: Test(setting.test)}
    if setting.data.source != "virtual":
        names = [name for name in ("static_fast", "dynamic") if name in MODELS]
        return [_cell(name, "real", setting, tests, ("streamflow", "baseflow")) for name in names]
    found = []
    for truth in TRUTHS[: FIRST[setting.size]]:
        for name in (name for name in (*HYBRIDS, *NETWORKS) if name in MODELS):
            found.append(_cell(name, truth, setting, tests, outputs_of(name), {"physics": truth}))
        two = {"physics": truth, "also_observed": GAPS}
        second = _cell("static_fast", truth, setting, tests, outputs_of("static_fast"), two, SECOND)
        found.append(Cell("static_fast, two targets", truth, second.config, tests))
    return found


def _cell(
    name: str,
    split: str,
    setting: Setting,
    tests: Mapping[str, Test],
    outputs: Sequence[str],
    data: Mapping[str, Any] | None = None,
    changes: Sequence[str] = (),
) -> Cell:
    given: Period | None = None
    config = configured(name, setting, validation=given, data=data, outputs=outputs, changes=changes)
    return Cell(name, split, config, tests)


def outputs_of(name: str) -> tuple[str, ...]:
    """The hidden variables that a model has, beside streamflow."""
    if MODELS[name].kind == "network":
        return ("streamflow",)
    stores = GROUNDWATER[1] if "nonsense" in name else GROUNDWATER[0]
    return ("streamflow", *HIDDEN[:3], stores)


def examine(cell: Cell, folder: Path, dataset: xr.Dataset) -> Mapping[str, Any]:
    """The scores of what is hidden, beside those of the untrained model."""
    config, whole = cell.config, checked(dataset, cell.config)
    seed, path = training.seeds_of(folder)[0]
    statistics = training.training_statistics(whole, config)
    sites = len(training_basins(whole, config))
    if isinstance(config.model, ReferenceRecipe):
        return {}
    models = load(path), build(config.model, statistics, jax.random.key(seed), sites)
    if config.data.source != "virtual":
        return {"baseflow": baseflow_ranks(*models, config, whole)}
    truth = with_groundwater(virtual_world(config.data).truth)
    runs = [hidden(model, config, whole, truth) for model in models]
    names = [name for name in HIDDEN if name in runs[0] and name in truth]
    place = {"basin": runs[0]["basin"], "time": runs[0]["time"]}
    return {"hidden": hidden_scores(runs[0], runs[1], truth.sel(place), names)}


def hidden(model: Simulator, config: training.Config, dataset: xr.Dataset, truth: xr.Dataset) -> xr.Dataset:
    """The hidden variables over the test: as the physics has them, or as probes read them from a network's cells."""
    if isinstance(model, RegressionNetwork):
        return probed(model, config, dataset, truth, [name for name in HIDDEN if name in truth])
    return with_groundwater(training.evaluate_models({0: model}, config, dataset).simulation)


def with_groundwater(run: xr.Dataset) -> xr.Dataset:
    """The store of the groundwater under one name."""
    found = [name for name in GROUNDWATER if name in run]
    return run.assign(groundwater=run[found[0]]) if found else run


def baseflow_ranks(
    trained: Simulator, untrained: Simulator, config: training.Config, dataset: xr.Dataset
) -> dict[str, float]:
    """Rank correlation over basins of the share of baseflow with the index of a digital filter."""
    found = {}
    for name, model in (("trained", trained), ("untrained", untrained)):
        assert isinstance(model, Hybrid)
        run = training.evaluate_models({0: model}, config, dataset).simulation
        flows = [run[key].transpose("time", "basin").values.astype(float) for key in ("baseflow", "streamflow")]
        share = flows[0].mean(axis=0) / np.maximum(flows[1].mean(axis=0), 1e-6)
        index = metrics.baseflow_index(run["streamflow_observed"].transpose("time", "basin").values.astype(float))
        found[name] = rank_correlation(share, index)
    return found


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's correlation over the basins in which both are known."""
    known = np.isfinite(first) & np.isfinite(second)
    ranks = [np.argsort(np.argsort(values[known])).astype(float) for values in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1]) if known.sum() > 2 else float("nan")


def tables(results: Results) -> Sequence[Table]:
    """What each model knows, and its skill in streamflow."""
    first = scores(results) if results.setting.data.source == "virtual" else shares(results)
    return [first, replace(medians(results, title="Streamflow"), name="streamflow")]


def scores(results: Results) -> Table:
    """Correlation of anomalies and NSE of every variable, trained and untrained, and the gain in anomalies."""
    rows: list[list[object]] = []
    for done in results.cells:
        for name, found in done.record["extra"].get("hidden", {}).items():
            before = found["untrained"]
            gain = _less(found["anomaly_correlation"], before["anomaly_correlation"])
            pairs = [part[score] for score in ("anomaly_correlation", "nse") for part in (found, before)]
            rows.append([f"{done.cell.split}: {done.cell.model}", name, gain, *pairs, found["basins"]])
    header = ["truth: model", "variable", "gain", "anomalies", "untrained", "NSE", "untrained", "basins"]
    note = (
        "Medians over the basins in which the truth varies, first seed. Anomalies: correlation of departures from the "
        "mean of each day of the year; the gain is that of the trained less that of the untrained model. Networks "
        "without physics are read by linear probes, which were shown the truth of the training days: an upper bound."
    )
    return Table("table", "Hidden variables", header, rows, note)


def shares(results: Results) -> Table:
    """The rank correlation of the share of baseflow with the filter's index."""
    rows = [
        [done.cell.model, found["trained"], found["untrained"]]
        for done in results.cells
        if (found := done.record["extra"].get("baseflow"))
    ]
    header = ["model", "rank correlation", "untrained"]
    note = "Share of baseflow in the simulated streamflow, against the baseflow index of a digital filter, over basins."
    return Table("table", "Share of baseflow", header, rows, note)


def _less(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def figures(results: Results) -> Sequence[Figure]:
    """None: the table says all."""
    return []


STUDY = Study(
    "hidden-variables",
    "What does a model that was trained on streamflow know of evapotranspiration, snow, soil moisture and groundwater?",
    "C3, C13",
    cells,
    tables,
    figures,
    examine,
)
