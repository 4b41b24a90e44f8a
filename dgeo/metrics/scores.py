"""All scores of all basins in one labelled table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from dgeo.errors import DgeoError
from dgeo.metrics.baseflow import baseflow_indices
from dgeo.metrics.efficiency import bias, kge, log_nse, nse, rmse
from dgeo.metrics.flow_duration import fhv, flv, flv_plain, fms
from dgeo.metrics.gaps import PerBasin, Series, aligned
from dgeo.metrics.peaks import peak_timing

METRICS: dict[str, tuple[str, str]] = {
    "nse": ("Nash–Sutcliffe efficiency", "1"),
    "kge": ("Kling–Gupta efficiency (2009)", "1"),
    "kge_correlation": ("correlation", "1"),
    "kge_variability": ("ratio of standard deviations", "1"),
    "kge_bias": ("ratio of means", "1"),
    "log_nse": ("Nash–Sutcliffe efficiency of log-flow", "1"),
    "rmse": ("root mean square error", "mm d-1"),
    "bias": ("error of the volume", "%"),
    "fhv": ("error of the largest 2 % of flows", "%"),
    "flv": ("error of the smallest 30 % of flows, logarithmic (Yilmaz et al. 2008)", "%"),
    "flv_plain": ("error of the smallest 30 % of flows, plain", "%"),
    "fms": ("error of the slope of the flow-duration curve", "%"),
    "baseflow_index": ("baseflow index of the simulation", "1"),
    "baseflow_index_observed": ("baseflow index of the observations", "1"),
    "baseflow_index_error": ("error of the baseflow index", "1"),
    "peak_timing": ("mean absolute lag of the largest peaks", "d"),
}


def score(simulated: Any, observed: Any, basins: Sequence[str] | np.ndarray) -> xr.Dataset:
    """Every metric of `METRICS` for simulated and observed streamflow [time, basin], in mm d-1.

    Raises `DgeoError` where the shapes do not agree.
    """
    simulated, observed = np.asarray(simulated, float), np.asarray(observed, float)
    aligned(simulated, observed)
    if len(basins) != observed.shape[1]:
        raise DgeoError(f"There are {len(basins)} basin ids for {observed.shape[1]} series; give each series its id.")
    values = _values(simulated, observed)
    variables = {
        name: ("basin", values[name], {"long_name": meaning, "units": units})
        for name, (meaning, units) in METRICS.items()
    }
    return xr.Dataset(variables, {"basin": np.asarray(basins)})


def _values(simulated: Series, observed: Series) -> dict[str, PerBasin]:
    parts = kge(simulated, observed)
    indices = baseflow_indices(simulated, observed)
    alone = (nse, log_nse, rmse, bias, fhv, flv, flv_plain, fms, peak_timing)
    return {
        "kge": parts.efficiency,
        "kge_correlation": parts.correlation,
        "kge_variability": parts.variability,
        "kge_bias": parts.bias,
        "baseflow_index": indices[0],
        "baseflow_index_observed": indices[1],
        "baseflow_index_error": indices[0] - indices[1],
        **{function.__name__: function(simulated, observed) for function in alone},
    }
