"""Reading NetCDF files whole: whatever is wrong with one is a sentence, and its size is looked at first."""

from collections.abc import Callable
from pathlib import Path

import xarray as xr

from dgeo.data.checks import existing
from dgeo.data.memory import require_memory
from dgeo.errors import DgeoError


def read_netcdf(
    path: str | Path,
    what: str = "data file",
    remedy: str = "write it anew",
    choose: Callable[[xr.Dataset], xr.Dataset] = lambda raw: raw,
) -> xr.Dataset:
    """What `choose` takes of a NetCDF-4 file, in memory.

    Numbers with a unit of time stay numbers. Raises `DgeoError` where the file is missing, damaged, of another kind, or
    larger than the memory that is free.
    """
    path = existing(path, what)
    try:
        with xr.open_dataset(path, engine="h5netcdf", decode_timedelta=False) as raw:
            chosen = choose(raw)
            require_memory(chosen, path)
            return chosen.load()
    except DgeoError:
        raise
    except Exception as error:  # HDF5 answers damage with errors of every kind
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise DgeoError(f"The {what} '{path}' is damaged or no NetCDF-4 file ({reason}); {remedy}.") from error
