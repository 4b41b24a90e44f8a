"""Checks of the two axes: distinct basin ids, and a time axis without repetition, disorder or holes."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from dgeo.data.variables import DIMS
from dgeo.errors import DgeoError


def iso(stamp: np.datetime64) -> str:
    """A date as people write it, with the hour only where it says something."""
    day = str(stamp.astype("datetime64[D]"))
    return day if stamp == stamp.astype("datetime64[D]") else str(stamp.astype("datetime64[m]")).replace("T", " ")


def repeated(values: Iterable[str]) -> list[str]:
    """The values that occur more than once."""
    names, counts = np.unique(np.asarray(list(values), dtype=str), return_counts=True)
    return [str(name) for name in names[counts > 1]]


def _check_basins(ds: xr.Dataset) -> None:
    if ds.sizes["basin"] == 0:
        raise DgeoError("The dataset has no basin; select at least one.")
    if "" in ds["basin"].values:
        raise DgeoError("A basin of the dataset has an empty id; give each one a name.")
    twice = repeated(ds["basin"].values)
    if twice:
        raise DgeoError(
            f"Basin '{twice[0]}' occurs more than once in the dataset ({len(twice)} such ids); keep one of each."
        )


def _check_time(time: np.ndarray) -> None:
    if time.size == 0:
        raise DgeoError("The dataset has no day; select a period inside its record.")
    steps = np.diff(time)
    zero = np.timedelta64(0, "ns")
    if np.any(steps == zero):
        raise DgeoError(f"Date {iso(time[1:][steps == zero][0])} occurs twice on the time axis; keep one of the two.")
    if np.any(steps < zero):
        stamp = time[1:][steps < zero][0]
        raise DgeoError(f"The time axis runs backwards at {iso(stamp)}; sort it with ds.sortby('time').")
    if steps.size and np.any(steps != steps.min()):
        place = int(np.argmax(steps != steps.min()))
        raise DgeoError(
            f"The time axis has a gap between {iso(time[place])} and {iso(time[place + 1])}; fill it with "
            "missing values, for instance ds.resample(time='1D').asfreq() for daily data."
        )


def check_axes(ds: xr.Dataset) -> None:
    """Raise `DgeoError` unless basin ids are distinct and `time` is sorted and evenly spaced."""
    for dim in DIMS:
        if dim not in ds.dims or dim not in ds.variables:
            raise DgeoError(f"The dataset has no dimension '{dim}'; make it canonical with dgeo.data.from_xarray.")
    _check_basins(ds)
    _check_time(ds["time"].values)
    daily = ds.sizes["time"] > 1 and ds["time"].values[1] - ds["time"].values[0] >= np.timedelta64(1, "D")
    first = ds["time"].values[0]
    if daily and first != first.astype("datetime64[D]"):
        raise DgeoError(
            f"The daily time stamps lie at {iso(first)[-5:]} and do not align with dates; drop the hour with "
            "ds.assign_coords(time=ds.time.dt.floor('D'))."
        )
