"""Any dataset with named dimensions becomes canonical: names, units, `[time, basin]`, float32."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from dgeo.data import units as unit
from dgeo.data.axes import check_axes
from dgeo.data.checks import check
from dgeo.data.variables import COORDINATES, DIMS, NUMBERS, SERIES, describe, is_text
from dgeo.errors import DgeoError, nearest


def _renamed(ds: xr.Dataset, rename: Mapping[str, str]) -> xr.Dataset:
    known = {*map(str, ds.variables), *map(str, ds.dims)}
    for name in rename:
        if name not in known:
            raise DgeoError(f"The dataset has no variable or dimension '{name}' to rename; {nearest(name, known)}")
    try:
        return ds.rename(dict(rename))
    except ValueError as error:
        raise DgeoError(
            f"The names cannot be changed as `rename` says: {error}; give every variable one name."
        ) from error


def _dimensioned(ds: xr.Dataset) -> xr.Dataset:
    """Refuse stray dimensions; put time first."""
    for dim in DIMS:
        if dim not in ds.dims or dim not in ds.variables:
            raise DgeoError(
                f"The dataset has no dimension '{dim}' with coordinate values (it has "
                f"{', '.join(map(str, ds.dims))}); name it with rename={{'...': '{dim}'}}."
            )
    for name, variable in ds.variables.items():
        if set(variable.dims) not in ({"time", "basin"}, {"time"}, {"basin"}):
            raise DgeoError(
                f"Variable '{name}' has the dimensions {variable.dims}, but only time and basin are "
                f"understood; drop it with ds.drop_vars('{name}')."
            )
    return ds.transpose(*DIMS)


def _ordered(ds: xr.Dataset) -> xr.Dataset:
    """String ids, sorted days; the hour of the stamp of a daily value says nothing and is dropped."""
    if not np.issubdtype(ds["time"].dtype, np.datetime64):
        raise DgeoError("The coordinate 'time' does not hold dates (datetime64); decode it with xr.decode_cf(ds).")
    if np.isnat(ds["time"].values).any():
        raise DgeoError("The coordinate 'time' has a gap (NaT); give every step its date, or drop those without.")
    ds = ds.assign_coords(basin=_ids(ds["basin"].values)).sortby("time")
    steps = np.diff(ds["time"].values)
    if steps.size and np.min(steps) >= np.timedelta64(23, "h"):
        ds = ds.assign_coords(time=ds["time"].values.astype("datetime64[D]").astype("datetime64[ns]"))
    return ds


def _ids(values: np.ndarray) -> np.ndarray:
    """Basin ids as text; numbers that a table program made of them lose their point and nought."""
    if values.dtype.kind in "fc":
        if not (np.isfinite(values) & (values.real == np.floor(values.real)) & (values.imag == 0)).all():
            raise DgeoError(f"The basin ids hold a number such as {values[0]}, which is no id; write them as text.")
        return values.real.astype(np.int64).astype(str)
    return np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values.astype(str)


def _declared(variable: xr.DataArray, name: str, units: Mapping[str, str], rename: Mapping[str, str]) -> str:
    """The unit of a variable: what the caller says, else its attrs; coordinates may stay silent."""
    given = units.get(name) or next((units[old] for old, new in rename.items() if new == name and old in units), None)
    found = given or variable.attrs.get("units")
    if found is None and name in COORDINATES:
        return COORDINATES[name].units
    if found is None:
        raise DgeoError(f"Variable '{name}' has no attribute 'units'; say it with units={{'{name}': '...'}}.")
    return str(found)


def _converted(variable: xr.DataArray, name: str, units: str, area: np.ndarray | None) -> xr.DataArray:
    """Values in the canonical unit; the same unit written differently leaves them bitwise alone."""
    target = (SERIES.get(name) or COORDINATES[name]).units
    if (name in SERIES or name in NUMBERS) and variable.dtype.kind not in "fiu":
        raise DgeoError(f"Variable '{name}' holds {variable.dtype} and no numbers; write it as numbers.")
    if not is_text(variable) and not target.startswith("degrees_") and target != "1":
        try:
            factor, offset = unit.scale(units, target, area)
        except DgeoError as error:
            raise DgeoError(f"Variable '{name}': {error}") from error
        if not (np.ndim(factor) == 0 and factor == 1.0 and offset == 0.0):
            variable = variable.astype(np.float64) * factor + offset
    return variable.assign_attrs(describe(name))


def _in_canonical_units(ds: xr.Dataset, units: Mapping[str, str], rename: Mapping[str, str]) -> xr.Dataset:
    """Convert all canonical variables, the area first, because volume fluxes are divided by it."""
    unknown = next((name for name in units if name not in ds.variables and name not in rename), None)
    if unknown is not None:
        raise DgeoError(f"A unit is given for '{unknown}', no variable; {nearest(unknown, map(str, ds.variables))}")
    for name in dict.fromkeys(("area", *COORDINATES, *SERIES)):
        if name in ds.variables:
            area = ds["area"].values.astype(np.float64) if "area" in ds.variables else None
            declared = _declared(ds[name], name, units, rename)
            ds = ds.assign({name: _converted(ds[name], name, declared, area)})
    return ds


def _single(variable: xr.DataArray) -> xr.DataArray:
    """Float32 for measured numbers; words and coded flags stay."""
    return variable.astype(np.float32) if variable.dtype.kind == "f" or variable.name in SERIES else variable


def _labelled(variable: xr.DataArray) -> xr.DataArray:
    attrs = {"units": "1", "long_name": str(variable.name).replace("_", " ")}
    return variable.assign_attrs({**attrs, **variable.attrs})


def order_temperatures(ds: xr.Dataset) -> xr.Dataset:
    """Exchange `temperature_min` and `temperature_max` on the days when the minimum is the larger.

    Gridded products and basin averages cross now and then (2,801 basin-days of 569 CAMELS-US basins). The
    mean of the two, and the size of their difference, stay as they were.
    """
    low, high = ds["temperature_min"], ds["temperature_max"]
    crossed = low > high
    return ds.assign(
        temperature_min=low.where(~crossed, high),
        temperature_max=high.where(~crossed, low),
    )


def from_xarray(
    ds: xr.Dataset, rename: Mapping[str, str] | None = None, units: Mapping[str, str] | None = None
) -> xr.Dataset:
    """The canonical, checked form of any dataset with a time and a basin dimension.

    `rename` maps names of the source (variables and dimensions) to canonical ones. A canonical variable is
    converted to its canonical unit from the unit in its attrs (K, m3/s, ft3/s, kg m-2 s-1, m/d, MJ m-2 d-1 …)
    or in `units`, which wins and may use old or new names; m3/s needs the coordinate `area` [km2]. Other
    variables keep name and unit; those over basin alone are attributes. Days are sorted, the hour of daily
    stamps dropped, numbers made float32, `latitude`, `longitude`, `area`, `region` and `name` made
    coordinates.

    Raises `DgeoError` for an unknown name, a stray dimension, a missing or impossible unit, and all that
    `check` refuses.
    """
    rename, units = dict(rename or {}), dict(units or {})
    canonical = _ordered(_dimensioned(_renamed(ds, rename))).compute()
    canonical = canonical.set_coords([name for name in COORDINATES if name in canonical.variables])
    check_axes(canonical)
    canonical = _in_canonical_units(canonical, units, rename)
    canonical = canonical.map(lambda variable: _labelled(_single(variable)), keep_attrs=True)
    check(canonical)
    return canonical
