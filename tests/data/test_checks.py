"""Every fault in a dataset is one sentence; sound data pass without a word."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from dgeo.data import SERIES, check
from dgeo.errors import DgeoError

DAYS, BASINS = 30, ("01013500", "01022500", "01030500")
LEVELS = {
    "precipitation": 3.0,
    "temperature": 8.0,
    "temperature_min": 3.0,
    "temperature_max": 13.0,
    "shortwave_radiation": 150.0,
    "vapour_pressure": 800.0,
    "day_length": 43200.0,
    "potential_evapotranspiration": 2.0,
    "streamflow": 1.2,
}
FORCINGS = ("precipitation", "temperature")


def sound() -> xr.Dataset:
    """Thirty days of three basins with nothing wrong."""
    series = {
        name: (("time", "basin"), np.full((DAYS, 3), level, np.float32), {"units": SERIES[name].units})
        for name, level in LEVELS.items()
    }
    days = np.datetime64("1999-12-20", "ns") + np.arange(DAYS) * np.timedelta64(1, "D")
    attributes = {
        "elev_mean": ("basin", np.array([1.0, 2.0, 3.0])),
        "rock": ("basin", np.array(["a", "b", "c"])),
    }
    area = ("basin", [2000.0, 600.0, 900.0], {"units": "km2"})
    return xr.Dataset(series | attributes, coords={"time": days, "basin": list(BASINS), "area": area})


def put(name: str, value: float, days: int | slice = 5, basins: int | slice = 1) -> Callable[[xr.Dataset], xr.Dataset]:
    """A change of some values of a variable."""

    def change(ds: xr.Dataset) -> xr.Dataset:
        ds[name].values[days, basins] = value
        return ds

    return change


def times(name: str, factor: float) -> Callable[[xr.Dataset], xr.Dataset]:
    """A change of scale that leaves the declared unit as it was."""
    return lambda ds: ds.assign({name: (ds[name] * np.float32(factor)).assign_attrs(ds[name].attrs)})


def test_sound_data_pass():
    """No error and no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(sound(), FORCINGS, ("elev_mean",), ("1999-12-20", "2000-01-18"), ("streamflow",))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda ds: ds.drop_vars("precipitation"), "no series 'precipitation'"),
        (lambda ds: ds.rename(temperature="temprature"), "'temperature'; did you mean temprature"),
        (lambda ds: ds.drop_vars("elev_mean"), "no attribute 'elev_mean'"),
        (lambda ds: ds.transpose("basin", "time"), "transpose or select"),
        (put("precipitation", np.nan), "'precipitation' of basin '01022500' is nan on 1999-12-25"),
        (put("precipitation", np.inf), "basin '01022500' is inf mm d-1 on 1999-12-25"),
        (put("precipitation", -0.1), "basin '01022500' is -0.1 mm d-1 on 1999-12-25, which is negative"),
        (put("streamflow", -999.0), "-999 mm d-1 on 1999-12-25, which is negative"),
        (put("temperature", 85.0), "85 degC on 1999-12-25, which is outside"),
        (lambda ds: ds.assign(temperature=ds.temperature + np.float32(273.15)), "281 looks like kelvin"),
        (times("precipitation", 1e-3), "looks like m d-1"),
        (times("vapour_pressure", 1e-3), "looks like hPa or kPa"),
        (times("day_length", 1 / 3600), "looks like hours"),
        (lambda ds: ds.assign(streamflow=ds.streamflow * (ds.area / 86.4)), "looks like m3/s or ft3/s"),
        (lambda ds: ds.assign(streamflow=ds.streamflow.assign_attrs(units="m3/s")), "declares .* 'm3/s'"),
        (lambda ds: ds.assign_coords(area=ds.area * -1), "Coordinate 'area' of basin '01013500' is -2000"),
        (lambda ds: ds.assign_coords(basin=["1", "2", "1"]), "Basin '1' occurs more than once"),
        (lambda ds: ds.isel(basin=[]), "no basin"),
        (lambda ds: ds.isel(time=[]), "no day"),
        (lambda ds: ds.isel(time=[0, 1, 1, 2]), "Date 1999-12-21 occurs twice"),
        (lambda ds: ds.isel(time=[0, 2, 1]), "runs backwards at 1999-12-21"),
        (lambda ds: ds.isel(time=[0, 1, 5, 6]), "gap between 1999-12-21 and 1999-12-25"),
        (lambda ds: ds.assign_coords(time=ds.time + np.timedelta64(12, "h")), "12:00 and do not align"),
        (lambda ds: ds.isel(time=slice(3, None)), "holds 1999-12-23 to 2000-01-18"),
        (put("streamflow", np.nan, slice(None), slice(None)), "'streamflow' has no observation in any basin"),
        (lambda ds: ds.assign(elev_mean=("basin", [1, np.nan, np.inf])), "'elev_mean' of .* is nan"),
        (lambda ds: ds.assign(elev_mean=ds.rock), "'elev_mean' holds words such as 'a'"),
        (lambda ds: ds.squeeze().rename(basin="gauge"), "no dimension 'basin'"),
    ],
)  # fmt: skip
def test_faults_are_named(change: Callable[[xr.Dataset], xr.Dataset], words: str):
    """Variable, basin or date, value and remedy, in one sentence."""
    with pytest.raises(DgeoError, match=words) as raised:
        check(change(sound()), FORCINGS, ("elev_mean",), ("1999-12-20", "2000-01-18"), ("streamflow",))
    assert str(raised.value)[0].isupper()
    assert "\n" not in str(raised.value)


def test_gaps_outside_the_period_do_no_harm():
    """What is not read need not be whole."""
    check(put("precipitation", np.nan, 0)(sound()), FORCINGS, period=("1999-12-21", "2000-01-18"))


def test_gaps_in_the_target_do_no_harm():
    """Observations may be missing on days and in basins; a basin without any is a warning that names it."""
    with pytest.warns(UserWarning, match=r"in 1 of 3 basins \(01022500\)"):
        check(put("streamflow", np.nan, slice(None))(sound()), FORCINGS, targets=("streamflow",))


def test_missing_attributes_can_be_allowed():
    """Gaps then pass, as scaling fills them; an infinity never does."""
    ds = sound().assign(elev_mean=("basin", [1.0, np.nan, 2.0]))
    check(ds, attributes=("elev_mean",), allow_missing_attributes=True)
    with pytest.raises(DgeoError, match="is inf"):
        check(
            ds.assign(elev_mean=ds.elev_mean + np.inf),
            attributes=("elev_mean",),
            allow_missing_attributes=True,
        )


def test_crossed_temperatures_are_a_warning():
    """The place and the remedy are named."""
    with pytest.warns(UserWarning, match=r"1 basin-days \(basin '01022500' on 1999-12-25 first\).*order_temp"):
        check(put("temperature_min", 20.0)(sound()))


def test_an_undercatch_basin_passes():
    """One basin of many with a runoff ratio of 1.4, as in the north-west of the United States, is real."""
    check(put("streamflow", 4.2, slice(None))(sound()))
