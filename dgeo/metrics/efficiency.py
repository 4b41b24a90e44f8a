"""Scores of the whole hydrograph, per basin, of simulated s and observed o [mm d-1].

    nse     1 − Σ (s − o)² / Σ (o − ō)²                               Nash & Sutcliffe (1970)
    kge     1 − √((r − 1)² + (α − 1)² + (β − 1)²)                     Gupta et al. (2009)
            r correlation,  α = σs/σo variability,  β = s̄/ō bias ratio
    log_nse nse of ln(max(q, 0) + 0.01)
    rmse    √ mean (s − o)²                                           [mm d-1]
    bias    100 Σ (s − o) / Σ o                                       [%]

Observations that never vary have no nse and no kge (NaN), and those without flow no bias. A simulation that
never varies has a correlation of 0, so the mean of the observations scores kge = 1 − √2 (Knoben et al. 2019).
Gaps are as in `dgeo.metrics.gaps`.

Nash & Sutcliffe (1970), doi:10.1016/0022-1694(70)90255-6; Gupta et al. (2009),
doi:10.1016/j.jhydrol.2009.08.003; Knoben et al. (2019), doi:10.5194/hess-23-4323-2019.
"""

from typing import NamedTuple

import numpy as np

from dgeo.metrics.gaps import Days, PerBasin, Series, by_basin, ratio

LOG_OFFSET = 0.01  # [mm d-1]


class KlingGupta(NamedTuple):
    """The Kling–Gupta efficiency [basin] and what it is made of."""

    efficiency: PerBasin
    correlation: PerBasin
    variability: PerBasin
    bias: PerBasin


def nse(simulated: Series, observed: Series) -> PerBasin:
    """Nash–Sutcliffe efficiency [1]."""
    return by_basin(_nse, simulated, observed)


def log_nse(simulated: Series, observed: Series) -> PerBasin:
    """Nash–Sutcliffe efficiency of ln(max(q, 0) + 0.01) [1]."""
    return by_basin(lambda s, o: _nse(_log(s), _log(o)), simulated, observed)


def kge(simulated: Series, observed: Series) -> KlingGupta:
    """Kling–Gupta efficiency of 2009 and its three parts [1]."""
    r = correlation(simulated, observed)
    alpha = by_basin(_variability, simulated, observed)
    beta = by_basin(lambda s, o: ratio(s.mean(), o.mean()), simulated, observed)
    return KlingGupta(1 - np.sqrt((r - 1) ** 2 + (alpha - 1) ** 2 + (beta - 1) ** 2), r, alpha, beta)


def correlation(simulated: Series, observed: Series) -> PerBasin:
    """Pearson's correlation [1]; 0 where only the simulation never varies."""
    return by_basin(_correlation, simulated, observed)


def rmse(simulated: Series, observed: Series) -> PerBasin:
    """Root mean square error [mm d-1]."""
    return by_basin(lambda s, o: np.sqrt(np.mean((s - o) ** 2)), simulated, observed)


def bias(simulated: Series, observed: Series) -> PerBasin:
    """Error of the volume [%], positive where too much water flows."""
    return by_basin(lambda s, o: 100 * ratio(np.sum(s - o), np.sum(o)), simulated, observed)


def constant(series: Days) -> bool:
    """Whether a series never varies; exact, where a variance would leave rounding."""
    return bool(series.min() == series.max())


def _log(flow: Days) -> Days:
    return np.log(np.maximum(flow, 0) + LOG_OFFSET)


def _nse(simulated: Days, observed: Days) -> float:
    if constant(observed):
        return np.nan
    return 1 - ratio(np.sum((simulated - observed) ** 2), np.sum((observed - observed.mean()) ** 2))


def _correlation(simulated: Days, observed: Days) -> float:
    if constant(observed):
        return np.nan
    if constant(simulated):
        return 0.0
    s, o = simulated - simulated.mean(), observed - observed.mean()
    return ratio(np.sum(s * o), np.sqrt(np.sum(s**2) * np.sum(o**2)))


def _variability(simulated: Days, observed: Days) -> float:
    return np.nan if constant(observed) else ratio(simulated.std(), observed.std())
