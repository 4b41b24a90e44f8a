"""Scores of simulations against observations, per basin, and their summaries."""

from dgeo.metrics.anomaly import anomaly_correlation
from dgeo.metrics.baseflow import baseflow, baseflow_index, baseflow_indices
from dgeo.metrics.efficiency import KlingGupta, bias, kge, log_nse, nse, rmse
from dgeo.metrics.ensemble import coverage, crps, expected_coverage
from dgeo.metrics.flow_duration import fhv, flv, flv_plain, fms
from dgeo.metrics.peaks import largest_peaks, peak_error, peak_timing
from dgeo.metrics.scores import METRICS, score
from dgeo.metrics.summary import paired_difference, summarise

__all__ = [
    "METRICS",
    "KlingGupta",
    "anomaly_correlation",
    "baseflow",
    "baseflow_index",
    "baseflow_indices",
    "bias",
    "coverage",
    "crps",
    "expected_coverage",
    "fhv",
    "flv",
    "flv_plain",
    "fms",
    "kge",
    "largest_peaks",
    "log_nse",
    "nse",
    "paired_difference",
    "peak_error",
    "peak_timing",
    "rmse",
    "score",
    "summarise",
]
