"""Any named dataset becomes canonical; the selection, scaling and fingerprint of what comes out."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from dgeo.data import fill_attributes, fingerprint, from_xarray, order_temperatures, select, statistics
from dgeo.errors import DgeoError

FRENCH = {
    "catchment": "basin",
    "p": "precipitation",
    "t": "temperature",
    "pet": "potential_evapotranspiration",
    "q": "streamflow",
    "lat": "latitude",
    "lon": "longitude",
    "area_km2": "area",
}


def foreign(units: str = "m3/s", area: float = 864.0) -> xr.Dataset:
    """Two gauges with other names, other units, basin first, stamps at noon and the days reversed."""
    days = np.datetime64("2000-02-27T12", "ns") + np.arange(5) * np.timedelta64(1, "D")
    return xr.Dataset(
        {
            "rain": (("gauge", "date"), np.full((2, 5), 5.0 / 86400), {"units": "kg m-2 s-1"}),
            "t2m": (("gauge", "date"), np.full((2, 5), 280.15), {"units": "K"}),
            "flow": (("gauge", "date"), np.arange(10.0).reshape(2, 5), {"units": units}),
            "size": ("gauge", [area, area / 2], {"units": "km2"}),
            "slope": ("gauge", np.array([1, 2]), {"units": "m km-1"}),
        },
        coords={"gauge": [7, 8], "date": days},
    ).isel(date=slice(None, None, -1))


NAMES = {
    "gauge": "basin",
    "date": "time",
    "rain": "precipitation",
    "t2m": "temperature",
    "flow": "streamflow",
    "size": "area",
}


def test_a_foreign_dataset_becomes_canonical():
    """1 m³/s over 864 km² is 0.1 mm/d; 280.15 K is 7 °C; 5 kg m⁻² a day is 5 mm. Tolerance: float32."""
    ds = from_xarray(foreign(), NAMES)
    assert ds.streamflow.dims == ("time", "basin")
    assert ds.basin.values.tolist() == ["7", "8"]
    np.testing.assert_array_equal(ds.time, np.arange("2000-02-27", "2000-03-03", dtype="datetime64[D]"))
    np.testing.assert_allclose(ds.streamflow.values[:, 0], 0.1 * np.arange(5), rtol=2e-7)
    np.testing.assert_allclose(ds.streamflow.values[:, 1], 0.2 * np.arange(5, 10), rtol=2e-7)
    np.testing.assert_allclose(ds.temperature, 7.0, rtol=2e-6)
    np.testing.assert_allclose(ds.precipitation, 5.0, rtol=2e-7)
    assert ds.streamflow.attrs["units"] == "mm d-1"
    assert ds.streamflow.dtype == ds.precipitation.dtype == np.float32
    assert "area" in ds.coords
    assert ds.slope.dims == ("basin",)


def test_canonical_data_stay_as_they_are():
    """Making a canonical dataset canonical changes nothing, to the last bit."""
    ds = from_xarray(foreign(), NAMES)
    assert fingerprint(from_xarray(ds)) == fingerprint(ds)
    xr.testing.assert_identical(from_xarray(ds), ds)


def test_the_callers_unit_wins():
    """Units may be given by the old name or the new one; a wrong attr is overruled."""
    flow = from_xarray(foreign(), NAMES).streamflow
    for name in ("flow", "streamflow"):
        other = from_xarray(foreign(units="nonsense"), NAMES, units={name: "m3/s"})
        np.testing.assert_array_equal(other.streamflow, flow)


def test_french_catchments(data_root: Path):
    """The values of a dataset that is in canonical units already are passed on unchanged, gaps included."""
    path = data_root / "airgr_fr_19" / "airgr_fr_19.nc"
    if not path.exists():
        pytest.skip(f"no French catchments at {path}")
    with xr.open_dataset(path) as raw:
        ds = from_xarray(raw, FRENCH)
        assert ds.sizes == {"time": 7305, "basin": 19}
        np.testing.assert_array_equal(ds.streamflow.values, raw.q.values.T)
        np.testing.assert_array_equal(ds.precipitation.values, raw.p.values.T)
        np.testing.assert_array_equal(ds.area.values, raw.area_km2.values)
    assert {"latitude", "longitude", "area", "name"} <= set(ds.coords)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda ds: (ds, {**NAMES, "rainn": "temperature"}), "'rainn' to rename; did you mean rain"),
        (lambda ds: (ds, {k: v for k, v in NAMES.items() if k != "gauge"}), "no dimension 'basin'"),
        (lambda ds: (ds.expand_dims(member=2), NAMES), "drop_vars"),
        (lambda ds: (ds.assign(flow=ds.flow.drop_attrs()), NAMES), "'streamflow' has no attribute 'units'"),
        (lambda ds: (ds.drop_vars("size"), {k: v for k, v in NAMES.items() if k != "size"}), "drainage area"),
        (
            lambda ds: (ds.assign(t2m=ds.t2m.assign_attrs(units="m")), NAMES),
            "Variable 'temperature'.*unit 'm'",
        ),
        (lambda ds: (ds.assign_coords(date=range(5)), NAMES), "does not hold dates"),
        (lambda ds: (ds.assign_coords(gauge=[7, 7]), NAMES), "Basin '7' occurs more than once"),
        (lambda ds: (ds.isel(date=[0, 1, 3, 4]), NAMES), "gap between"),
        (lambda ds: (ds.isel(date=[0, 0, 1]), NAMES), "occurs twice"),
    ],
)
def test_what_cannot_be_understood_is_refused(change, words: str):
    """Each fault names the thing and the remedy."""
    ds, rename = change(foreign())
    with pytest.raises(DgeoError, match=words):
        from_xarray(ds, rename)


def test_a_unit_for_nothing_is_refused():
    """A typo in `units` must not pass unseen."""
    with pytest.raises(DgeoError, match="A unit is given for 'flwo'"):
        from_xarray(foreign(), NAMES, units={"flwo": "m3/s"})


def test_hourly_data_keep_their_stamps():
    """The hour is dropped from daily stamps only."""
    hours = np.datetime64("2000-01-01T00", "ns") + np.arange(48) * np.timedelta64(1, "h")
    ds = foreign().isel(date=[0] * 48).assign_coords(date=hours)
    assert from_xarray(ds, NAMES).time.values[1] == np.datetime64("2000-01-01T01")


def test_selection():
    """Basins come in the order asked for, days include both ends."""
    ds = from_xarray(foreign(), NAMES)
    part = select(ds, ["8", "7"], ("2000-02-28", "2000-03-01"))
    assert part.basin.values.tolist() == ["8", "7"]
    assert part.sizes["time"] == 3
    with pytest.raises(DgeoError, match="Basin '9' is not among the 2 basins"):
        select(ds, ["9"])
    with pytest.raises(DgeoError, match="more than once"):
        select(ds, ["7", "7"])
    with pytest.raises(DgeoError, match="record, which holds 2000-02-27 to 2000-03-02"):
        select(ds, None, ("2000-02-27", "2001-01-01"))


def test_order_temperatures_keeps_mean_and_range():
    """Exchange is an involution of the pair: the mean and the size of the difference are unchanged."""
    low = xr.DataArray([[1.0, 5.0, np.nan]], dims=("time", "basin"), attrs={"units": "degC"})
    high = xr.DataArray([[3.0, 2.0, 4.0]], dims=("time", "basin"))
    ordered = order_temperatures(xr.Dataset({"temperature_min": low, "temperature_max": high}))
    np.testing.assert_array_equal(ordered.temperature_min, [[1, 2, np.nan]])
    np.testing.assert_array_equal(ordered.temperature_max, [[3, 5, 4]])
    assert ordered.temperature_min.attrs["units"] == "degC"


def small(values: np.ndarray, attribute: np.ndarray) -> xr.Dataset:
    """A dataset with one series and one attribute."""
    days = np.datetime64("2000-01-01", "ns") + np.arange(values.shape[0]) * np.timedelta64(1, "D")
    return xr.Dataset(
        {"precipitation": (("time", "basin"), values), "slope": ("basin", attribute)},
        coords={"time": days, "basin": [f"{i}" for i in range(values.shape[1])]},
    )


@given(hnp.arrays(np.float32, (6, 3), elements=st.floats(0, 100, width=32)))
def test_statistics_see_training_only(values: np.ndarray):
    """Whatever stands in the other basins and days, the training mean and standard deviation stay the
    same."""
    spoilt = values.copy()
    spoilt[4:] = np.nan
    spoilt[:, 2] = 1e6
    attribute = np.array([1.0, 3.0, 1e9], np.float32)
    ds = small(spoilt, attribute)
    result = statistics(ds, ["precipitation", "slope"], ["0", "1"], ("2000-01-01", "2000-01-04"))
    part = [float(value) for value in values[:4, :2].ravel()]
    mean = sum(part) / 8
    spread = (sum((value - mean) ** 2 for value in part) / 8) ** 0.5
    np.testing.assert_allclose(result["precipitation"][0], mean, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(result["precipitation"][1], spread if spread > 1e-6 * mean else 1.0, rtol=1e-6)
    assert result["slope"] == (2.0, 1.0)


def test_constant_and_missing_attributes():
    """A constant gets the spread 1, a gap the training mean, a variable without any value mean 0 and a
    warning."""
    ds = small(np.ones((2, 3)), np.array([0.1, np.nan, 0.1], np.float32))
    means = statistics(ds, ["slope"])
    np.testing.assert_allclose(means["slope"], (0.1, 1.0), rtol=1e-7)
    np.testing.assert_allclose(fill_attributes(ds, means).slope, 0.1, rtol=1e-7)
    with pytest.warns(UserWarning, match="no value in the training part"):
        assert statistics(ds, ["slope"], ["1"])["slope"] == (0.0, 1.0)


def test_statistics_refuse_words_and_unknown_names():
    """A category has no mean."""
    ds = small(np.ones((2, 2)), np.array(["clay", "sand"]))
    with pytest.raises(DgeoError, match="'slope' holds words"):
        statistics(ds, ["slope"])
    with pytest.raises(DgeoError, match="did you mean slope"):
        statistics(ds, ["slop"])


def test_fingerprint_is_of_the_content():
    """It does not change with order, memory layout or history; it does with a value, a unit, a name or an
    id."""
    ds = from_xarray(foreign(), NAMES)
    print_ = fingerprint(ds)
    turned = xr.Dataset(dict(reversed(list(ds.data_vars.items()))), ds.coords, {"history": "yesterday"})
    turned["streamflow"] = turned.streamflow.copy(data=np.asfortranarray(ds.streamflow.values))
    assert fingerprint(turned) == print_
    changed = ds.copy(deep=True)
    changed.streamflow.values[0, 0] += 1e-3
    others = [
        changed,
        ds.assign(streamflow=ds.streamflow.assign_attrs(units="m3 s-1")),
        ds.rename(slope="steepness"),
        ds.assign_coords(basin=["7", "9"]),
        ds.isel(time=slice(1, None)),
    ]
    assert len({print_, *map(fingerprint, others)}) == 6


def test_fingerprint_survives_a_file(tmp_path: Path):
    """Written to NetCDF and read again it is the same dataset."""
    ds = from_xarray(foreign(), NAMES)
    ds.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "x.nc", engine="h5netcdf") as again:
        assert fingerprint(again.load()) == fingerprint(ds)
