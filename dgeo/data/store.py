"""Zarr stores: data sets larger than memory, laid out for what training reads.

Training reads a few years of basins chosen at random. So a piece (a chunk) is one basin with all its time steps, up to
`STEPS` of them: a window is one read, and 40 years of days are 58 kB of it. A file (a shard) holds the pieces of
`blocks.BASINS` basins, so that a million basins are four thousand files a variable. Every piece carries a checksum.

Series are read only when they are looked at, with tensorstore, which takes a tenth of zarr's time for such pieces.
"""

import json
import logging
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from dgeo.data import blocks
from dgeo.data.axes import check_axes
from dgeo.data.checks import existing
from dgeo.data.limited import limited_text
from dgeo.data.memory import require_memory
from dgeo.data.variables import DIMS, is_text
from dgeo.errors import DgeoError

STEPS = 2**15
CODECS = {"blosc", "bytes", "crc32c", "gzip", "sharding_indexed", "transpose", "vlen-bytes", "vlen-utf8", "zstd"}
LARGEST_JSON = 10_000_000  # bytes of a description
LARGEST_PIECE = 2**26  # values
MARK = "dgeo_basins"  # written last: how many basins the finished store holds


def write_store(parts: xr.Dataset | Iterable[xr.Dataset], path: str | Path) -> None:
    """Write a canonical dataset, or parts of one that hold some of its basins each, to a Zarr store.

    Parts have the same days and variables, and are held two at a time. The store appears under its name when it is
    whole; what an interruption leaves behind is `.NAME.partial`, which the next attempt removes.

    Raises `DgeoError` where `path` exists, parts differ, a basin comes twice, or zarr is not installed.
    """
    zarr, path = libraries()[0], Path(path)
    if path.exists():
        raise DgeoError(f"{path} already exists; remove it, or choose another path for the store.")
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        root = zarr.create_group(partial, zarr_format=3)
        sites = [_append(root, block) for block in _blocks([parts] if isinstance(parts, xr.Dataset) else parts)]
        if not sites:
            raise DgeoError(f"There is no part to write to {path}; give at least one dataset.")
        whole = xr.concat(sites, "basin", data_vars="minimal", coords="minimal", combine_attrs="override")
        check_axes(whole)
        spelt(whole).to_zarr(partial, mode="a", consolidated=False)
        zarr.open_group(partial, mode="r+").attrs[MARK] = whole.sizes["basin"]
        os.replace(partial, path)
    except OSError as error:
        raise DgeoError(f"The store {path} cannot be written ({error.strerror}); choose another place.") from error


def open_store(path: str | Path) -> xr.Dataset:
    """The dataset of a store: series are read from disk each time they are looked at, all else is in memory.

    Raises `DgeoError` for a store that is missing, unfinished or short of files, and, when a piece is read that is
    damaged, names the variable.
    """
    _, tensorstore = libraries()
    path = existing(path, "store")
    _check_codecs(path)
    try:
        found = xr.open_dataset(
            path, engine="zarr", chunks=None, cache=False, consolidated=False, decode_timedelta=False
        )
    except Exception as error:
        raise DgeoError(f"{path} is no Zarr store ({error}); write it with dgeo.data.write_store.") from error
    if found.attrs.pop(MARK, None) != found.sizes.get("basin", 0):
        raise DgeoError(f"The store {path} is not finished; write it anew with dgeo.data.write_store.")
    series = [str(name) for name, variable in found.data_vars.items() if variable.dims == DIMS]
    lazy = {name: (DIMS, _series(tensorstore, path, name), found[name].attrs) for name in series}
    rest = found.drop_vars(series)
    require_memory(rest, path)
    try:
        return _plain(rest.load()).assign(lazy)
    except Exception as error:
        raise DgeoError(
            f"The store {path} is damaged ({type(error).__name__}: {error}); copy or write it anew."
        ) from error


def _check_codecs(path: Path) -> None:
    """Refuse what no store of ours has, before a library acts on it: old formats, whose filters may run code."""
    if not path.is_dir():
        raise DgeoError(f"{path} is no Zarr store, which is a folder; write it with dgeo.data.write_store.")
    for place in (path, *sorted(part for part in path.iterdir() if part.is_dir())):
        try:
            described = json.loads(limited_text(place / "zarr.json", LARGEST_JSON))
            wrong = described["zarr_format"] != 3 or not set(_codecs(described.get("codecs", []))) <= CODECS
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DgeoError(f"{place} is no Zarr store or part of one ({error}); write it with write_store.") from error
        if wrong:
            raise DgeoError(f"{place} is packed in a way that is not trusted; write it with dgeo.data.write_store.")


def _codecs(described: list[dict[str, Any]]) -> Iterator[str]:
    """The names of all codecs, those within shards too."""
    for codec in described:
        yield codec["name"]
        inner = codec.get("configuration", {})
        yield from (name for key in ("codecs", "index_codecs") for name in _codecs(inner.get(key, [])))


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a complaint is more than what zarr's own tasks leave behind when one of them has failed."""
    said = record.getMessage()
    return not ("never retrieved" in said and "zarr" in said)


def libraries() -> tuple[Any, Any]:
    """The packages zarr and tensorstore; raises `DgeoError` where one is not installed."""
    try:
        import tensorstore
        import zarr
    except ImportError as error:
        raise DgeoError(
            f"Zarr stores need the package {error.name}, which is not installed: pip install dgeo[zarr]."
        ) from error
    logging.getLogger("asyncio").addFilter(_is_news)
    return zarr, tensorstore


def _blocks(parts: Iterable[xr.Dataset]) -> Iterator[xr.Dataset]:
    """The basins of all parts in blocks that fill a file each, but the last."""
    rest: xr.Dataset | None = None
    for part in parts:
        check_axes(part)
        joined = part if rest is None else _joined(rest, part)
        whole = joined.sizes["basin"] // blocks.BASINS * blocks.BASINS
        yield from blocks.blocks_of(joined.isel(basin=slice(whole)))
        rest = joined.isel(basin=slice(whole, None)).load()
    if rest is not None and rest.sizes["basin"]:
        yield rest


def _joined(first: xr.Dataset, second: xr.Dataset) -> xr.Dataset:
    apart = sorted({*map(str, first.variables)} ^ {*map(str, second.variables)})
    if apart:
        raise DgeoError(f"Only some parts of the data have the variable '{apart[0]}'; give all parts the same ones.")
    if not np.array_equal(first["time"].values, second["time"].values):
        basin = second["basin"].values[0]
        raise DgeoError(f"The part from basin '{basin}' on has other days than those before; give all the same days.")
    return xr.concat([first, second], "basin", data_vars="minimal", coords="minimal", combine_attrs="override")


def _append(root: Any, block: xr.Dataset) -> xr.Dataset:
    """Write the series of a block behind those before; returns what has no time, which is small."""
    series = [name for name, variable in block.data_vars.items() if variable.dims == DIMS]
    for name in map(str, series):
        values = block[name].values
        array = root[name] if name in root else created(root, name, block[name])
        known = array.shape[1]
        array.resize((len(values), known + values.shape[1]))
        array[:, known:] = values
    return block.drop_vars(series).load()


def created(root: Any, name: str, variable: xr.DataArray, basins: int = 0) -> Any:
    """An array for a series of so many basins, laid out as the head of this file says."""
    from zarr.codecs import ZstdCodec

    days = variable.sizes["time"]
    length = -(-days // -(-days // STEPS))
    attrs = {key: value for key, value in variable.attrs.items() if isinstance(value, str | int | float)}
    return root.create_array(
        name,
        shape=(days, basins),
        chunks=(length, 1),
        shards=(length, blocks.BASINS),
        dtype=variable.dtype,
        fill_value=np.nan if variable.dtype.kind == "f" else 0,
        compressors=ZstdCodec(level=1, checksum=True),
        dimension_names=DIMS,
        attributes=attrs,
        config={"write_empty_chunks": True},
    )


def spelt(ds: xr.Dataset) -> xr.Dataset:
    """Words as objects, for which Zarr has a specification."""
    return ds.assign({n: v.astype(object) for n, v in ds.variables.items() if is_text(ds[n])}).drop_encoding()


def _plain(ds: xr.Dataset) -> xr.Dataset:
    """Words as numpy has them."""
    words = {name: ds[name] for name in ds.variables if is_text(ds[name])}
    return ds.assign({n: (v.dims, np.asarray(v.values.tolist(), str), v.attrs) for n, v in words.items()})


def _series(tensorstore: Any, path: Path, name: str) -> indexing.LazilyIndexedArray:
    return indexing.LazilyIndexedArray(_Series(tensorstore, path, name))


class _Series(BackendArray):
    """One series of a store, read through tensorstore whenever it is indexed."""

    def __init__(self, tensorstore: Any, path: Path, name: str) -> None:
        self.place = f"'{name}' of the store {path}"
        spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{path.resolve() / name}/"}}
        try:
            self.array = tensorstore.open(spec, read=True, open=True).result()
        except ValueError as error:
            raise DgeoError(f"{self.place} cannot be read ({error}); copy or write it anew.") from error
        self.shape, self.dtype = self.array.shape, self.array.dtype.numpy_dtype
        shard, piece = (
            chunk.shape for chunk in (self.array.chunk_layout.write_chunk, self.array.chunk_layout.read_chunk)
        )
        if math.prod(piece) > LARGEST_PIECE or not all((*shard, *piece)):
            raise DgeoError(
                f"{self.place} is in pieces of {list(piece)} [time, basin], each of which is read whole, and one of "
                f"more than {LARGEST_PIECE} values fills the memory; write it with dgeo.data.write_store."
            )
        whole = math.prod(-(-size // part) for size, part in zip(self.shape, shard, strict=True))
        files = sum(1 for _ in (path / name / "c").glob("*/*"))
        if files != whole:
            raise DgeoError(f"{self.place} has {files} files instead of {whole}; copy or write it anew.")

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        places = tuple(_within(part, size) for part, size in zip(key, self.shape, strict=True))
        try:
            return np.asarray(self.array.oindex[places].read().result())
        except ValueError as error:
            raise DgeoError(f"{self.place} cannot be read ({error}); copy or write it anew.") from error


def _within(part: Any, size: int) -> Any:
    """An index as tensorstore takes it: not negative, slices inside the axis and without steps."""
    if isinstance(part, slice):
        first, last, step = part.indices(size)
        return slice(first, max(first, last)) if step == 1 else np.arange(first, last, step)
    return np.where(part < 0, part + size, part) if isinstance(part, np.ndarray) else int(part) % size
