"""CAMELS-US: the text layout, the prepared file and the attribute tables, against each other and by hand."""

import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from dgeo.data import check, read_attributes, read_prepared, read_text, statistics, water_years
from dgeo.data.variables import SERIES
from dgeo.errors import DgeoError

NO_HYDRO = ("q_mean", "runoff_ratio", "baseflow_index", "q5", "q95")


@pytest.fixture(scope="module")
def raw(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the two samples in the official layout."""
    folder = tmp_path_factory.mktemp("camels")
    for name in ("neuralhydrology_test_4basins", "nldas_sample_NWC_19basins"):
        path = data_root / "camels_us_raw_layout" / f"{name}.tar.xz"
        if not path.exists():
            pytest.skip(f"no sample of the CAMELS-US text files at {path}")
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def four(raw: Path, data_root: Path) -> xr.Dataset:
    """Four basins with Daymet forcings."""
    return read_text(raw / "neuralhydrology_test_4basins", attributes=data_root / "camels_us_attributes")


@pytest.fixture(scope="module")
def nldas(raw: Path) -> xr.Dataset:
    """Nineteen basins with NLDAS forcings, in folders by region."""
    with pytest.warns(UserWarning, match="Hargreaves is zero"):
        return read_text(raw / "nldas_sample_NWC", "nldas")


@pytest.fixture(scope="module")
def prepared(data_root: Path, four: xr.Dataset) -> xr.Dataset:
    """The same four basins from the prepared file."""
    if not (data_root / "camels_us_daymet_569").exists():
        pytest.skip("no prepared CAMELS-US file")
    return read_prepared(data_root, four.basin.values)


def write_basin(root: Path, basin: str = "01234567", folder: str = "", flow: str = "") -> Path:
    """A basin of three days around a leap day, in the official layout."""
    forcing = root / "basin_mean_forcing" / "daymet" / folder
    streamflow = root / "usgs_streamflow" / folder
    forcing.mkdir(parents=True, exist_ok=True)
    streamflow.mkdir(parents=True, exist_ok=True)
    (forcing / f"{basin}_lump_cida_forcing_leap.txt").write_text(
        " 45.00\n 100.00\n 864000000\n"
        "Year Mnth Day Hr dayl(s) prcp(mm/day) srad(W/m2) swe(mm) tmax(C) tmin(C) vp(Pa)\n"
        "2000 02 28 12\t43200.00\t1.00\t200.00\t0.00\t10.00\t0.00\t500.00\n"
        "2000 02 29 12\t21600.00\t2.00\t200.00\t0.00\t4.00\t6.00\t600.00\n"
        "2000 03 01 12\t43200.00\t-999\t300.00\t0.00\t12.00\t2.00\t700.00\n"
    )
    (streamflow / f"{basin}_streamflow_qc.txt").write_text(
        flow
        or f"{basin} 2000 02 28 100.00 A\n{basin} 2000 02 29 200.00 A:e\n"
        f"{basin} 2000 03 02 -999.00 M\n{basin} 2000 03 03 300.00 A\n"
    )
    return root


def test_conversions_by_hand(tmp_path: Path):
    """100 ft³/s over 864 km² is 0.28316846592 mm/d; 200 W/m² for half a day is 100 W/m² over the day.

    100 ft³/s = 2.8316846592 m³/s = 244,657.5545 m³/d, divided by 864·10⁶ m². Tolerance: float32.
    """
    ds = read_text(write_basin(tmp_path))
    np.testing.assert_array_equal(ds.time.values, np.arange("2000-02-28", "2000-03-04", dtype="datetime64[D]"))
    flow = [0.28316846592, 0.56633693184, np.nan, np.nan, 0.84950539776]
    np.testing.assert_allclose(ds.streamflow.values[:, 0], flow, rtol=2e-7)
    np.testing.assert_allclose(ds.shortwave_radiation.values[:, 0], [100, 50, 150, np.nan, np.nan], rtol=2e-7)
    np.testing.assert_array_equal(ds.precipitation.values[:, 0], [1, 2, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(ds.temperature.values[:, 0], [5, 5, 7, np.nan, np.nan])
    np.testing.assert_array_equal(ds.streamflow_quality.values[:, 0], [1, 2, 0, 3, 1])
    assert ds.streamflow_quality.attrs["flag_meanings"] == "no_record A A:e M"
    assert float(ds.area[0]) == 864.0
    assert "longitude" not in ds.coords


def test_crossed_temperatures_are_exchanged(tmp_path: Path):
    """On the leap day the file has tmin 6 above tmax 4."""
    ds = read_text(write_basin(tmp_path))
    assert ds.temperature_min.values[1, 0] == 4.0
    assert ds.temperature_max.values[1, 0] == 6.0


def test_quality_is_a_choice(tmp_path: Path):
    """Without estimated values the leap day has no observation; its flag stays."""
    ds = read_text(write_basin(tmp_path), quality=("A",))
    np.testing.assert_array_equal(np.isfinite(ds.streamflow.values[:, 0]), [True, False, False, False, True])
    assert ds.streamflow_quality.values[1, 0] == 2


def test_records_of_different_length(tmp_path: Path):
    """The dates are the union; a basin is NaN outside its own record; folders by region name the region."""
    write_basin(tmp_path, "01234567", "01")
    write_basin(tmp_path, "02345678", "03", flow="02345678 2000 02 27 100.00 A\n02345678 2000 02 28 100.00 A\n")
    ds = read_text(tmp_path)
    assert ds.sizes == {"time": 6, "basin": 2}
    np.testing.assert_array_equal(np.isfinite(ds.streamflow.values[:, 1]), [True, True, *[False] * 4])
    assert ds.region.values.tolist() == ["01", "03"]


def test_a_basin_without_streamflow_can_be_read(tmp_path: Path):
    """It is a warning: the basin can be simulated, not trained on."""
    write_basin(tmp_path)
    write_basin(tmp_path, "07654321")
    (tmp_path / "usgs_streamflow" / "07654321_streamflow_qc.txt").unlink()
    with pytest.warns(UserWarning, match=r"1 basins have no streamflow file \('07654321' first\)"):
        ds = read_text(tmp_path)
    assert np.isnan(ds.streamflow.sel(basin="07654321")).all()


def broken(root: Path, find: str, replace: str) -> Path:
    """The sample basin with one thing changed in its files."""
    write_basin(root)
    for path in root.rglob("*.txt"):
        path.write_text(path.read_text().replace(find, replace))
    return root


@pytest.mark.parametrize(
    ("find", "replace", "words"),
    [
        ("\t500.00\n", "\n", "Line 5 of .* has 10 values where 11"),
        ("2000 02 29 12", "2001 02 29 12", "2001-2-29, which does not exist"),
        ("2000 02 29 12", "2000 02 28 12", "Date 2000-02-28 occurs twice"),
        ("\t500.00\n", "\tabc\n", "no number.*'abc'"),
        (" 864000000\n", " none\n", "does not begin with latitude"),
        (" 864000000\n", " 0\n", "area 0 m2"),
        ("prcp(", "rain(", "no column 'prcp'"),
        ("01234567 ", "99999999 ", "holds the gauge '99999999'"),
        ("01234567 2000", "01234567 1996", "do not align"),
        (" 100.00 A\n", " 100.00\n", "Line 1 of .* has 5 values where 6"),
    ],
)
def test_broken_files_are_refused(find: str, replace: str, words: str, tmp_path: Path):
    """Each fault is one sentence with the file in it."""
    with pytest.raises(DgeoError, match=words):
        read_text(broken(tmp_path, find, replace))


def test_wrong_requests_are_refused(tmp_path: Path):
    """Folder, product and basin, with the nearest name."""
    write_basin(tmp_path)
    with pytest.raises(DgeoError, match=r"CAMELS-US folder .* does not exist"):
        read_text(tmp_path / "absent")
    with pytest.raises(DgeoError, match="did you mean daymet"):
        read_text(tmp_path, "daimet")
    with pytest.raises(DgeoError, match="folder of maurer forcings"):
        read_text(tmp_path, "maurer")
    with pytest.raises(DgeoError, match=r"Basin '01234568' .* did you mean 01234567"):
        read_text(tmp_path, basins=["01234568"])
    with pytest.raises(DgeoError, match="does not exist"):
        read_prepared(tmp_path)


def test_text_and_prepared_agree(four: xr.Dataset, prepared: xr.Dataset):
    """Two copies of the same data that took different ways agree wherever the text sample has a value.

    Tolerance: the files hold two decimals (float32 of either: 1e-6); radiation multiplies two of them.
    Streamflow was divided by the area at the source and stored in float32.
    """
    ours, theirs = xr.align(four, prepared, join="inner")
    assert ours.sizes["basin"] == 4
    assert ours.sizes["time"] >= 1096
    for name in SERIES:
        if name in theirs:
            a, b = ours[name].values, theirs[name].values
            known = np.isfinite(a)
            assert known.sum() >= 4 * 1096, name
            np.testing.assert_allclose(a[known], b[known], rtol=1e-5, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(ours.area, theirs.area, rtol=1e-6)


def test_nldas_sample_agrees_with_prepared_streamflow(nldas: xr.Dataset, data_root: Path):
    """Eighteen basins of another source have the streamflow of the prepared file on every common day."""
    assert nldas.sizes["basin"] == 19
    assert len(set(nldas.region.values)) == 18
    common = [basin for basin in nldas.basin.values if basin != "06221400"]
    theirs = read_prepared(data_root, common).streamflow
    ours, theirs = xr.align(nldas.streamflow.sel(basin=common), theirs, join="inner")
    known = np.isfinite(ours.values)
    assert known[-6000:].all()
    np.testing.assert_allclose(ours.values[known], theirs.values[known], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("product", ["daymet", "maurer", "maurer_extended", "nldas"])
def test_daily_radiation_is_below_that_at_the_top_of_the_atmosphere(product: str, raw: Path):
    r"""The mean over daylight exceeds it in winter; the mean over the day cannot.

    $R_a = \frac{S_0}{\pi} d_r (\omega \sin\varphi\sin\delta + \cos\varphi\cos\delta\sin\omega)$ (Allen et al.
    1998, FAO-56, eq. 21) with $S_0 = 1367$ W m⁻². Tolerance: 5 % for the basin's extent and the products' own
    geometry.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ds = read_text(raw / "neuralhydrology_test_4basins", product)
    day = 2 * np.pi * ds.time.dt.dayofyear.values[:, None] / 365.25
    latitude, declination = np.radians(ds.latitude.values), 0.409 * np.sin(day - 1.39)
    sunset = np.arccos(-np.tan(latitude) * np.tan(declination))
    top = np.sin(latitude) * np.sin(declination) * sunset + np.cos(latitude) * np.cos(declination) * np.sin(sunset)
    top = 1367 / np.pi * (1 + 0.033 * np.cos(day)) * top
    radiation = ds.shortwave_radiation.values
    assert np.nanmax(radiation / top) < 1.05
    daylight_mean = radiation * 86400 / ds.day_length.values
    assert np.nanmax(daylight_mean / top) > 1.2


def test_flags_of_the_sample(nldas: xr.Dataset):
    """The NLDAS sample has 158 days flagged M, all of them -999 in the files: none becomes an observation."""
    missing = nldas.streamflow_quality.values == 3
    assert missing.sum() == 158
    assert np.isnan(nldas.streamflow.values[missing]).all()


def test_prepared_is_canonical(prepared: xr.Dataset, four: xr.Dataset):
    """Dimensions, coordinates, units and types of the canonical form, basins in the order asked for."""
    assert prepared.basin.values.tolist() == four.basin.values.tolist()
    assert prepared.precipitation.dims == ("time", "basin")
    assert prepared.sizes["time"] == 10957
    assert {"latitude", "longitude", "area", "region", "name"} <= set(prepared.coords)
    for name, variable in prepared.data_vars.items():
        assert variable.attrs["units"], name
        assert variable.attrs["long_name"], name
        assert variable.dtype == np.float32 or variable.dtype.kind == "U", name
    assert not set(NO_HYDRO) & set(prepared.variables)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(
            prepared,
            ("precipitation", "temperature"),
            ("elev_mean",),
            water_years(1981, 1995),
            ("streamflow",),
        )


def test_mean_precipitation_matches_the_attribute_table(prepared: xr.Dataset):
    """`p_mean` was computed by others (Addor et al. 2017) from the same product over 1989-10-01 to
    2009-09-30.

    Tolerance: float32 of a mean over 7305 days with two decimals, plus leap days handled differently.
    """
    ours = prepared.precipitation.sel(time=slice("1989-10-01", "2009-09-30")).mean("time", dtype=float)
    np.testing.assert_allclose(ours, prepared.p_mean, rtol=2e-3)


def test_all_attributes(data_root: Path):
    """671 basins; the known gaps (138 second rock classes, 24 root depths); the misspelt column put right."""
    ds = read_attributes(data_root / "camels_us_attributes")
    assert ds.sizes["basin"] == 671
    assert "geol_porosity" in ds
    assert "geol_porostiy" not in ds
    assert int((ds.geol_2nd_class == "").sum()) == 138
    assert int(np.isnan(ds.root_depth_50).sum()) == 24
    assert ds.dom_land_cover.sel(basin="01013500").item() == "Mixed Forests"
    assert ds.region.sel(basin="01013500").item() == "01"
    assert not set(NO_HYDRO) & set(ds.variables)
    assert "q_mean" in read_attributes(data_root / "camels_us_attributes", signatures=True)


def test_attributes_agree_with_an_independent_copy(data_root: Path):
    """`attributedata_671.csv` comes from another repository and holds 27 of the attributes with ten digits.

    Tolerance: float32.
    """
    path = data_root / "camels_us_attributes" / "attributedata_671.csv"
    ds = read_attributes(path.parent)
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    names = lines[0].split(",")[1:]
    cells = [line.split(",") for line in lines[1:]]
    ours = ds.sel(basin=[row[0].zfill(8) for row in cells])
    for column, name in enumerate(names, start=1):
        values = [float(row[column] or "nan") for row in cells]
        np.testing.assert_allclose(ours[name], values, rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gauge_id;a\n01;1;2\n", "Line 2 of .* has 3 values where 2"),
        ("basin;a\n01;1\n", "does not begin with a column gauge_id"),
    ],
)
def test_broken_tables_are_refused(text: str, words: str, tmp_path: Path):
    """A row of another length, and a table of another kind."""
    (tmp_path / "camels_x.txt").write_text(text)
    with pytest.raises(DgeoError, match=words):
        read_attributes(tmp_path)


def test_a_folder_without_tables_is_refused(tmp_path: Path):
    """An empty folder and no folder are two sentences."""
    with pytest.raises(DgeoError, match="holds no camels_"):
        read_attributes(tmp_path)
    with pytest.raises(DgeoError, match="does not exist"):
        read_attributes(tmp_path / "absent")


def test_statistics_of_the_real_attributes(prepared: xr.Dataset):
    """Training basins only: the mean of two basins' elevation is half their sum."""
    two = prepared.basin.values[:2]
    mean, _ = statistics(prepared, ["elev_mean"], two)["elev_mean"]
    np.testing.assert_allclose(mean, prepared.elev_mean.values[:2].astype(float).sum() / 2)
