"""Whether an ensemble knows how wrong it is, per basin.

    crps      mean over days of  mean |xᵢ − o| − mean |xᵢ − xⱼ|/2       members x, observed o    [mm d-1]
    coverage  share of days on which min xᵢ ≤ o ≤ max xᵢ                                          [1]

The crps of one member is its mean absolute error. M members that are drawn as the observation is cover it on a share of
(M − 1)/(M + 1) of the days. Gaps are as in `dgeo.metrics.gaps`.

Gneiting & Raftery (2007), doi:10.1198/016214506000001437.
"""

import numpy as np
from jaxtyping import Float

from dgeo.metrics.gaps import PerBasin, Series

Members = Float[np.ndarray, "member time basin"]


def crps(members: Members, observed: Series) -> PerBasin:
    """Continuous ranked probability score of the members' empirical distribution [mm d-1]."""
    count = len(members)
    ordered = np.sort(np.asarray(members, float), axis=0)
    weights = (2 * np.arange(count) - count + 1) / count**2  # Σᵢⱼ |xᵢ − xⱼ|/2M² of ordered members
    apart = np.abs(ordered - observed[None]).mean(axis=0) - np.tensordot(weights, ordered, axes=1)
    return _over_days(apart, observed)


def coverage(members: Members, observed: Series) -> PerBasin:
    """Share of observed days that lie within the members [1]."""
    inside = (observed >= members.min(axis=0)) & (observed <= members.max(axis=0))
    return _over_days(inside.astype(float), observed)


def expected_coverage(count: int) -> float:
    """The share that would lie within so many members, were the observation one more of them [1]."""
    return (count - 1) / (count + 1)


def _over_days(values: Series, observed: Series) -> PerBasin:
    present = np.isfinite(observed)
    days = present.sum(axis=0)
    total = np.where(present, values, 0.0).sum(axis=0)
    return np.divide(total, days, out=np.full(days.shape, np.nan), where=days > 0)
