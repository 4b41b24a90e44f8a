"""Several forcing products of the same CAMELS-US basins side by side, for fusion and comparison."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from dgeo.data.camels_us_text import OBSERVED, read_text
from dgeo.errors import DgeoError, nearest


def read_products(
    root: str | Path,
    products: Sequence[str] = ("daymet", "maurer", "nldas"),
    variables: Sequence[str] = ("precipitation", "temperature"),
    basins: Iterable[str] | None = None,
    quality: Sequence[str] = OBSERVED,
    attributes: str | Path | None = None,
) -> xr.Dataset:
    """One dataset with all that `read_text` gives of the first product, and `variable_product` of every product.

    `precipitation` and the like without a suffix, streamflow (a depth over the area in the header) and coordinates are
    those of the first product. The days are those on which every product has precipitation in some basin.

    The products do not agree where a day begins: their series may be a day apart, which no weighting of the same day
    mends. Maurer and NLDAS give one temperature a day, Daymet and Maurer extended a minimum and a maximum.

    Raises `DgeoError` for an unknown product, variable or basin, a missing file, and products without a day in common.
    """
    if not products:
        raise DgeoError("No forcing product is named; give at least one, such as 'daymet'.")
    first = read_text(root, products[0], basins, quality, attributes)
    others = {name: _other(root, name, first["basin"].values) for name in products[1:]}
    days = first["time"].values[np.isfinite(first["precipitation"].values).any(axis=1)]
    for series in others.values():
        days = np.intersect1d(days, series["time"].values[np.isfinite(series["precipitation"].values).any(axis=1)])
    if not days.size:
        raise DgeoError(f"The products {', '.join(products)} have no day in common; leave one of them out.")
    result = first.sel(time=days)
    for product, series in ({products[0]: first} | others).items():
        result = result.assign({f"{name}_{product}": _named(series, name, product, days) for name in variables})
    return result


def _other(root: str | Path, product: str, basins: np.ndarray) -> xr.Dataset:
    """A further product, of which series alone are taken: what it lacks for evaporation or flow is not missed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return read_text(root, product, basins)


def _named(series: xr.Dataset, name: str, product: str, days: np.ndarray) -> xr.DataArray:
    if name not in series:
        raise DgeoError(f"The {product} files give no {name!r}; {nearest(name, map(str, series.data_vars))}")
    chosen = series[name].sel(time=days)
    attrs = {**chosen.attrs, "long_name": f"{chosen.attrs['long_name']} of {product}"}
    return xr.DataArray(chosen.values, dims=chosen.dims, attrs=attrs)
