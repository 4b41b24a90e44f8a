r"""Means and standard deviations of the inputs, from training basins and days only.

$$z = (x - \mu) / \sigma$$

A missing value is replaced by $\mu$, so that $z = 0$: the network sees an average basin. A constant variable
has $\sigma = 1$, so that it too gives $z = 0$ and not a division by nothing.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import xarray as xr

from dgeo.data.blocks import by_basin
from dgeo.data.selection import select
from dgeo.data.splits import Period
from dgeo.data.variables import is_text
from dgeo.errors import DgeoError, nearest

Statistics = dict[str, tuple[float, float]]
Transform = Callable[[np.ndarray], np.ndarray]


def _moments(name: str, variable: xr.DataArray, transform: Transform) -> tuple[float, float]:
    """Mean and standard deviation of the finite transformed values, in double precision.

    Means and squares of parts of the basins are joined after Chan et al. (1983), doi:10.1080/00031305.1983.10483115.
    """
    count, mean, squares = 0, 0.0, 0.0
    for number, part_mean, part_squares in by_basin(lambda values: _sums(transform(values)), variable).reshape(-1, 3):
        total, apart = count + number, part_mean - mean
        mean += apart * number / total
        squares += part_squares + apart**2 * count * number / total
        count = total
    if count == 0:
        warnings.warn(f"Variable '{name}' has no value in the training part; it is scaled with mean 0.", stacklevel=3)
        return 0.0, 1.0
    std = float(np.sqrt(squares / count))
    # float32 rounding gives a constant variable a spread of about 1e-7 of its size
    return float(mean), std if std > 1e-6 * max(abs(mean), 1e-30) else 1.0


def _sums(values: np.ndarray) -> np.ndarray:
    """Number, mean and sum of squared departures of the finite values; nothing where there are none."""
    finite = values[np.isfinite(values)].astype(np.float64)
    return np.asarray([finite.size, finite.mean(), finite.var() * finite.size] if finite.size else [])


def statistics(
    ds: xr.Dataset,
    names: Iterable[str],
    basins: Iterable[str] | None = None,
    period: Period | None = None,
    transforms: Mapping[str, Transform] | None = None,
) -> Statistics:
    """Mean and standard deviation of each named attribute or series over the training `basins` and `period`.

    Every basin (for attributes) or basin-day (for series) counts alike; gaps do not count. Returns name →
    (mean, std) in the unit of the variable, or of what its transform makes of it. Raises `DgeoError` for an
    unknown name, an unknown basin, or a variable of words.
    """
    training = select(ds, basins, period)
    result: Statistics = {}
    for name in names:
        if name not in training.variables:
            raise DgeoError(f"The dataset has no variable '{name}'; {nearest(name, map(str, training.variables))}")
        if is_text(training[name]):
            raise DgeoError(f"Variable '{name}' holds words, not numbers; code it as numbers before scaling it.")
        result[name] = _moments(name, training[name], (transforms or {}).get(name, np.asarray))
    return result


def fill_attributes(ds: xr.Dataset, means: Statistics) -> xr.Dataset:
    """Replace gaps of the attributes named in `means` by their training mean; series stay as they are."""
    gaps = {name: ds[name] for name in means if name in ds.variables and ds[name].dims == ("basin",)}
    filled = {n: v.where(np.isfinite(v), v.dtype.type(means[n][0])) for n, v in gaps.items()}
    return ds.assign({name: variable.assign_attrs(ds[name].attrs) for name, variable in filled.items()})
