"""Errors of parts of the flow-duration curve, per basin, of simulated s and observed o [mm d-1].

Both series are sorted by themselves, largest first, so the dates of floods and droughts do not count.

    fhv        100 Σ (s − o) / Σ o                                    over the largest 2 %
    flv        −100 (Σ ln(s/s_min) − Σ ln(o/o_min)) / Σ ln(o/o_min)   over the smallest 30 %, Yilmaz et al. (2008)
    flv_plain  100 Σ (s − o) / Σ o                                    over the smallest 30 %, as in dMG
    fms        100 (ln(s₂₀/s₇₀) − ln(o₂₀/o₇₀)) / ln(o₂₀/o₇₀)          flows exceeded on 20 and 70 % of days

All are in percent. In a logarithm a flow below 10⁻⁶ mm/d counts as 10⁻⁶, as in the published scores, so flv
says little where rivers fall dry. It is positive where the low flows vary too little and so stay too high
above their minimum. Where the denominator vanishes (no flow, or flat low flows) the score is NaN.

Yilmaz, K. K., Gupta, H. V., Wagener, T. (2008), doi:10.1029/2007WR006716.
"""

import numpy as np
from jaxtyping import Float

from dgeo.metrics.gaps import Days, PerBasin, Series, by_basin, ratio

HIGH, LOW, MIDDLE = 0.02, 0.3, (0.2, 0.7)
SMALLEST_FLOW = 1e-6  # [mm d-1]

Part = Float[np.ndarray, " part"]


def fhv(simulated: Series, observed: Series) -> PerBasin:
    """Error of the volume of the largest 2 % of flows [%]."""

    def score(simulated: Days, observed: Days) -> float:
        return _volume_error(*(_largest(series) for series in (simulated, observed)))

    return by_basin(score, simulated, observed)


def flv(simulated: Series, observed: Series) -> PerBasin:
    """Error of the logarithmic volume of the smallest 30 % of flows above their minimum [%]."""

    def volume(flow: Days) -> float:
        low = np.log(np.maximum(_smallest(flow), SMALLEST_FLOW))
        return np.sum(low - low.min())

    return by_basin(lambda s, o: -100 * ratio(volume(s) - volume(o), volume(o)), simulated, observed)


def flv_plain(simulated: Series, observed: Series) -> PerBasin:
    """Error of the volume of the smallest 30 % of flows [%]."""

    def score(simulated: Days, observed: Days) -> float:
        return _volume_error(*(_smallest(series) for series in (simulated, observed)))

    return by_basin(score, simulated, observed)


def fms(simulated: Series, observed: Series) -> PerBasin:
    """Error of the slope of the flow-duration curve between 20 and 70 % exceedance [%]."""

    def slope(flow: Days) -> float:
        descending = np.log(np.maximum(np.sort(flow)[::-1], SMALLEST_FLOW))
        upper, lower = (descending[min(round(share * len(flow)), len(flow) - 1)] for share in MIDDLE)
        return upper - lower

    return by_basin(lambda s, o: 100 * ratio(slope(s) - slope(o), slope(o)), simulated, observed)


def _largest(flow: Days) -> Part:
    return np.sort(flow)[-max(round(HIGH * len(flow)), 1) :]


def _smallest(flow: Days) -> Part:
    return np.sort(flow)[: max(round(LOW * len(flow)), 1)]


def _volume_error(simulated: Part, observed: Part) -> float:
    return 100 * ratio(np.sum(simulated) - np.sum(observed), np.sum(observed))
