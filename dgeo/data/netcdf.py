"""Reading NetCDF files whole: whatever is wrong with one is a sentence, and its size is looked at first."""

from collections.abc import Callable
from pathlib import Path

import h5py
import xarray as xr

from dgeo.data.checks import existing
from dgeo.data.memory import require_memory
from dgeo.errors import DgeoError

MOST = 2_000  # variables and groups


def read_netcdf(
    path: str | Path,
    what: str = "data file",
    remedy: str = "write it anew",
    choose: Callable[[xr.Dataset], xr.Dataset] = lambda raw: raw,
) -> xr.Dataset:
    """What `choose` takes of a NetCDF-4 file, in memory.

    Numbers with a unit of time stay numbers. Raises `DgeoError` where the file is missing, damaged, of another kind,
    takes its values from other files, or is larger than the memory that is free.
    """
    path = existing(path, what)
    try:
        _check_confined(path)
        with xr.open_dataset(path, engine="h5netcdf", decode_timedelta=False) as raw:
            chosen = choose(raw)
            require_memory(chosen, path)
            return chosen.load()
    except DgeoError:
        raise
    except Exception as error:  # HDF5 answers damage with errors of every kind
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise DgeoError(f"The {what} '{path}' is damaged or no NetCDF-4 file ({reason}); {remedy}.") from error


def _check_confined(path: Path) -> None:
    """Refuse what HDF5 would fetch from other files: links out, values kept elsewhere, views of other files."""
    with h5py.File(path, "r") as file:
        waiting: list[h5py.Group] = [file]
        seen = 0
        while waiting:
            group = waiting.pop()
            for name in group:
                seen += 1
                if isinstance(group.get(name, getlink=True), h5py.ExternalLink | h5py.SoftLink):
                    raise DgeoError(
                        f"'{name}' of '{path}' is a link to another place; give a file that holds its data."
                    )
                item = group[name]
                if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                    raise DgeoError(
                        f"'{name}' of '{path}' takes its values from another file; give one that holds them."
                    )
                if isinstance(item, h5py.Group):
                    waiting.append(item)
                if seen > MOST:
                    raise DgeoError(f"'{path}' holds more than {MOST} groups and variables; give the data alone.")
