"""One number that tells two datasets apart, for the record of a run."""

import hashlib

import numpy as np
import xarray as xr

from dgeo.data.blocks import parts_of
from dgeo.data.variables import DIMS, is_text


def _content(variable: xr.DataArray) -> bytes:
    """The values as bytes that do not depend on machine, memory layout or the payload of a NaN."""
    values = variable.values
    if is_text(variable):
        return "\x00".join(str(value) for value in values.ravel()).encode()
    if values.dtype.kind in "mM":
        return (
            values.astype("datetime64[ns]" if values.dtype.kind == "M" else "timedelta64[ns]").astype("<i8").tobytes()
        )
    if values.dtype.kind == "f" and np.isnan(values).any():
        values = np.where(np.isnan(values), values.dtype.type(np.nan), values)
    return np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def fingerprint(ds: xr.Dataset) -> str:
    """The SHA-256 of a dataset's names, dimensions, units, coordinates and values.

    It does not depend on the order of the variables, on chunks, on other attrs or on the file the dataset
    came from.
    """
    digest = hashlib.sha256()
    for name in sorted(map(str, ds.variables)):
        variable = ds[name]
        kind = "text" if is_text(variable) else variable.dtype.kind + str(variable.dtype.itemsize)
        header = (name, kind, variable.dims, variable.shape, variable.attrs.get("units", ""))
        digest.update(repr(header).encode())
        blocks = parts_of(variable.sizes["basin"]) if variable.dims == DIMS else [...]
        for part in blocks:
            digest.update(_content(variable[..., part]))
    return digest.hexdigest()
