"""Whether a simulated series knows more than the season.

    r = corr(s − s̄(doy), o − ō(doy))

with the climatology of a series, its mean over all years for each day of the year (1 to 366), taken off each.
A variable that merely follows the season scores near 0 where its plain correlation is near 1.
"""

import numpy as np
from jaxtyping import Bool, Int, Shaped

from dgeo.metrics.efficiency import correlation
from dgeo.metrics.gaps import PerBasin, Series, aligned


def anomaly_correlation(simulated: Series, truth: Series, time: Shaped[np.ndarray, " time"]) -> PerBasin:
    """Correlation [1] of the departures from the climatology, per basin; `time` are dates (datetime64).

    Gaps of the truth are left out of the climatology of both. NaN where the truth never departs, as with a
    single year; 0 where only the simulation never does. One year gives no departures, and few years give
    noisy ones.
    """
    simulated, truth, present = aligned(simulated, truth)
    failed = (present & ~np.isfinite(simulated)).any(axis=0)
    day = np.asarray(time, "datetime64[D]")
    day_of_year = (day - day.astype("datetime64[Y]")).astype(int)
    departures = (_departure(series, present, day_of_year) for series in (simulated, truth))
    return np.where(failed, np.nan, correlation(*departures))


def _departure(
    series: Series, present: Bool[np.ndarray, "time basin"], day_of_year: Int[np.ndarray, " time"]
) -> Series:
    """The series less its climatology, exactly 0 where it repeats itself."""
    order = np.argsort(day_of_year, kind="stable")
    days, day = np.unique(day_of_year, return_inverse=True)
    starts = np.searchsorted(day_of_year[order], days)
    total = np.add.reduceat(np.where(present, series, 0.0)[order], starts)
    number = np.add.reduceat(present[order].astype(int), starts)
    departure = series - (total / np.maximum(number, 1))[day]
    return np.where(np.abs(departure) <= 1e-12 * np.abs(series), 0.0, departure)
