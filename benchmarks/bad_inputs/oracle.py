"""What holds for any valid input, said again and apart from the library's own checks."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

RANGES = {
    "precipitation": (0, 2000),
    "temperature": (-90, 60),
    "temperature_min": (-90, 60),
    "temperature_max": (-90, 70),
    "shortwave_radiation": (0, 1400),
    "vapour_pressure": (0, 1e4),
    "day_length": (0, 86400),
    "potential_evapotranspiration": (-5, 100),
    "streamflow": (0, 5000),
}


def complaint(dataset: xr.Dataset, forcings: Sequence[str] = (), attributes: Sequence[str] = ()) -> str:
    """The first thing that is wrong with data that were accepted; nothing if none."""
    time, basins = dataset["time"].values, [str(basin) for basin in dataset["basin"].values]
    if len(set(basins)) < len(basins) or "" in basins or not basins:
        return f"basin ids {basins}"
    if not len(time) or not (np.diff(time) == np.timedelta64(1, "D")).all():
        return "days are not one after another"
    for name, (low, high) in RANGES.items():
        if name in dataset:
            if dataset[name].dtype != np.float32 or dataset[name].dims != ("time", "basin"):
                return f"{name} is {dataset[name].dtype} over {dataset[name].dims}"
            known = dataset[name].values[np.isfinite(dataset[name].values)]
            if np.isinf(dataset[name].values).any() or (known.size and not (low <= known.min() <= known.max() <= high)):
                return f"{name} leaves {low} to {high}"
    for name in forcings:
        if not np.isfinite(dataset[name].values).all():
            return f"{name} has a gap"
    for name in attributes:
        if dataset[name].dtype.kind not in "fiub" or np.isinf(dataset[name].values).any():
            return f"{name} is no number everywhere"
    return ""


def same(one: xr.Dataset, other: xr.Dataset, tolerance: float = 1e-5) -> str:
    """The first variable in which data differ by more than a share of their size; nothing if none."""
    if sorted(map(str, one.variables)) != sorted(map(str, other.variables)) or one.sizes != other.sizes:
        return f"{sorted(map(str, set(one.variables) ^ set(other.variables)))} {dict(one.sizes)} {dict(other.sizes)}"
    for name in one.variables:
        a, b = one[name].values, other[name].values
        if a.dtype.kind == "f" and b.dtype.kind == "f":
            if not np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True):
                return str(name)
        elif not np.array_equal(a, b):
            return str(name)
    return ""
