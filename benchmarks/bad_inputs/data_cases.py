"""Data that are bad in a known way, or sound in an unusual one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from benchmarks.bad_inputs import material, oracle, store_cases, text_cases
from benchmarks.bad_inputs.config_cases import Case
from benchmarks.bad_inputs.targets import read_netcdf

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
    yield from text_cases.cases(sound, scratch)
    yield from store_cases.stores(sound, scratch)
    yield from store_cases.splits(scratch)


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
