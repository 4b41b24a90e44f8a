"""Scores of many basins in a few numbers, with what chance could do to them.

Intervals are 95 % percentile intervals of the median over 2000 bootstrap samples (Efron, B., 1979,
doi:10.1214/aos/1176344552). Neighbouring basins resemble each other, so a difference between two models is
sampled by whole groups of basins, such as regions.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from dgeo.errors import DgeoError
from dgeo.metrics.gaps import PerBasin

SAMPLES = 2000
LIMITS = (2.5, 97.5)  # [%]


def summarise(scores: xr.Dataset, seed: int = 0) -> dict[str, dict[str, Any]]:
    """{metric: {"median", "mean", "n", "failures", "interval": [low, high]}} over basins with a finite score.

    `failures` counts the basins without one; where no basin has one, the numbers are NaN.
    """
    return {str(name): _summary(values.values, seed) for name, values in scores.data_vars.items()}


def paired_difference(a: PerBasin, b: PerBasin, groups: Sequence[Any] | np.ndarray, seed: int = 0) -> dict[str, Any]:
    """Median over basins of a − b, with an interval from samples of whole groups.

    {"median", "interval": [low, high], "n", "groups"}; basins where either score is not finite are left out,
    and with a single group the interval is NaN. Raises `DgeoError` where the lengths differ.
    """
    a, b, groups = np.asarray(a, float), np.asarray(b, float), np.asarray(groups)
    if not a.shape == b.shape == groups.shape:
        raise DgeoError(
            f"Scores {a.shape}, {b.shape} and groups {groups.shape} differ in length; give one of each for a basin."
        )
    difference = a - b
    finite = np.isfinite(difference)
    difference, groups = difference[finite], groups[finite]
    clusters = [difference[groups == group] for group in np.unique(groups)]
    draws = _draws(len(clusters), seed)
    medians = np.array([np.median(np.concatenate([clusters[i] for i in draw])) for draw in draws])
    return {
        "median": float(np.median(difference)) if clusters else float("nan"),
        "interval": _interval(medians if len(clusters) > 1 else medians[:0]),
        "n": int(finite.sum()),
        "groups": len(clusters),
    }


def _summary(values: PerBasin, seed: int) -> dict[str, Any]:
    finite = values[np.isfinite(values)]
    some = len(finite) > 0
    return {
        "median": float(np.median(finite)) if some else float("nan"),
        "mean": float(np.mean(finite)) if some else float("nan"),
        "n": len(finite),
        "failures": len(values) - len(finite),
        "interval": _interval(np.median(finite[_draws(len(finite), seed)], axis=1) if some else finite),
    }


def _draws(number: int, seed: int) -> Int[np.ndarray, "sample draw"]:
    """Bootstrap samples of the indices of `number` things; no samples of nothing."""
    return np.random.default_rng(seed).integers(max(number, 1), size=(SAMPLES if number else 0, number))


def _interval(medians: Float[np.ndarray, " sample"]) -> list[float]:
    limits = np.percentile(medians, LIMITS) if len(medians) else np.full(2, np.nan)
    return [float(limit) for limit in limits]
