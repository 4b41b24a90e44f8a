"""Data that are bad in a known way, or sound in an unusual one."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from benchmarks.bad_inputs import material, oracle
from benchmarks.bad_inputs.config_cases import Case, right
from benchmarks.bad_inputs.targets import read_netcdf, read_store, read_text
from dgeo import data
from dgeo.data.store import open_store

Change = Callable[[xr.Dataset], xr.Dataset]


def _of(name: str, change: Callable[[np.ndarray], np.ndarray], **attrs: Any) -> Change:
    def changed(ds: xr.Dataset) -> xr.Dataset:
        variable = ds[name].copy(data=change(ds[name].values.copy()))
        return ds.assign({name: variable.assign_attrs(attrs)})

    return changed


def _at(name: str, value: Any) -> Change:
    def change(values: np.ndarray) -> np.ndarray:
        values[(41, 1) if values.ndim == 2 else 1] = value
        return values

    return _of(name, change)


def _basins(*names: Any) -> Change:
    return lambda ds: ds.assign_coords(basin=np.asarray(names))


def _times(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda ds: ds.assign_coords(time=change(ds["time"].values.copy()))


def _place(values: np.ndarray, at: int, value: Any) -> np.ndarray:
    values[at] = value
    return values


REFUSED: dict[str, Change] = {
    "negative rain": _at("precipitation", -1),
    "rain of a kilometre": _at("precipitation", 1e6),
    "infinite rain": _at("precipitation", np.inf),
    "gap in the rain": _at("precipitation", np.nan),
    "missing code in the rain": _at("precipitation", -999),
    "missing code in the flow": _at("streamflow", -999),
    "infinite flow": _at("streamflow", np.inf),
    "no flow": _of("streamflow", lambda q: q * np.nan),
    "kelvin declared degC": _of("temperature", lambda t: t + 273.15),
    "flow in m3/s declared mm/d": _of("streamflow", lambda q: q * 40),
    "rain in m/d declared mm/d": _of("precipitation", lambda p: p / 1000),
    "rain in words": lambda ds: ds.assign(precipitation=ds["precipitation"].astype(str).assign_attrs(units="m d-1")),
    "flow in words": lambda ds: ds.assign(streamflow=ds["streamflow"].astype(str).assign_attrs(units="mm d-1")),
    "rain in truth values": lambda ds: ds.assign(precipitation=(ds["precipitation"] > 0).assign_attrs(units="mm d-1")),
    "attribute in words": lambda ds: ds.assign(aridity=ds["aridity"].astype(str)),
    "attribute as a date": lambda ds: ds.assign(aridity=("basin", ds["time"].values[:3])),
    "infinite attribute": _at("aridity", np.inf),
    "attribute over days": lambda ds: ds.assign(aridity=ds["precipitation"].drop_attrs()),
    "forcing without basins": lambda ds: ds.assign(precipitation=ds["precipitation"].isel(basin=0, drop=True)),
    "basin twice": _basins("a", "b", "a"),
    "basin without a name": _basins("a", "", "b"),
    "basin numbers with a gap": _basins(1.0, np.nan, 3.0),
    "basin numbers with a point": _basins(1.5, 2.5, 3.5),
    "no basin": lambda ds: ds.isel(basin=slice(0)),
    "no day": lambda ds: ds.isel(time=slice(0)),
    "day twice": lambda ds: ds.isel(time=np.r_[0:100, 99 : ds.sizes["time"]]),
    "day missing": lambda ds: ds.isel(time=np.r_[0:100, 101 : ds.sizes["time"]]),
    "day without a date": _times(lambda t: _place(t, 5, np.datetime64("NaT"))),
    "day of another century": _times(lambda t: _place(t, 5, np.datetime64("1800-01-01"))),
    "days as numbers": lambda ds: ds.assign_coords(time=np.arange(ds.sizes["time"])),
    "days as words": lambda ds: ds.assign_coords(time=ds["time"].values.astype("datetime64[D]").astype(str)),
    "hours": lambda ds: ds.assign_coords(
        time=ds["time"].values[0] + np.arange(ds.sizes["time"]) * np.timedelta64(1, "h")
    ),
    "weeks": lambda ds: ds.isel(time=slice(None, None, 7)),
    "no units": lambda ds: ds.assign(precipitation=ds["precipitation"].drop_attrs()),
    "units that are none": lambda ds: ds.assign(precipitation=ds["precipitation"].assign_attrs(units="furlong")),
    "units of another kind": lambda ds: ds.assign(precipitation=ds["precipitation"].assign_attrs(units="K")),
    "units that are a number": lambda ds: ds.assign(precipitation=ds["precipitation"].assign_attrs(units=3)),
    "units of great power": lambda ds: ds.assign(precipitation=ds["precipitation"].assign_attrs(units="m99999999")),
    "units of 5000 digits": lambda ds: ds.assign(
        precipitation=ds["precipitation"].assign_attrs(units="m" + "9" * 5000)
    ),
    "latitude beyond the pole": lambda ds: ds.assign_coords(latitude=("basin", [10.0, 95.0, 20.0])),
    "latitude in words": lambda ds: ds.assign_coords(latitude=("basin", ["a", "b", "c"])),
    "no area": lambda ds: ds.assign_coords(area=("basin", [0.0, 1.0, 1.0])),
    "a third dimension": lambda ds: ds.assign(extra=("depth", np.zeros(3))),
    "minimum and maximum exchanged": lambda ds: _with_range(ds, -4.0),
    "no rain column": lambda ds: ds.drop_vars("precipitation"),
    "no attribute": lambda ds: ds.drop_vars("aridity"),
}


def _with_range(ds: xr.Dataset, half: float) -> xr.Dataset:
    lower, upper = ds["temperature"] - half, ds["temperature"] + half
    attrs = {"units": "degC"}
    return ds.assign(temperature_min=lower.assign_attrs(attrs), temperature_max=upper.assign_attrs(attrs))


ACCEPTED: dict[str, Change] = {
    "days not in order": lambda ds: ds.isel(time=np.r_[500 : ds.sizes["time"], 0:500]),
    "days backwards": lambda ds: ds.isel(time=slice(None, None, -1)),
    "stamps at noon": _times(lambda t: t + np.timedelta64(12, "h")),
    "basin first": lambda ds: ds.transpose("basin", "time"),
    "double precision": lambda ds: ds.map(lambda v: v.astype(float) if v.dtype.kind == "f" else v, keep_attrs=True),
    "kelvin declared": _of("temperature", lambda t: t.astype(float) + 273.15, units="K"),
    "rain in metres": _of("precipitation", lambda p: p.astype(float) / 1000, units="m/d"),
    "rain as a mass flux": _of("precipitation", lambda p: p.astype(float) / 86400, units="kg m-2 s-1"),
    "units spelt otherwise": lambda ds: ds.assign(precipitation=ds["precipitation"].assign_attrs(units="mm/day")),
    "basin ids as bytes": lambda ds: ds.assign_coords(basin=np.asarray(material.BASINS, "S")),
    "big-endian": lambda ds: ds.assign(precipitation=ds["precipitation"].astype(">f4")),
}


def cases(sound: Path, scratch: Path) -> Iterator[Case]:
    """(kind, name, what is done, None for a refusal or what judges the content)."""
    dataset = material.world()
    expected = read_netcdf(sound)

    def written(change: Change) -> Callable[[], Any]:
        def use() -> Any:
            (scratch / "data.nc").write_bytes(material.netcdf_bytes(change(dataset)))
            return read_netcdf(scratch)

        return use

    for name, change in REFUSED.items():
        yield "NetCDF", name, written(change), None
    for name, change in ACCEPTED.items():
        yield "NetCDF", name, written(change), lambda found: oracle.same(found, expected)
    numbers = _basins(*(float(basin) for basin in material.BASINS))
    ids = [str(int(basin)) for basin in material.BASINS]
    yield (
        "NetCDF",
        "basin ids as numbers",
        written(numbers),
        lambda found: str(set(ids) ^ set(found["basin"].values.tolist()) or ""),
    )

    def lengths(ds):
        return ds.assign(day_length=(("time", "basin"), np.full(ds["precipitation"].shape, 40000), {"units": "s"}))

    yield (
        "NetCDF",
        "day length in whole seconds",
        written(lengths),
        lambda found: "" if float(found["day_length"].max()) == 40000 else "changed",
    )
    yield (
        "NetCDF",
        "a gap in an attribute",
        written(_at("aridity", np.nan)),
        lambda found: oracle.complaint(found, material.FORCINGS),
    )
    yield from _hostile_netcdf(sound, scratch)
    yield from _text(sound, scratch)
    yield from _stores(sound, scratch)
    yield from _splits(scratch)


def _hostile_netcdf(sound: Path, scratch: Path) -> Iterator[Case]:
    path = scratch / "data.nc"

    def with_h5(change: Callable[[h5py.File], Any]) -> Callable[[], Any]:
        def use() -> Any:
            shutil.copyfile(sound / "data.nc", path)
            with h5py.File(path, "a") as file:
                change(file)
            return read_netcdf(scratch)

        return use

    def sparse(file: h5py.File) -> None:
        huge = file.create_dataset("huge", (10**6, 10**7), "f4", chunks=(1, 10**4))
        for axis, name in enumerate(("a", "b")):
            scale = file.create_dataset(name, (huge.shape[axis],), "i1", chunks=(10**4,))
            scale.make_scale(name)
            huge.dims[axis].attach_scale(scale)

    def outside(file: h5py.File) -> None:
        shape = file["aridity"].shape
        del file["aridity"]
        made = file.create_dataset("aridity", shape, "f8", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])
        made.dims[0].attach_scale(file["basin"])

    def link(file: h5py.File) -> None:
        del file["aridity"]
        file["aridity"] = h5py.ExternalLink(str(sound / "data.nc"), "/aridity")

    def virtual(file: h5py.File) -> None:
        shape = file["aridity"].shape
        del file["aridity"]
        layout = h5py.VirtualLayout(shape, "f4")
        layout[:] = h5py.VirtualSource(str(sound / "data.nc"), "aridity", shape)
        file.create_virtual_dataset("aridity", layout).dims[0].attach_scale(file["basin"])

    def cycle(file: h5py.File) -> None:
        file.create_group("g")["again"] = file["/"]

    def compound(file: h5py.File) -> None:
        del file["aridity"]
        file.create_dataset("aridity", 3, np.dtype([("a", "f4"), ("b", "i4")])).dims[0].attach_scale(file["basin"])

    for name, change in (
        ("declares 40 TB", sparse), ("values in another file", outside), ("link to another file", link),
        ("view of another file", virtual), ("group that holds itself", cycle), ("compound type", compound),
    ):  # fmt: skip
        yield "NetCDF", name, with_h5(change), None
    for name, units in (
        ("time since a year beyond count", "days since 9999-01-01"),
        ("time since nothing", "days since"),
    ):

        def retimed(file: h5py.File, units: str = units) -> None:
            file["time"].attrs["units"] = units

        yield "NetCDF", name, with_h5(retimed), None
    for name, content in (
        ("NetCDF-3", b"CDF\x01" + bytes(100)),
        ("zip", b"PK\x03\x04" + bytes(100)),
        ("pickle", b"\x80\x04N."),
    ):
        yield "NetCDF", name, (lambda content=content: path.write_bytes(content) and read_netcdf(scratch)), None

    def device() -> Any:
        path.unlink()
        path.symlink_to("/dev/zero")
        try:
            return read_netcdf(scratch)
        finally:
            path.unlink()

    yield "NetCDF", "a device", device, None
    shutil.copyfile(sound / "data.nc", path) if not path.is_symlink() else None


def _text(sound: Path, scratch: Path) -> Iterator[Case]:
    forcing = "camels/basin_mean_forcing/daymet/01/01013500_lump_cida_forcing_leap.txt"
    flow = "camels/usgs_streamflow/01/01013500_streamflow_qc.txt"
    topo = "camels/camels_topo.txt"
    expected = read_text(sound)

    def edit(name: str, change: Callable[[list[str]], list[str]] | bytes) -> Callable[[], Any]:
        def use() -> Any:
            content = (
                change
                if isinstance(change, bytes)
                else "\n".join(change((sound / name).read_text().split("\n"))).encode()
            )
            (scratch / name).write_bytes(content)
            try:
                return read_text(scratch)
            finally:
                shutil.copyfile(sound / name, scratch / name)

        return use

    def sub(number: int, old: str, new: str) -> Callable[[list[str]], list[str]]:
        def change(lines: list[str]) -> list[str]:
            lines[number] = lines[number].replace(old, new, 1)
            return lines

        return change

    def field(number: int, place: int, word: str) -> Callable[[list[str]], list[str]]:
        def change(lines: list[str]) -> list[str]:
            words = lines[number].split()
            words[place] = word
            lines[number] = " ".join(words)
            return lines

        return change

    def carried(lines: list[str]) -> list[str]:
        words = lines[9].split()
        lines[9], lines[10] = " ".join(words[:-1]), lines[10] + " " + words[-1]
        return lines

    for word in ("1_000", "２", "abc", "inf", "-1", "1,5", "1e999", "5000", ""):
        yield "CAMELS-US text", f"rain {word!r}", edit(forcing, field(9, 5, word)), None
    for word in ("1980.5", "inf", "nan", "-999", "99999999", "10", "1e9", "1_980"):
        yield "CAMELS-US text", f"year {word}", edit(forcing, field(9, 0, word)), None
        yield "CAMELS-US text", f"year {word} of the flow", edit(flow, field(9, 1, word)), None
    for place, word in ((1, "13"), (1, "0"), (1, "1.5"), (2, "32"), (2, "0"), (2, "-3")):
        yield "CAMELS-US text", f"{'month' if place == 1 else 'day'} {word}", edit(forcing, field(9, place, word)), None
    for word in ("0", "-1", "nan", "inf", "abc", "1_000"):
        yield (
            "CAMELS-US text",
            f"area {word}",
            edit(forcing, lambda lines, word=word: [*lines[:2], word, *lines[3:]]),
            None,
        )
    for word in ("nan", "95", "abc"):
        yield "CAMELS-US text", f"latitude {word}", edit(forcing, lambda lines, word=word: [word, *lines[1:]]), None
    yield "CAMELS-US text", "columns in another order", edit(forcing, sub(3, "Year Mnth", "Mnth Year")), None
    yield "CAMELS-US text", "column twice", edit(forcing, sub(3, "swe(mm)", "prcp(mm)")), None
    yield "CAMELS-US text", "no column", edit(forcing, sub(3, "prcp", "rain")), None
    yield "CAMELS-US text", "a value carried to the next line", edit(forcing, carried), None
    yield "CAMELS-US text", "day twice", edit(forcing, lambda lines: [*lines[:10], lines[9], *lines[10:]]), None
    yield "CAMELS-US text", "day missing", edit(forcing, lambda lines: [*lines[:10], *lines[11:]]), None
    yield "CAMELS-US text", "no day", edit(forcing, lambda lines: lines[:4]), None
    yield "CAMELS-US text", "another gauge from a day on", edit(flow, sub(20, "01013500", "02056900")), None
    yield (
        "CAMELS-US text",
        "another gauge",
        edit(flow, lambda lines: [line.replace("01013500", "1") for line in lines]),
        None,
    )

    def many(lines):
        return [line.rsplit(" ", 1)[0] + f" f{i}" if line else line for i, line in enumerate(lines)]

    yield "CAMELS-US text", "a flag of its own each day", edit(flow, many), None
    yield "CAMELS-US text", "flow of a flood that cannot be", edit(flow, field(9, 4, "1e12")), None
    for name, content in (
        ("latin-1", "é".encode("latin-1") * 100),
        ("empty", b""),
        ("nul", bytes(1000)),
        ("one long line", b"1 " * 10**6),
    ):
        yield "CAMELS-US text", f"forcing {name}", edit(forcing, content), None
        yield "CAMELS-US text", f"flow {name}", edit(flow, content), None
        if name != "empty":
            yield "CAMELS-US attributes", name, edit(topo, content), None
    yield "CAMELS-US attributes", "empty", edit(topo, b""), None
    yield "CAMELS-US attributes", "basin twice", edit(topo, lambda lines: [*lines[:2], lines[1], *lines[2:]]), None
    yield (
        "CAMELS-US attributes",
        "column twice",
        edit(topo, lambda lines: [line + ";" + line.split(";")[1] if line else line for line in lines]),
        None,
    )
    yield (
        "CAMELS-US attributes",
        "word among numbers",
        edit(topo, lambda lines: [lines[0], lines[1].replace(";", ";x", 1), *lines[2:]]),
        None,
    )
    yield (
        "CAMELS-US attributes",
        "field without end",
        edit(topo, ("gauge_id;a\n01013500;" + "x" * 200_000).encode()),
        None,
    )
    yield (
        "CAMELS-US attributes",
        "attribute of another table",
        edit(topo, lambda lines: [line.replace("elev_mean", "aridity") for line in lines]),
        None,
    )
    for name, place in (("folder", forcing), ("folder of the flow", flow), ("table", topo)):
        yield "CAMELS-US text", f"{name} in the place of a file", _instead(sound, scratch, place, Path.mkdir), None

        def loop(path):
            return path.symlink_to(path)

        yield "CAMELS-US text", f"{name}: a link to itself", _instead(sound, scratch, place, loop), None

        def zero(path):
            return path.symlink_to("/dev/zero")

        yield "CAMELS-US text", f"{name}: a device", _instead(sound, scratch, place, zero), None

    def same(found):
        return oracle.same(found, expected)

    yield "CAMELS-US text", "days not in order", edit(forcing, lambda lines: [*lines[:4], *lines[4:-1][::-1], ""]), same
    yield (
        "CAMELS-US text",
        "windows line ends",
        edit(forcing, (sound / forcing).read_bytes().replace(b"\n", b"\r\n")),
        same,
    )
    yield "CAMELS-US text", "more blanks", edit(forcing, (sound / forcing).read_bytes().replace(b"\t", b"   \t ")), same
    yield "CAMELS-US text", "minimum and maximum crossed on a day", edit(forcing, _crossed), same
    for basins in ([], ["nowhere"], ["01013500", "01013500"], ["../../x"]):
        yield (
            "CAMELS-US text",
            f"basins {basins}",
            (lambda basins=basins: data.read_text(sound / "camels", basins=basins)),
            None,
        )


def _crossed(lines: list[str]) -> list[str]:
    words = lines[9].split()
    words[8], words[9] = words[9], words[8]
    lines[9] = " ".join(words)
    return lines


def _instead(sound: Path, scratch: Path, name: str, make: Callable[[Path], Any]) -> Callable[[], Any]:
    def use() -> Any:
        path = scratch / name
        path.unlink()
        make(path)
        try:
            return read_text(scratch)
        finally:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            shutil.copyfile(sound / name, path)

    return use


def _stores(sound: Path, scratch: Path) -> Iterator[Case]:
    store = scratch / "store.zarr"

    def changed(change: Callable[[Path], Any]) -> Callable[[], Any]:
        def use() -> Any:
            shutil.rmtree(store, ignore_errors=True)
            shutil.copytree(sound / "store.zarr", store)
            change(store)
            try:
                return read_store(scratch)
            finally:
                if (scratch / "owned").exists():
                    raise RuntimeError("what the file says was run")
                if store.is_symlink() or store.is_file():
                    store.unlink()
                else:
                    shutil.rmtree(store, ignore_errors=True)
                shutil.copytree(sound / "store.zarr", store)

        return use

    def described(name: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
        def edit(path: Path) -> None:
            file = path / name / "zarr.json"
            content = json.loads(file.read_text())
            change(content)
            file.write_text(json.dumps(content))

        return edit

    def grid(*shape: int) -> Callable[[dict[str, Any]], None]:
        def change(content: dict[str, Any]) -> None:
            content["chunk_grid"]["configuration"]["chunk_shape"] = list(shape)

        return change

    def pieces(*shape: int) -> Callable[[dict[str, Any]], None]:
        def change(content: dict[str, Any]) -> None:
            grid(*shape)(content)
            content["codecs"][0]["configuration"]["chunk_shape"] = list(shape)

        return change

    def no_sharding(content: dict[str, Any]) -> None:
        content["codecs"] = [{"name": "numcodecs.pickle", "configuration": {}}]

    table: dict[str, Callable[[Path], Any]] = {
        "terabytes of attributes": described("aridity", lambda c: c.update(shape=[10**12])),
        "terabytes of days": described("time", lambda c: c.update(shape=[10**12])),
        "terabytes of rain": described("precipitation", lambda c: c.update(shape=[10**7, 10**7])),
        "rain without days": described("precipitation", lambda c: c.update(shape=[0, 0])),
        "pieces of gigabytes": described("precipitation", pieces(10**5, 10**5)),
        "pieces of nothing": described("precipitation", grid(0, 0)),
        "pieces less than nothing": described("precipitation", grid(-1, -1)),
        "one dimension": described("precipitation", lambda c: c.update(shape=[1095])),
        "words for rain": described("precipitation", lambda c: c.update(data_type="string")),
        "a codec that runs what it reads": described("precipitation", no_sharding),
        "a codec of no name": described("precipitation", lambda c: c.update(codecs=[{}])),
        "codecs that are none": described("precipitation", lambda c: c.update(codecs="pickle")),
        "another version": described("", lambda c: c.update(zarr_format=2)),
        "not finished": described("", lambda c: c["attributes"].clear()),
        "deep description": lambda path: (path / "zarr.json").write_text("[" * 100_000),
        "no description": lambda path: (path / "zarr.json").unlink(),
        "a variable without description": lambda path: (path / "precipitation/zarr.json").unlink(),
        "no variable": lambda path: shutil.rmtree(path / "precipitation"),
        "no days": lambda path: shutil.rmtree(path / "time"),
        "a piece missing": lambda path: next((path / "precipitation/c").glob("*/*")).unlink(),
        "a file": lambda path: shutil.rmtree(path) or path.write_bytes(b"PK\x03\x04" + bytes(100)),
        "a link to itself": lambda path: shutil.rmtree(path) or path.symlink_to(path),
        "pickled words": _pickled,
    }
    for name, change in table.items():
        yield "Zarr store", name, changed(change), None
    yield "Zarr store", "sound", changed(lambda path: None), lambda found: oracle.same(found, read_netcdf(sound))
    yield "Zarr store", "a name outside", (lambda: open_store(Path("../../nowhere.zarr"))), None


def _pickled(path: Path) -> None:
    """A store of the old format whose filter unpickles; the pickle makes a folder if anybody opens it."""
    shutil.rmtree(path)
    path.mkdir()
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    (path / ".zattrs").write_text('{"dgeo_basins": 1}')
    for name in ("basin", "name"):
        (path / name).mkdir()
        (path / name / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["basin"]}')
        (path / name / ".zarray").write_text(
            '{"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "compressor": null, "order": "C", '
            '"fill_value": null, "filters": [{"id": "pickle", "protocol": 4}]}'
        )
        mark = str(path.parent / "owned")
        code = b"cposix\nmkdir\n(S'" + os.fsencode(mark) + b"'\ntR."
        (path / name / "0").write_bytes(code)


def _splits(scratch: Path) -> Iterator[Case]:
    path = scratch / "bad_split.json"
    rest = '"validation": null, "test": ["2001-01-01", "2002-01-01"]}'
    contents = {
        "a number for basins": '{"kind": "BasinSplit", "train": 5, "test": []}',
        "a word for basins": '{"kind": "BasinSplit", "train": "abc", "test": ["d"]}',
        "numbers for basins": '{"kind": "BasinSplit", "train": [1], "test": [2]}',
        "basins in basins": '{"kind": "BasinSplit", "train": [["a"]], "test": ["b"]}',
        "basin on both sides": '{"kind": "BasinSplit", "train": ["a"], "test": ["a"]}',
        "three dates": f'{{"kind": "TemporalSplit", "train": ["2000-01-01"], {rest}',
        "dates that are none": '{"kind": "TemporalSplit", "train": ["a", "b"], "validation": null, "test": ["c", "d"]}',
        "years in words": '{"kind": "YearSplit", "train": {"a": ["x"]}, "test": {"a": [2001]}}',
        "years in a list": '{"kind": "YearSplit", "train": [2000], "test": [2001]}',
        "year on both sides": '{"kind": "YearSplit", "train": {"a": [2001]}, "test": {"a": [2001]}}',
        "deep": '{"kind": ' + "[" * 100_000,
        "a class of Python": '{"kind": "object"}',
        "kind a list": '{"kind": []}',
        "nul": "\0",
    }  # fmt: skip

    def use(text: str) -> Any:
        path.write_text(text)
        split = data.load_split(path)
        data.check_leakage(split)
        return split

    for name, text in contents.items():
        yield "split", name, (lambda text=text: use(text)), None
    yield "split", "a device", (lambda: data.load_split("/dev/zero")), None
    good = f'{{"kind": "TemporalSplit", "train": ["2000-01-01", "2000-12-31"], {rest}'
    yield "split", "sound", (lambda: use(good)), right
