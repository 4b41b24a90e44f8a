"""Stores that are written block by block, in as many sittings as it takes."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr

from dgeo.data.blocks import parts_of
from dgeo.data.store import MARK, created, libraries, spelt
from dgeo.errors import DgeoError

WHAT, DONE = "dgeo_what", "dgeo_done"


def grow_store(
    path: str | Path,
    sites: xr.Dataset,
    block: Callable[[slice], xr.Dataset],
    mark: str,
    watch: Callable[[int], object] = lambda done: None,
) -> None:
    """Write the series that `block(part)` gives of each part of the basins, in memory for one part at a time.

    `sites` holds the days and all that has no time. An interruption leaves `.NAME.partial`; a call with the same `mark`
    of what is written goes on after the last part that is whole, one with another begins anew. `watch` is told how many
    basins are done. The store appears under its name when it is whole.

    Raises `DgeoError` where `path` exists or cannot be written, or zarr is not installed.
    """
    zarr, path, basins = libraries()[0], Path(path), sites.sizes["basin"]
    if path.exists():
        raise DgeoError(f"{path} already exists; remove it, or choose another path for the store.")
    partial = path.with_name(f".{path.name}.partial")
    try:
        root, done = _taken_up(zarr, partial, mark)
        for part in parts_of(basins):
            if part.stop > done:
                _put(root, block(part), part, basins)
                root.attrs[DONE] = part.stop
            watch(part.stop)
        spelt(sites).to_zarr(partial, mode="a", consolidated=False)
        root = zarr.open_group(partial, mode="r+")
        root.attrs.put({**{name: told for name, told in root.attrs.items() if name not in (WHAT, DONE)}, MARK: basins})
        os.replace(partial, path)
    except OSError as error:
        raise DgeoError(f"The store {path} cannot be written ({error.strerror}); choose another place.") from error


def _taken_up(zarr: Any, partial: Path, mark: str) -> tuple[Any, int]:
    """The store as an interruption left it, and how many of its basins are done; a new one where it left none."""
    try:
        root = zarr.open_group(partial, mode="r+")
        if root.attrs[WHAT] == mark:
            return root, int(root.attrs[DONE])
    except (KeyError, ValueError, FileNotFoundError):
        pass
    shutil.rmtree(partial, ignore_errors=True)
    root = zarr.create_group(partial, zarr_format=3)
    root.attrs.put({WHAT: mark, DONE: 0})
    return root, 0


def _put(root: Any, block: xr.Dataset, part: slice, basins: int) -> None:
    for name, series in block.data_vars.items():
        array = root[name] if name in root else created(root, str(name), series, basins)
        array[:, part] = series.values
