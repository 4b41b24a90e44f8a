"""Observed days: what all scores share in their treatment of gaps.

A gap is a NaN in the observations; scores count the other days. A simulation that is not finite on an
observed day is a failure of its basin, and its scores are NaN. So is a score whose denominator vanishes.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Shaped

from dgeo.errors import DgeoError

Series = Float[np.ndarray, "time basin"]
PerBasin = Float[np.ndarray, " basin"]
Days = Float[np.ndarray, " day"]


def aligned(
    simulated: Shaped[np.ndarray, "..."], observed: Shaped[np.ndarray, "..."]
) -> tuple[Series, Series, Bool[np.ndarray, "time basin"]]:
    """Both series in double precision, NaN in the gaps of the observed, and where there is no gap.

    Raises `DgeoError` where the shapes differ or are not [time, basin].
    """
    simulated, observed = np.asarray(simulated, float), np.asarray(observed, float)
    if simulated.shape != observed.shape or observed.ndim != 2:
        raise DgeoError(
            f"Simulated {simulated.shape} and observed {observed.shape} streamflow have different shapes or are not "
            "[time, basin]; select the same days and basins of both."
        )
    present = ~np.isnan(observed)
    return np.where(present, simulated, np.nan), observed, present


def by_basin(score: Callable[[Days, Days], float], simulated: Series, observed: Series) -> PerBasin:
    """A score of every basin over its observed days in order; NaN without days or with a failed simulation."""
    columns = (np.ascontiguousarray(series.T) for series in aligned(simulated, observed))
    return np.array([_of_one(score, *basin) for basin in zip(*columns, strict=True)], float)


def ratio(numerator: float, denominator: float) -> float:
    """numerator/denominator, NaN where the denominator is 0."""
    return float(numerator / denominator) if denominator != 0 else float("nan")


def _of_one(
    score: Callable[[Days, Days], float], simulated: Days, observed: Days, present: Bool[np.ndarray, " day"]
) -> float:
    simulated, observed = simulated[present], observed[present]
    return score(simulated, observed) if len(observed) and np.isfinite(simulated).all() else np.nan
