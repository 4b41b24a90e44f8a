"""Forecasts that need no model: what the season usually brings, and what yesterday brought.

    climatology    the mean, or the median, of a basin's training observations on the days of the year near this one
    persistence    the last observation before today

Persistence reads the observations of the test period, up to the day before: it is a forecast for one day ahead, which
a simulation from forcings alone is not.
"""

from typing import ClassVar, Literal

import numpy as np
import xarray as xr
from jaxtyping import Float
from pydantic import Field

from dgeo.data import Period, select
from dgeo.hybrid.strict import Strict

DAYS = 366


class ReferenceRecipe(Strict):
    """The config section `model` of a reference; a day counts as near another within `half_width` days of the year."""

    reference: Literal["climatology", "persistence"]
    statistic: Literal["mean", "median"] = "mean"
    half_width: int = Field(7, ge=0, le=182)

    network_attributes: ClassVar[tuple[str, ...]] = ()
    network_forcings: ClassVar[tuple[str, ...]] = ()
    logarithmic: ClassVar[tuple[str, ...]] = ()
    fused: ClassVar[dict[str, tuple[str, ...]]] = {}
    needed_forcings: ClassVar[tuple[str, ...]] = ()
    needed_attributes: ClassVar[tuple[str, ...]] = ()
    output_names: ClassVar[tuple[str, ...]] = ("streamflow",)
    usual_outputs: ClassVar[tuple[str, ...]] = ("streamflow",)

    @property
    def words(self) -> tuple[str, ...]:
        """The model in a line."""
        return (f"climatology, {self.statistic}" if self.reference == "climatology" else self.reference,)

    @property
    def per_basin(self) -> bool:
        """Whether every training basin has numbers of its own."""
        return self.reference == "climatology"


def reference_flow(
    recipe: ReferenceRecipe, dataset: xr.Dataset, name: str, train: Period, tested: np.ndarray
) -> Float[np.ndarray, "time basin"]:
    """The reference's `name` on the days of the mask `tested`, NaN where nothing was observed to say it from."""
    if recipe.reference == "persistence":
        return yesterday(dataset[name].values)[tested].astype(np.float32)
    training = select(dataset, None, train)[name]
    table = climatology(training.values, training["time"].dt.dayofyear.values, recipe.half_width, recipe.statistic)
    return table[dataset["time"].dt.dayofyear.values[tested] - 1].astype(np.float32)


def climatology(
    series: Float[np.ndarray, "time basin"], day_of_year: np.ndarray, half_width: int, statistic: str
) -> Float[np.ndarray, "day basin"]:
    """For each of 366 days of the year, the mean or median over all years of the days around it; gaps do not count."""
    apart = np.abs(day_of_year[None] - 1 - np.arange(DAYS)[:, None])
    near = np.minimum(apart, DAYS - apart) <= half_width
    return np.stack([_middle(series[row], statistic) for row in near])


def yesterday(series: Float[np.ndarray, "time basin"]) -> Float[np.ndarray, "time basin"]:
    """The last observation before each day; NaN before the first."""
    days = np.arange(len(series))[:, None]
    last = np.maximum.accumulate(np.where(np.isfinite(series), days, -1), axis=0)
    before = np.concatenate([np.full_like(last[:1], -1), last[:-1]])
    known = np.take_along_axis(series, np.maximum(before, 0), axis=0)
    return np.where(before >= 0, known, np.nan)


def _middle(values: Float[np.ndarray, "time basin"], statistic: str) -> Float[np.ndarray, " basin"]:
    """The mean or median of each basin's observations; NaN, without a warning, where there are none."""
    seen = np.isfinite(values).any(axis=0)
    middle = np.full(values.shape[1], np.nan)
    middle[seen] = (np.nanmean if statistic == "mean" else np.nanmedian)(values[:, seen], axis=0)
    return middle
