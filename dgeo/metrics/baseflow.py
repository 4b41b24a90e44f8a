"""Share of slow flow by a digital filter, per basin.

    f_t = a f_{t−1} + (1 + a)/2 (q_t − q_{t−1}),    b_t = min(q_t − max(f_t, 0), q_t)

splits flow q into quick flow f and baseflow b [mm d-1]. Three passes with a = 0.925, the second backward in
time, each on the baseflow of the one before. Every pass starts with the flow of its first day as baseflow.
Days in a gap are left out, as if the days around it were neighbours. The baseflow index is Σ b / Σ q.

Lyne, V., Hollick, M. (1979), Stochastic time-variable rainfall-runoff modelling, Institution of Engineers
Australia 79/10, 89–93; passes and coefficient as in Nathan, R. J., McMahon, T. A. (1990),
doi:10.1029/WR026i007p01465.
"""

import numpy as np
from jaxtyping import Bool

from dgeo.metrics.gaps import PerBasin, Series, aligned

COEFFICIENT = 0.925
PASSES = (1, -1, 1)


def baseflow(flow: Series) -> Series:
    """The slow part of flow [mm d-1], NaN in gaps."""
    present = ~np.isnan(flow)
    slow = np.where(present, flow, 0.0)
    for direction in PASSES:
        slow = _one_pass(slow[::direction], present[::direction])[::direction]
    return np.where(present, slow, np.nan)


def baseflow_index(flow: Series) -> PerBasin:
    """Baseflow over flow [1]; NaN without flow."""
    total = np.nansum(flow, axis=0)
    index = np.full_like(total, np.nan)
    return np.divide(np.nansum(baseflow(flow), axis=0), total, out=index, where=total > 0)


def baseflow_indices(simulated: Series, observed: Series) -> tuple[PerBasin, PerBasin]:
    """Baseflow index of the simulation and of the observations, both on observed days [1]; both NaN where it fails."""
    simulated, observed, present = aligned(simulated, observed)
    failed = (present & ~np.isfinite(simulated)).any(axis=0)
    index = [np.where(failed, np.nan, baseflow_index(flow)) for flow in (simulated, observed)]
    return index[0], index[1]


def _one_pass(flow: Series, present: Bool[np.ndarray, "time basin"]) -> Series:
    """One pass forward in the order given, all basins at once; what lies in gaps is left as it is."""
    slow = flow.copy()
    first = present.argmax(axis=0)
    last, quick = flow[first, np.arange(flow.shape[1])], np.zeros(flow.shape[1])
    for today, is_present, result in zip(flow, present, slow, strict=True):
        filtered = COEFFICIENT * quick + (1 + COEFFICIENT) / 2 * (today - last)
        quick, last = np.where(is_present, filtered, quick), np.where(is_present, today, last)
        result[:] = np.where(is_present, today - np.maximum(quick, 0), result)
    return np.minimum(np.maximum(slow, 0), flow)
