"""Whether floods come on the right day and how high, per basin.

The peaks are the largest observed flows that exceed their neighbours and the mean and lie at least 30 days
apart, as many as the observations have years (rounded, at least one). A day within 3 days of an end of the
record, or next to a gap, is no peak. The lag of a peak is the distance [d] to the largest simulated flow
within 3 days before and after; of several equal ones the farthest counts, so a constant simulation misses
every peak by 3 days.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from dgeo.metrics.gaps import PerBasin, Series, aligned

WINDOW = 3  # [d]
SEPARATION = 30  # [d]
DAYS_A_YEAR = 365.25


def peak_timing(simulated: Series, observed: Series) -> PerBasin:
    """Mean absolute lag of the largest peaks [d]; NaN without a peak or with a failed simulation."""
    _, observed, present = aligned(simulated, observed)
    columns = (np.ascontiguousarray(np.asarray(series).T) for series in (simulated, observed, present))
    return np.array([_mean_lag(*basin) for basin in zip(*columns, strict=True)], float)


def peak_error(simulated: Series, observed: Series) -> PerBasin:
    """Mean relative error of the largest peaks [%]: the largest simulated flow around each, less the peak, over it."""
    _, observed, present = aligned(simulated, observed)
    columns = (np.ascontiguousarray(np.asarray(series).T) for series in (simulated, observed, present))
    return np.array([_mean_error(*basin) for basin in zip(*columns, strict=True)], float)


def largest_peaks(flow: Float[np.ndarray, " time"]) -> Int[np.ndarray, " peak"]:
    """Days of the largest peaks of one basin, the largest first."""
    observed = np.count_nonzero(~np.isnan(flow))
    if observed == 0:
        return np.zeros(0, int)
    middle = flow[1:-1]
    candidates = 1 + np.flatnonzero((middle > flow[:-2]) & (middle >= flow[2:]) & (middle > np.nanmean(flow)))
    candidates = candidates[(candidates >= WINDOW) & (candidates < len(flow) - WINDOW)]
    years = max(round(observed / DAYS_A_YEAR), 1)
    peaks: list[int] = []
    for day in candidates[np.argsort(-flow[candidates], kind="stable")]:
        if all(abs(day - peak) >= SEPARATION for peak in peaks):
            peaks.append(day)
        if len(peaks) == years:
            break
    return np.array(peaks, int)


def _mean_lag(
    simulated: Float[np.ndarray, " time"], observed: Float[np.ndarray, " time"], present: Bool[np.ndarray, " time"]
) -> float:
    peaks = largest_peaks(observed)
    if len(peaks) == 0 or not np.isfinite(simulated[present]).all():
        return np.nan
    return float(np.mean([_lag(simulated, peak) for peak in peaks.tolist()]))


def _mean_error(
    simulated: Float[np.ndarray, " time"], observed: Float[np.ndarray, " time"], present: Bool[np.ndarray, " time"]
) -> float:
    peaks = largest_peaks(observed)
    if len(peaks) == 0 or not np.isfinite(simulated[present]).all():
        return np.nan
    found = [np.nanmax(simulated[peak - WINDOW : peak + WINDOW + 1]) for peak in peaks.tolist()]
    return float(100 * np.mean(np.array(found) / observed[peaks] - 1))


def _lag(simulated: Float[np.ndarray, " time"], peak: int) -> int:
    """Days between an observed peak and the largest simulated flow around it; a NaN, in a gap, is passed over."""
    around = simulated[peak - WINDOW : peak + WINDOW + 1]
    return int(np.abs(np.flatnonzero(around == np.nanmax(around)) - WINDOW).max())
