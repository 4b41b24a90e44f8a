"""Zarr stores and saved splits that are bad in a known way, or sound in an unusual one."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.bad_inputs import oracle
from benchmarks.bad_inputs.config_cases import Case, right
from benchmarks.bad_inputs.targets import read_netcdf, read_store
from dgeo import data
from dgeo.data.store import open_store


def stores(sound: Path, scratch: Path) -> Iterator[Case]:
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


def splits(scratch: Path) -> Iterator[Case]:
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
