"""How well a model came to know what it was never shown: hidden variables and hidden parameters.

Every score is a median over the basins in which the truth varies: those where its standard deviation in
time is at least a tenth of the mean standard deviation of all basins. Where there is never snow, no model
can be right or wrong about snow.

    anomaly_correlation   correlation of departures from the mean of each day of the year   [1]
    nse                   1 − Σ(s − o)²/Σ(o − ō)²                                           [1]
    bias                  100 Σ(s − o)/Σo                                                   [%]
    error                 √ mean (s − o)²                                                   [as the variable]
"""

from collections.abc import Iterable

import numpy as np
import xarray as xr
from jaxtyping import Float

from dgeo import metrics
from dgeo.errors import DgeoError, nearest
from dgeo.metrics.efficiency import correlation

Series = Float[np.ndarray, "time basin"]
Site = Float[np.ndarray, " basin"]

VARIES = 0.1


def hidden_scores(
    simulated: xr.Dataset, untrained: xr.Dataset, truth: xr.Dataset, variables: Iterable[str]
) -> dict[str, dict[str, float | dict[str, float]]]:
    """{variable: {score: median, …, "basins": how many, "untrained": {score: median, …}}}.

    `simulated` and `untrained` are runs of the same model with and without training, [time, basin]; both
    are compared with the truth over the days and basins of `simulated`. A score that no basin has is NaN.

    Raises `DgeoError` for a variable, day or basin that one of them does not have.
    """
    scores: dict[str, dict[str, float | dict[str, float]]] = {}
    for name in variables:
        observed = _series(truth, name, simulated, "truth")
        spread = observed.std(axis=0)
        counted = (spread > 0) & (spread >= VARIES * spread.mean())
        kinds = ((simulated, "simulation"), (untrained, "untrained run"))
        runs = (_series(run, name, simulated, kind)[:, counted] for run, kind in kinds)
        trained, start = (_medians(run, observed[:, counted], simulated["time"].values) for run in runs)
        scores[name] = {**trained, "basins": int(counted.sum()), "untrained": start}
    return scores


def recovery(learned: xr.Dataset, true: xr.Dataset) -> dict[str, dict[str, float]]:
    """{parameter: {"pearson": …, "spearman": …}} across the basins of `learned`, for what both name.

    Components of a learned parameter count with their mean. A learned constant correlates with 0, a true one with
    NaN. The truth runs on finer steps and under other laws, so even a perfect model need not find the very same
    numbers.

    Raises `DgeoError` for a basin that has no true parameters.
    """
    names = [str(name) for name in learned.data_vars if name in true and true[name].dims == ("basin",)]
    scores = {}
    for name in names:
        others = [dim for dim in learned[name].dims if dim != "basin"]
        found = learned[name].mean(others).values.astype(np.float64)
        wanted = _select(true[name], learned, ("basin",), "truth").values.astype(np.float64)
        scores[name] = {
            "pearson": _correlation(found, wanted),
            "spearman": _correlation(_ranks(found), _ranks(wanted)),
        }
    return scores


def _series(run: xr.Dataset, name: str, like: xr.Dataset, kind: str) -> Series:
    if name not in run:
        raise DgeoError(f"The {kind} has no variable '{name}' to score; {nearest(name, map(str, run.data_vars))}")
    selected = _select(run[name], like, ("time", "basin"), kind)
    return selected.transpose("time", "basin").values.astype(np.float64)


def _select(variable: xr.DataArray, like: xr.Dataset, dims: tuple[str, ...], kind: str) -> xr.DataArray:
    for dim in dims:
        missing = np.setdiff1d(like[dim].values, variable[dim].values)
        if missing.size:
            raise DgeoError(
                f"The {kind} has no '{variable.name}' for {dim} {missing[0]} (and {missing.size - 1} more); "
                "score only what it has."
            )
    return variable.sel({dim: like[dim].values for dim in dims})


def _medians(simulated: Series, observed: Series, time: np.ndarray) -> dict[str, float]:
    scores = {
        "anomaly_correlation": metrics.anomaly_correlation(simulated, observed, time),
        "nse": metrics.nse(simulated, observed),
        "bias": metrics.bias(simulated, observed),
        "error": metrics.rmse(simulated, observed),
    }
    return {name: float(np.median(score)) if score.size else np.nan for name, score in scores.items()}


def _correlation(found: Site, wanted: Site) -> float:
    return float(correlation(found[:, None], wanted[:, None])[0])


def _ranks(values: Site) -> Site:
    """Ranks from 1, ties sharing their mean."""
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(size) - (size - 1) / 2)[group]
