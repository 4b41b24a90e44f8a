"""Reading a run folder, where any file may be missing, truncated or partial.

Every failure is one `DgeoError` sentence, which the page prints in the place of what needed the file.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from dgeo.data import limited_text
from dgeo.errors import DgeoError


def require_file(path: Path) -> None:
    """Raise DgeoError where there is no such file."""
    if not path.is_file():
        raise DgeoError(f"The run folder holds no {path.name}, so this part is left out.")


def read_text(path: Path) -> str:
    """The text of a file; bytes that are no UTF-8 are replaced, since the text is only shown."""
    require_file(path)
    try:
        return limited_text(path, errors="replace")
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def read_json(path: Path) -> Mapping[str, Any]:
    """The object in a JSON file; raises DgeoError where the file is missing or holds no object."""
    text = read_text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unreadable(path, error) from error
    if not isinstance(content, dict):
        raise DgeoError(f"The file {path.name} holds no JSON object, so this part is left out.")
    return content


def read_table(path: Path, *columns: str) -> pd.DataFrame:
    """The rows of a CSV file that has at least `columns`; basin ids stay text and keep leading zeros."""
    require_file(path)
    try:
        table = pd.read_csv(path, dtype={"basin": str, "region": str})
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    for column in columns:
        if column not in table:
            raise DgeoError(f"The file {path.name} has no column {column}, so this part is left out.")
    if table.empty:
        raise DgeoError(f"The file {path.name} has no rows, so this part is left out.")
    return table


def read_scores(path: Path, *columns: str) -> pd.DataFrame:
    """The per-basin table `metrics.csv` with `columns` as floats, a value that is no number being NaN."""
    table = read_table(path, "basin", *columns)
    return table.assign(**{column: pd.to_numeric(table[column], errors="coerce") for column in columns})


def open_dataset(path: Path, *variables: str) -> xr.Dataset:
    """A NetCDF file, opened lazily: use it as a context manager and read only what is drawn."""
    require_file(path)
    try:
        dataset = xr.open_dataset(path, engine="h5netcdf", decode_timedelta=False)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise unreadable(path, error) from error
    for variable in variables:
        if variable not in dataset.variables:
            dataset.close()
            raise DgeoError(f"The file {path.name} has no variable {variable}, so this part is left out.")
    return dataset


def unreadable(path: Path, error: Exception) -> DgeoError:
    """The sentence for a file that exists and cannot be read."""
    reason = " ".join(str(error).split()).rstrip(".")
    return DgeoError(f"The file {path.name} cannot be read ({reason}), so this part is left out.")
