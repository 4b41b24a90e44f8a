"""Data in parts of a few basins: what looks at one part at a time works on data larger than memory."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr

BASINS = 256


def parts_of(basins: int) -> list[slice]:
    """So many basins in parts of `BASINS`."""
    return [slice(first, min(first + BASINS, basins)) for first in range(0, basins, BASINS)]


def blocks_of(dataset: xr.Dataset) -> Iterator[xr.Dataset]:
    """A dataset in these parts."""
    return (dataset.isel(basin=part) for part in parts_of(dataset.sizes["basin"]))


def by_basin(function: Callable[..., np.ndarray], *series: xr.DataArray) -> np.ndarray:
    """What `function` makes of the values of every part, joined."""
    return np.concatenate([function(*values) for _, values in _parts(series)])


class Faults(NamedTuple):
    """How many values are bad, in how many basins, and where the first is: the first day of the first basin."""

    values: int
    basins: int
    first: tuple[int, ...]


def faults(bad: Callable[..., np.ndarray], *series: xr.DataArray) -> Faults | None:
    """Where the mask `bad` of the values of series that share their dimensions is true; None where it never is."""
    found: list[Faults] = []
    for start, values in _parts(series):
        mask = bad(*values)
        if mask.any():
            offset = [start if dim == "basin" else 0 for dim in series[0].dims]
            first = tuple(int(index[0]) for index in np.nonzero(mask.T))[::-1]
            basins = int(mask.any(axis=0).sum())
            found.append(Faults(int(mask.sum()), basins, tuple(i + o for i, o in zip(first, offset, strict=True))))
    return Faults(sum(f.values for f in found), sum(f.basins for f in found), found[0].first) if found else None


def _parts(series: tuple[xr.DataArray, ...]) -> Iterator[tuple[int, list[np.ndarray]]]:
    if "basin" not in series[0].dims:
        yield 0, [one.values for one in series]
        return
    for part in parts_of(series[0].sizes["basin"]):
        yield part.start, [one.isel(basin=part).values for one in series]
