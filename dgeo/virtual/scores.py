"""How well a model came to know what it was never shown: hidden variables and hidden parameters.

Every score is a median over the basins in which the truth varies: those where its standard deviation in
time is at least a tenth of the mean standard deviation of all basins. Where there is never snow, no model
can be right or wrong about snow.

    anomaly correlation   correlation of departures from the mean of each day of the year   [1]
    nse                   1 − Σ(s − o)²/Σ(o − ō)²                                           [1]
    bias, error           mean and root mean square of s − o                                [as the variable]
"""

from collections.abc import Iterable

import numpy as np
import xarray as xr
from jaxtyping import Float

from dgeo.errors import DgeoError, nearest
from dgeo.virtual.weather import day_of_year

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
        of_day = day_of_year(simulated["time"].values)
        trained, start = (
            _medians(_series(run, name, simulated, kind)[:, counted], observed[:, counted], of_day)
            for run, kind in ((simulated, "simulation"), (untrained, "untrained simulation"))
        )
        scores[name] = {**trained, "basins": int(counted.sum()), "untrained": start}
    return scores


def recovery(learned: xr.Dataset, true: xr.Dataset) -> dict[str, dict[str, float]]:
    """{parameter: {"pearson": …, "spearman": …}} across the basins of `learned`, for what both name.

    Components of a learned parameter count with their mean. A correlation with a constant is NaN. The truth
    runs on finer steps and under other laws, so even a perfect model need not find the very same numbers.

    Raises `DgeoError` for a basin that has no true parameters.
    """
    names = [str(name) for name in learned.data_vars if name in true and true[name].dims == ("basin",)]
    scores = {}
    for name in names:
        others = [dim for dim in learned[name].dims if dim != "basin"]
        found = learned[name].mean(others).values.astype(np.float64)
        wanted = _select(true[name], learned, ("basin",), "truth").values.astype(np.float64)
        scores[name] = {
            "pearson": float(_correlation(found[:, None], wanted[:, None])[0]),
            "spearman": float(_correlation(_ranks(found)[:, None], _ranks(wanted)[:, None])[0]),
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


def _medians(simulated: Series, observed: Series, of_day: np.ndarray) -> dict[str, float]:
    if not observed.size:
        return dict.fromkeys(("anomaly_correlation", "nse", "bias", "error"), np.nan)
    difference = simulated - observed
    squares = (difference**2).mean(axis=0)
    anomalies = _anomaly(simulated, of_day), _anomaly(observed, of_day)
    scores = {
        "anomaly_correlation": _correlation(*anomalies),
        "nse": 1 - squares / observed.var(axis=0),
        "bias": difference.mean(axis=0),
        "error": np.sqrt(squares),
    }
    return {name: float(np.median(score)) for name, score in scores.items()}


def _anomaly(series: Series, of_day: np.ndarray) -> Series:
    """Departure from the mean of the same day of all years; 366 counts as 365."""
    day = np.minimum(of_day, 365) - 1
    sums = np.zeros((365, series.shape[1]))
    np.add.at(sums, day, series)
    counts = np.maximum(np.bincount(day, minlength=365), 1)
    return series - (sums / counts[:, None])[day]


def _correlation(a: Series, b: Series) -> Site:
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.where(scale > 0, (a * b).sum(axis=0) / np.where(scale > 0, scale, 1), np.nan)


def _ranks(values: Site) -> Site:
    """Ranks from 1, ties sharing their mean."""
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(size) - (size - 1) / 2)[group]
