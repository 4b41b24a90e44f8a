r"""CAMELS-US, from the official text files or from the prepared NetCDF, in canonical names and units.

Three conversions are made. Streamflow becomes a depth with the area $A$ of the forcing file's header, which
is the area the published forcings were averaged over,

$$q = 0.3048^3 \cdot 86.4\; Q\,[\mathrm{ft^3\,s^{-1}}] / A\,[\mathrm{km^2}];$$

the files' shortwave radiation, a mean over the hours of daylight $D$, becomes a mean over the day, $S =
S_D\,D/86400$; and the daily mean temperature is $(T_\min + T_\max)/2$. On days when the files' minimum
exceeds the maximum the two are exchanged.

Newman et al. (2015), doi 10.5194/hess-19-209-2015; Addor et al. (2017), doi 10.5194/hess-21-5293-2017.
"""

import csv
import io
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xarray as xr

from dgeo.data.camels_attributes import read_attributes
from dgeo.data.dataset import order_temperatures
from dgeo.data.limited import limited_text
from dgeo.data.netcdf import read_netcdf
from dgeo.data.selection import positions
from dgeo.data.variables import describe
from dgeo.errors import DgeoError

SECONDS_PER_DAY = 86400.0
PREPARED_FILE = "camels_us_daymet_569/camels_us_daymet_569_wy1981-2010.nc"
_COLUMNS = {
    "precipitation": "prcp",
    "temperature_min": "tmin",
    "temperature_max": "tmax",
    "shortwave_radiation": "srad",
    "vapour_pressure": "vp",
    "day_length": "dayl",
}


def _contiguous(variable: xr.DataArray) -> xr.DataArray:
    """Float32 with time first, also in memory, where days are read one after another."""
    ordered = variable.transpose("time", "basin")
    return ordered.copy(data=np.ascontiguousarray(ordered.values, dtype=np.float32))


def canonical_series(ds: xr.Dataset) -> xr.Dataset:
    """Canonical series, daily means and float32, from series under the files' names (`prcp`, `tmin`, …)."""
    raw = {column: _contiguous(ds[column]) for column in (*_COLUMNS.values(), "q") if column in ds}
    series = {name: raw[column] for name, column in _COLUMNS.items()}
    series["shortwave_radiation"] = raw["srad"] * (raw["dayl"] / np.float32(SECONDS_PER_DAY))
    series["temperature"] = (raw["tmin"] + raw["tmax"]) / 2
    if "q" in raw:
        series["streamflow"] = raw["q"]
    named = {name: value.drop_attrs().assign_attrs(describe(name)) for name, value in series.items()}
    return order_temperatures(xr.Dataset(named))


def warn_equal_temperatures(ds: xr.Dataset, product: str) -> None:
    """Say so where a product gives one temperature twice, because Hargreaves' equation then gives zero."""
    low, high = ds["temperature_min"].values, ds["temperature_max"].values
    known = np.isfinite(low) & np.isfinite(high)
    if known.any() and np.array_equal(low[known], high[known]):
        warnings.warn(
            f"The {product} files give temperature_max equal to temperature_min on every day, so "
            "potential evapotranspiration after Hargreaves is zero; take Oudin or Priestley-Taylor, or "
            "another product.",
            stacklevel=3,
        )


def with_attributes(series: xr.Dataset, attributes: xr.Dataset) -> xr.Dataset:
    """Series and attributes in one dataset; a coordinate that both have is taken from the attributes."""
    shared = [name for name in attributes.coords if name in series.coords and name != "basin"]
    return series.drop_vars(shared).merge(attributes, join="exact")


def _header_areas(path: Path) -> dict[str, float]:
    """Basin → area [km2] of the forcing header, where it is known."""
    try:
        rows = csv.DictReader(io.StringIO(limited_text(path), newline=""))
        return {row["gauge_id"]: float(row["area_header_km2"] or "nan") for row in rows}
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise DgeoError(
            f"The areas in '{path}' cannot be read ({type(error).__name__}: {error}); fetch the file again."
        ) from error


def _area(attributes: xr.Dataset, path: Path) -> xr.DataArray:
    """The area that turned the flow into a depth, or `area_gages2` where that is not known."""
    known = _header_areas(path) if path.exists() else {}
    header = np.array([known.get(basin, np.nan) for basin in attributes["basin"].values])
    area = np.where(np.isfinite(header), header, attributes["area_gages2"].values.astype(np.float64))
    return xr.DataArray(area, dims="basin", attrs=describe("area"))


def read_prepared(root: str | Path, basins: Iterable[str] | None = None) -> xr.Dataset:
    """The 569 basins with gapless Daymet forcings and streamflow, 1980-10 to 2010-09, and their attributes.

    `root` holds the folders `camels_us_daymet_569` and `camels_us_attributes`. Returns series [time, basin]
    and attributes [basin], float32; the coordinate `area` is that of the forcing header, or `area_gages2` for
    the 121 basins whose header is unknown. Raises `DgeoError` for a missing file and an unknown basin.
    """
    path = Path(root) / PREPARED_FILE

    def chosen(raw: xr.Dataset) -> xr.Dataset:
        for name in (*_COLUMNS.values(), "q"):
            if name not in raw or set(raw[name].dims) != {"time", "basin"}:
                raise DgeoError(f"The prepared CAMELS-US file '{path}' has no series '{name}'; fetch it again.")
        return raw if basins is None else raw.isel(basin=positions(basins, raw["basin"].values))

    series = canonical_series(read_netcdf(path, "prepared CAMELS-US file", "fetch it again", chosen))
    series = series.assign_coords(basin=series["basin"].values.astype(str))
    attributes = read_attributes(Path(root) / "camels_us_attributes", series["basin"].values)
    areas = path.with_name("areas.csv")
    return with_attributes(series, attributes.assign_coords(area=_area(attributes, areas)))
