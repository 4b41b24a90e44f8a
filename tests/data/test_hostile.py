"""Files of strangers: what they cannot do, and damage of any kind, which is a sentence or does no harm."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings, strategies as st

from dgeo.data import (
    check,
    from_xarray,
    load_split,
    memory,
    open_store,
    read_attributes,
    read_netcdf,
    read_text,
    write_store,
)
from dgeo.errors import DgeoError

FORCING = "basin_mean_forcing/daymet/01234567_lump_cida_forcing_leap.txt"
FLOW = "usgs_streamflow/01234567_streamflow_qc.txt"
HEAD = " 45.00\n 100.00\n 864000000\nYear Mnth Day Hr dayl(s) prcp(mm/day) srad(W/m2) swe(mm) tmax(C) tmin(C) vp(Pa)\n"
DAMAGE = st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=8), st.booleans())


def damaged(content, damage):
    """Bytes written over others, or in between, somewhere."""
    place, noise, instead = damage
    place %= len(content) + 1
    return content[:place] + noise + content[place + len(noise) * instead :]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A basin of eight days in the layout of CAMELS-US, with one table of attributes."""
    root = tmp_path_factory.mktemp("camels")
    for name in (FORCING, FLOW):
        (root / name).parent.mkdir(parents=True)
    days = [f"2000 02 {day}" for day in range(21, 29)]
    rows = [f"{day} 12\t43200.00\t{i}.00\t200.00\t0.00\t10.00\t0.00\t500.00\n" for i, day in enumerate(days)]
    (root / FORCING).write_text(HEAD + "".join(rows))
    (root / FLOW).write_text("".join(f"01234567 {day} 10.00 A\n" for day in days))
    (root / "camels_topo.txt").write_text("gauge_id;elev_mean;rock\n01234567;250.31;granite\n07654321;50;chalk\n")
    return root


@pytest.fixture
def put(root):
    """Put other content into a file, which comes back afterwards."""
    sound = {}

    def write(name, content):
        path = root / name
        sound.setdefault(path, path.read_bytes())
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    yield write
    for path, content in sound.items():
        path.write_bytes(content)


def field(row, place, word):
    """The forcing file with one word of a row exchanged."""

    def change(text):
        lines = text.split("\n")
        words = lines[row].split()
        words[place] = word
        return "\n".join([*lines[:row], " ".join(words), *lines[row + 1 :]])

    return change


def carried(text):
    """A value carried over to the next line: as many words in all as there should be."""
    lines = text.split("\n")
    words = lines[6].split()
    lines[6], lines[7] = " ".join(words[:-1]), lines[7] + " " + words[-1]
    return "\n".join(lines)


TABLE = "camels_topo.txt"
TEXTS = {
    "digits joined": (FORCING, field(6, 5, "1_000"), "no number"),
    "digits of another script": (FORCING, field(6, 5, "２"), "no number"),
    "part of a year": (FORCING, field(6, 0, "1980.5"), r"has the date 1980\.5-2-23, which is none"),
    "a year beyond count": (FORCING, field(6, 0, "99999999"), "which is none"),
    "a missing year": (FORCING, field(6, 0, "-999"), "which is none"),
    "the year ten": (FORCING, field(6, 0, "10"), "which is none"),
    "a value on the next line": (FORCING, carried, r"Line 7 of .* has 10 values where 11"),
    "another order": (
        FORCING,
        lambda text: text.replace("Year Mnth", "Mnth Year"),
        "year, mnth, day and hr come first",
    ),
    "a column twice": (FORCING, lambda text: text.replace("swe(mm)", "prcp(mm)"), "each other once"),
    "an endless area": (FORCING, lambda text: text.replace("864000000", "inf"), "must be positive"),
    "no UTF-8": (FORCING, lambda text: "é".encode("latin-1"), "cannot be read as text"),
    "two gauges": (FLOW, lambda text: text.replace("7 2000 02 25", "8 2000 02 25"), "holds the gauge '01234568'"),
    "many flags": (FLOW, lambda text: "".join(f"01234567 2000 01 {i} 1 f{i}\n" for i in range(1, 30)), "29 different"),
    "a basin twice": (TABLE, lambda text: text + "01234567;1;chalk\n", "the basin '01234567' more than once"),
    "an attribute twice": (
        TABLE,
        lambda text: text.replace("rock", "elev_mean"),
        "the column 'elev_mean' more than once",
    ),
    "a comma": (TABLE, lambda text: "gauge_id;a\n1;1\n2;1,5\n3;3\n", "'a' of basin '2' is '1,5' among numbers"),
    "a long field": (TABLE, lambda text: "gauge_id;a\n1;" + "x" * 200_000, "cannot be read"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_text_that_would_be_read_wrong_is_refused(case, root, put):
    """Each was once read as something that it does not say, or ended in another library's error."""
    name, change, words = TEXTS[case]
    put(name, change((root / name).read_text()))
    with pytest.raises(DgeoError, match=words):
        read_attributes(root) if name == TABLE else read_text(root, attributes=root)


@given(st.sampled_from([FORCING, FLOW, "camels_topo.txt"]), DAMAGE)
def test_damaged_text_is_refused_or_still_data(root, put, name, damage):
    """Whatever the bytes: a sentence, or data that pass the checks, on days that follow one another."""
    sound = (root / name).read_bytes()
    put(name, damaged(sound, damage))
    try:
        found = read_text(root, attributes=root)
        check(found)
    except DgeoError:
        put(name, sound)
        return
    put(name, sound)
    assert (np.diff(found["time"].values) == np.timedelta64(1, "D")).all()
    assert found.sizes["time"] < 300_000


def small(days=10):
    """Two basins of a few days."""
    stamps = np.datetime64("2000-01-01", "ns") + np.arange(days) * np.timedelta64(1, "D")
    rain = np.arange(2 * days, dtype=np.float32).reshape(days, 2)
    return xr.Dataset(
        {"precipitation": (("time", "basin"), rain, {"units": "mm d-1"}), "slope": ("basin", np.float32([1, 2]))},
        {"time": stamps, "basin": np.asarray(["a", "b"])},
    )


@pytest.fixture(scope="module")
def netcdf(tmp_path_factory):
    path = tmp_path_factory.mktemp("netcdf") / "data.nc"
    small().to_netcdf(path, engine="h5netcdf")
    return path


@given(DAMAGE)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_netcdf_file_is_refused_or_still_data(netcdf, damage):
    path = netcdf.with_name("damaged.nc")
    path.write_bytes(damaged(netcdf.read_bytes(), damage))
    try:
        found = from_xarray(read_netcdf(path))
    except DgeoError:
        return
    assert found["precipitation"].dtype == np.float32


def outside(file):
    del file["slope"]
    file.create_dataset("slope", (2,), "f4", external=[("/etc/passwd", 0, 8)])


def link(file):
    file["other"] = h5py.ExternalLink("/tmp/other.nc", "/x")


def view(file):
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.nc", "x", (2,))
    file.create_virtual_dataset("view", layout)


def circle(file):
    file.create_group("inner")["outer"] = file["/"]


LINKS = {
    outside: "takes its values from another file",
    view: "takes its values from another file",
    link: "a link to another place",
    circle: "more than 2000",
}


@pytest.mark.parametrize("change", LINKS)
def test_a_netcdf_file_reads_from_no_other(change, netcdf, tmp_path):
    """HDF5 would fetch the bytes of any file that the reader may read; a circle of groups would never end."""
    shutil.copyfile(netcdf, tmp_path / "data.nc")
    with h5py.File(tmp_path / "data.nc", "a") as file:
        change(file)
    with pytest.raises(DgeoError, match=LINKS[change]):
        read_netcdf(tmp_path / "data.nc")


def test_a_netcdf_file_cannot_fill_the_memory(netcdf, tmp_path, monkeypatch):
    """A few kilobytes that declare 40 TB, and data that are larger than what is free."""
    shutil.copyfile(netcdf, tmp_path / "data.nc")
    with h5py.File(tmp_path / "data.nc", "a") as file:
        made = file.create_dataset("huge", (10**6, 10**7), "f4", chunks=(1, 10**4))
        for axis, name in enumerate("xy"):
            file.create_dataset(name, (made.shape[axis],), "i1", chunks=(10**4,)).make_scale(name)
            made.dims[axis].attach_scale(file[name])
    assert (tmp_path / "data.nc").stat().st_size < 100_000
    with pytest.raises(DgeoError, match=r"declares 4e\+04 GB of data, most of it 'huge'"):
        read_netcdf(tmp_path / "data.nc")
    monkeypatch.setattr(memory, "free_bytes", lambda: 100)
    with pytest.raises(DgeoError, match="of memory are free; read fewer basins"):
        read_netcdf(netcdf)


def test_a_store_that_would_run_what_it_reads_is_refused(tmp_path):
    """Zarr's old format knows a filter that unpickles. The zarr of today refuses it, and dgeo does not rely on that."""
    mark, place = tmp_path / "owned", tmp_path / "a.zarr" / "basin"
    place.mkdir(parents=True)
    (tmp_path / "a.zarr" / ".zgroup").write_text('{"zarr_format": 2}')
    (place / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["basin"]}')
    described = {"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "compressor": None, "order": "C"}
    filters = [{"id": "pickle", "protocol": 4}]
    (place / ".zarray").write_text(json.dumps(described | {"fill_value": None, "filters": filters}))
    (place / "0").write_bytes(b"cposix\nmkdir\n(S'" + str(mark).encode() + b"'\ntR.")
    with pytest.raises(DgeoError, match="is no Zarr store"):
        open_store(tmp_path / "a.zarr")
    assert not mark.exists()


RAIN = "precipitation"
STORES = {
    "terabytes": ("slope", lambda c: c.update(shape=[10**12]), "is no Zarr store"),
    "a codec that unpickles": (RAIN, lambda c: c.update(codecs=[{"name": "numcodecs.pickle"}]), "not trusted"),
    "no list of codecs": (RAIN, lambda c: c.update(codecs=7), "no Zarr store"),
    "empty pieces": (RAIN, lambda c: c["chunk_grid"]["configuration"].update(chunk_shape=[0, 0]), "store"),
    "another version": ("", lambda c: c.update(zarr_format=2), "not trusted"),
}


@pytest.mark.parametrize("case", STORES)
def test_what_a_store_declares_is_looked_at(case, tmp_path):
    name, change, words = STORES[case]
    write_store(small(), tmp_path / "a.zarr")
    described = tmp_path / "a.zarr" / name / "zarr.json"
    content = json.loads(described.read_text())
    change(content)
    described.write_text(json.dumps(content))
    with pytest.raises(DgeoError, match=words):
        open_store(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "BasinSplit", "train": 5, "test": []}',
        '{"kind": "BasinSplit", "train": "abc", "test": ["d"]}',
        '{"kind": "TemporalSplit", "train": ["2000-01-01"], "validation": null, "test": ["2001-01-01", "2002-01-01"]}',
        '{"kind": "YearSplit", "train": {"a": ["x"]}, "test": {"a": [2001]}}',
        '{"kind": ' + "[" * 100_000,
    ],
)
def test_a_split_of_wrong_kinds_is_refused(text, tmp_path):
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(DgeoError, match="does not hold a split"):
        load_split(tmp_path / "split.json")


FAULTS = {
    "words": (lambda ds: ds.assign(precipitation=ds["precipitation"].astype(str)), "no numbers"),
    "a basin without a name": (lambda ds: ds.assign_coords(basin=["a", ""]), "empty id"),
    "parts of numbers as ids": (lambda ds: ds.assign_coords(basin=[1.5, 2.0]), r"1\.5, which is no id"),
    "a day without a date": (
        lambda ds: ds.assign_coords(time=np.where(np.arange(10) == 4, np.datetime64("NaT"), ds["time"])),
        "has a gap",
    ),
    "a power of 5000 digits": (
        lambda ds: ds.assign(precipitation=ds["precipitation"].assign_attrs(units="m" + "9" * 5000)),
        "not known",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_data_that_would_be_read_wrong_are_refused(case):
    change, words = FAULTS[case]
    with pytest.raises(DgeoError, match=words):
        from_xarray(change(small()))


def test_series_over_other_dimensions_are_not_compared():
    """Rain of the whole region beside the flow of two basins: accepted as a series over time, which no model reads."""
    one = small()["precipitation"]
    found = from_xarray(small().assign(streamflow=one, precipitation=one.isel(basin=0, drop=True)))
    with pytest.raises(DgeoError, match=r"has the dimensions \('time',\)"):
        check(found, ("precipitation",))


def test_ids_that_became_numbers_are_whole():
    """A table program makes 1013500.0 of 01013500: the point and the nought are not part of the id."""
    assert from_xarray(small().assign_coords(basin=[1013500.0, 2.0]))["basin"].values.tolist() == ["1013500", "2"]


def test_devices_and_names_that_are_none_are_refused(tmp_path):
    for path in ("/dev/zero", "a\0b", "x" * 5000):
        with pytest.raises(DgeoError, match=r"^The split file |^The file "):
            load_split(path)
        with pytest.raises(DgeoError, match=r"^The data file "):
            read_netcdf(Path(path))
