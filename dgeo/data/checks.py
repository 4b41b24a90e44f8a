"""Bad data met at the door: each fault is one sentence with variable, basin or date, value and remedy."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from dgeo.data.axes import check_axes, iso
from dgeo.data.blocks import by_basin, faults
from dgeo.data.limited import limited_text
from dgeo.data.ranges import check_ranges
from dgeo.data.selection import within
from dgeo.data.splits import Period
from dgeo.data.variables import COORDINATES, NUMBERS, SERIES, is_text
from dgeo.errors import DgeoError, nearest


def existing(path: str | Path, what: str) -> Path:
    """The path, if it is there; raises `DgeoError` with what was looked for otherwise."""
    try:
        there = Path(path).exists()
    except (OSError, ValueError) as error:  # a name too long, a folder that is closed
        raise DgeoError(f"The {what} '{path}' cannot be looked at ({error}); check the path.") from error
    if not there:
        raise DgeoError(f"The {what} '{path}' does not exist; check the path.")
    return Path(path)


def text_of(path: Path) -> str:
    """The text of a file; raises `DgeoError` where it cannot be read or is no text."""
    try:
        return limited_text(path)
    except (OSError, ValueError) as error:
        raise DgeoError(f"The file '{path}' cannot be read as text ({error}); fetch it again.") from error


def _require(ds: xr.Dataset, names: Sequence[str], dims: tuple[str, ...], kind: str) -> None:
    known = [str(name) for name, variable in ds.variables.items() if variable.dims == dims]
    for name in names:
        if name not in ds.variables:
            raise DgeoError(f"The dataset has no {kind} '{name}'; {nearest(name, known)}")
        if ds[name].dims != dims:
            raise DgeoError(
                f"Variable '{name}' has the dimensions {ds[name].dims}, but a {kind} has {dims}; transpose "
                "or select it."
            )


def _check_numbers(ds: xr.Dataset, names: Sequence[str], kinds: str) -> None:
    for name in names:
        if ds[name].dtype.kind not in kinds:
            first = np.ravel(ds[name].isel({dim: slice(1) for dim in ds[name].dims}).values)
            raise DgeoError(
                f"Variable '{name}' holds {ds[name].dtype} such as '{first[0] if first.size else ''}' and no numbers; "
                "write it as numbers."
            )


def _check_units(ds: xr.Dataset) -> None:
    """The declared unit of a canonical variable is the canonical one."""
    for name, variable in ds.variables.items():
        expected = SERIES.get(str(name)) or COORDINATES.get(str(name))
        units = variable.attrs.get("units")
        if expected and units is not None and units != expected.units:
            raise DgeoError(
                f"Variable '{name}' declares the unit '{units}' where '{expected.units}' is expected; "
                "convert it with dgeo.data.from_xarray."
            )


def _check_forcings(ds: xr.Dataset, series: Sequence[str]) -> None:
    for name in series:
        bad = faults(lambda values: ~np.isfinite(values), ds[name])
        if bad is not None:
            day, basin = bad.first
            raise DgeoError(
                f"Forcing '{name}' of basin '{ds.basin.values[basin]}' is {ds[name][day, basin].item()} on "
                f"{iso(ds.time.values[day])} ({bad.values} such values in {bad.basins} "
                "basins); fill the gaps, drop the basins or choose another period."
            )


def _check_targets(ds: xr.Dataset, targets: Sequence[str]) -> None:
    for name in targets:
        endless = faults(np.isinf, ds[name])
        if endless is not None:
            day, basin = endless.first
            raise DgeoError(
                f"Target '{name}' of basin '{ds.basin.values[basin]}' is infinite on {iso(ds.time.values[day])} "
                f"({endless.values} such values); set it to NaN where nothing was observed."
            )
        empty = by_basin(lambda values: ~np.isfinite(values).any(axis=0), ds[name])
        span = f"between {iso(ds.time.values[0])} and {iso(ds.time.values[-1])}"
        if empty.all():
            raise DgeoError(
                f"Target '{name}' has no observation in any basin {span}; choose a period that was observed."
            )
        if empty.any():
            ids = ", ".join(map(str, ds.basin.values[empty][:5])) + (", …" if empty.sum() > 5 else "")
            warnings.warn(
                f"Target '{name}' has no observation {span} in {int(empty.sum())} of {empty.size} basins "
                f"({ids}); they "
                "add nothing to the training.",
                stacklevel=3,
            )


def _check_attributes(ds: xr.Dataset, attributes: Sequence[str], allow_missing: bool) -> None:
    for name in attributes:
        if is_text(ds[name]):
            raise DgeoError(f"Attribute '{name}' holds words such as '{ds[name].values[0]}'; code it as numbers first.")
        _check_numbers(ds, (name,), "fiub")
        values = ds[name].values
        bad = np.isinf(values) if allow_missing else ~np.isfinite(values)
        if bad.any():
            first = int(np.argmax(bad))
            raise DgeoError(
                f"Attribute '{name}' of basin '{ds.basin.values[first]}' is {values[first]} "
                f"({int(bad.sum())} such basins); leave the attribute out, drop the basins, or fill it with "
                "dgeo.data.fill_attributes."
            )


def check(
    ds: xr.Dataset,
    series: Sequence[str] = (),
    attributes: Sequence[str] = (),
    period: Period | None = None,
    targets: Sequence[str] = (),
    allow_missing_attributes: bool = False,
) -> None:
    """Raise `DgeoError` at the first fault of a canonical dataset.

    Axes, declared units and plausible ranges are checked for every canonical variable present. `series` are
    the forcings that must be there without gaps, `attributes` the basin variables that must be finite (gaps
    pass with `allow_missing_attributes`, infinities never), `targets` the series of which at least one basin
    must have observations; all within `period` if given, which must lie inside the record. Basins without any
    observation are a warning.
    """
    check_axes(ds)
    _require(ds, (*series, *targets), ("time", "basin"), "series")
    _require(ds, attributes, ("basin",), "attribute")
    _check_units(ds)
    _check_numbers(ds, [name for name in ds.variables if name in SERIES or name in NUMBERS], "fiu")
    _check_numbers(ds, (*series, *targets), "fiu")
    part = within(ds, period)
    check_ranges(part)
    _check_forcings(part, series)
    _check_targets(part, targets)
    _check_attributes(part, attributes, allow_missing_attributes)
