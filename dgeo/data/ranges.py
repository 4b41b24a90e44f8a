"""Values that cannot be real, and values that are real in another unit than the declared one."""

import warnings

import numpy as np
import xarray as xr

from dgeo.data.axes import iso
from dgeo.data.blocks import by_basin, faults
from dgeo.data.variables import COORDINATES, SERIES
from dgeo.errors import DgeoError

# Runoff above twice the precipitation in a tenth of the basins is not hydrology: eleven of 569 CAMELS-US
# basins exceed 1 (undercatch) and none 1.4, while a flow in m3/s is A / (86.4 km2) times too large.
_LARGEST_RUNOFF_RATIO = 2.0


def _means(values: np.ndarray) -> np.ndarray:
    """Mean of each basin over its observed days, leaving out basins without any."""
    observed = np.isfinite(values)
    count = observed.sum(axis=0)
    total = np.where(observed, values, 0).sum(axis=0, dtype=np.float64)
    return np.atleast_1d(np.asarray(total[count > 0] / count[count > 0]))


def _wrong_unit(name: str, means: np.ndarray) -> str | None:
    """What a series with these means over time looks like, if not like its canonical unit."""
    typical = float(np.median(means)) if means.size else np.nan
    if name.startswith("temperature") and typical > 150:
        return f"its typical value of {typical:.0f} looks like kelvin and not degC"
    if name == "vapour_pressure" and 0 < typical < 50:
        return f"its typical value of {typical:.3g} looks like hPa or kPa and not Pa"
    if name == "day_length" and 0 < typical <= 24:
        return f"its typical value of {typical:.3g} looks like hours and not seconds"
    if name == "precipitation" and 0 < typical < 0.02:
        return f"its typical value of {typical:.2g} looks like m d-1 or kg m-2 s-1 and not mm d-1"
    return None


def _check_one(ds: xr.Dataset, name: str) -> None:
    series, expected = ds[name], SERIES[name]
    looks = _wrong_unit(name, by_basin(_means, series))
    if looks:
        raise DgeoError(
            f"Variable '{name}' declares {expected.units}, but {looks}; correct its attribute 'units' and convert it."
        )
    bad = faults(lambda values: (values < expected.low) | (values > expected.high), series)
    if bad is not None:
        place, value = dict(zip(series.dims, bad.first, strict=True)), series[bad.first].item()
        where = f" of basin '{ds.basin.values[place['basin']]}'" if series.dims == ("time", "basin") else ""
        when = f" on {iso(ds.time.values[place['time']])}" if "time" in place else ""
        kind = "negative" if expected.low == 0 and value < 0 else "outside the possible range"
        raise DgeoError(
            f"Variable '{name}'{where} is {value:.6g} {expected.units}{when}, which is {kind} "
            f"({bad.values} such values); set it to NaN if it is a missing-value code, or correct its "
            "unit."
        )


def _check_temperatures(ds: xr.Dataset) -> None:
    """A minimum above the maximum makes the diurnal range, and with it Hargreaves' equation, meaningless."""
    crossed = faults(lambda low, high: low > high, ds["temperature_min"], ds["temperature_max"])
    if crossed is not None and 2 * crossed.values > ds["temperature_min"].size:
        raise DgeoError(
            f"temperature_min exceeds temperature_max on {crossed.values} basin-days, more than half of all, so that "
            "the two have been exchanged; give each its own name."
        )
    if crossed is not None:
        day, basin = crossed.first
        warnings.warn(
            f"temperature_min exceeds temperature_max on {crossed.values} basin-days (basin "
            f"'{ds.basin.values[basin]}' on "
            f"{iso(ds.time.values[day])} first); exchange them with dgeo.data.order_temperatures(ds).",
            stacklevel=4,
        )


def _runoff_ratios(rain: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Of the basins where it rained on days with streamflow."""
    both = np.isfinite(rain) & np.isfinite(flow)
    wet = np.where(both, rain, 0).sum(axis=0, dtype=np.float64)
    return np.asarray(np.where(both, flow, 0).sum(axis=0, dtype=np.float64)[wet > 0] / wet[wet > 0])


def _check_water(ds: xr.Dataset) -> None:
    """Streamflow against precipitation on the days that have both: a flow in m3/s or ft3/s stands out."""
    ratios = by_basin(_runoff_ratios, ds["precipitation"], ds["streamflow"])
    high = float(np.quantile(ratios, 0.9)) if ratios.size else 0.0
    if high > _LARGEST_RUNOFF_RATIO:
        raise DgeoError(
            f"Streamflow is {high:.1f} times the precipitation or more in a tenth of the basins, which looks "
            "like m3/s or ft3/s where mm d-1 is declared; set its attribute 'units' to the true one and "
            "convert it with dgeo.data.from_xarray."
        )


def _check_coordinates(ds: xr.Dataset) -> None:
    for name, expected in COORDINATES.items():
        if name not in ds.coords or not np.isfinite(expected.low):
            continue
        values = ds[name].values
        bad = (values < expected.low) | (values > expected.high)
        if bad.any():
            raise DgeoError(
                f"Coordinate '{name}' of basin '{ds.basin.values[bad][0]}' is {values[bad][0]:.6g}, outside "
                f"{expected.low:g} to {expected.high:g} {expected.units}; correct it."
            )


def _side_by_side(ds: xr.Dataset, *names: str) -> bool:
    """Whether all are there, over the same dimensions."""
    return all(name in ds.data_vars for name in names) and len({ds[name].dims for name in names}) == 1


def check_ranges(ds: xr.Dataset) -> None:
    """Raise `DgeoError` where a canonical variable or coordinate is implausible in its unit."""
    _check_coordinates(ds)
    for name in SERIES:
        if name in ds.data_vars and ds[name].size:
            _check_one(ds, name)
    if _side_by_side(ds, "temperature_min", "temperature_max"):
        _check_temperatures(ds)
    if _side_by_side(ds, "precipitation", "streamflow"):
        _check_water(ds)
