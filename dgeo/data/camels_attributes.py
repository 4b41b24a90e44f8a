"""The attribute tables of CAMELS-US: one row a basin, columns separated by semicolons.

Addor et al. (2017), doi 10.5194/hess-21-5293-2017; the units are those of its tables.
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xarray as xr

from dgeo.data.axes import repeated
from dgeo.data.checks import existing
from dgeo.data.limited import limited_text
from dgeo.data.selection import positions
from dgeo.data.variables import describe
from dgeo.errors import DgeoError

_MISSING = ("NA", "NaN", "nan", "")
_COORDINATES = {
    "gauge_lat": "latitude", "gauge_lon": "longitude", "huc_02": "region", "gauge_name": "name"
}  # fmt: skip
_CORRECTED = {"geol_porostiy": "geol_porosity"}
_UNITS = {
    "mm d-1": ("p_mean", "pet_mean", "q_mean", "q5", "q95"),
    "d yr-1": ("high_prec_freq", "low_prec_freq", "high_q_freq", "low_q_freq"),
    "d": ("high_prec_dur", "low_prec_dur", "high_q_dur", "low_q_dur"),
    "log10(m2)": ("geol_permeability",),
    "m": (
        "soil_depth_pelletier",
        "soil_depth_statsgo",
        "max_water_content",
        "elev_mean",
        "root_depth_50",
        "root_depth_99",
    ),
    "cm h-1": ("soil_conductivity",),
    "%": ("sand_frac", "silt_frac", "clay_frac", "water_frac", "organic_frac", "other_frac"),
    "m km-1": ("slope_mean",),
    "km2": ("area_gages2", "area_geospa_fabric"),
    "day of water year": ("hfd_mean",),
}
_UNIT_OF = {name: units for units, names in _UNITS.items() for name in names}


def _table(path: Path) -> dict[str, dict[str, str]]:
    """Column → basin → text, as the file has it."""
    try:
        lines = io.StringIO(limited_text(path), newline="")
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=";") if row]
    except (OSError, ValueError, csv.Error) as error:
        raise DgeoError(f"The attribute table '{path}' cannot be read ({error}); fetch it again.") from error
    if not rows or rows[0][0] != "gauge_id":
        raise DgeoError(f"The attribute table '{path}' does not begin with a column gauge_id; give a CAMELS-US table.")
    for what, names in (("column", rows[0]), ("basin", [row[0] for row in rows[1:]])):
        if twice := repeated(names):
            raise DgeoError(
                f"The attribute table '{path}' has the {what} '{twice[0]}' more than once; keep one of them."
            )
    columns: dict[str, dict[str, str]] = {name: {} for name in rows[0][1:]}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]):
            raise DgeoError(
                f"Line {number} of '{path}' has {len(row)} values where {len(rows[0])} are expected; the "
                "file may be truncated."
            )
        for name, value in zip(rows[0][1:], row[1:], strict=True):
            columns[name][row[0]] = value
    return columns


def _values(name: str, cells: dict[str, str], ids: list[str]) -> np.ndarray:
    """Numbers with NaN in the gaps, or words with an empty word in the gaps."""
    texts = ["" if cells.get(basin, "") in _MISSING else cells[basin] for basin in ids]
    if name in ("huc_02", "gauge_name"):
        return np.array(texts)
    try:
        return np.array([float(text) if text else np.nan for text in texts])
    except ValueError:
        _check_words(name, texts, ids)
        return np.array(texts)


def _check_words(name: str, texts: list[str], ids: list[str]) -> None:
    """A word among many numbers is a slip of the pen and no category."""
    words = [place for place, text in enumerate(texts) if text and not _is_number(text)]
    if 2 * len(words) < sum(map(bool, texts)):
        raise DgeoError(
            f"The attribute '{name}' of basin '{ids[words[0]]}' is '{texts[words[0]]}' among numbers; correct it, or "
            "leave it empty."
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _variable(name: str, values: np.ndarray) -> xr.DataArray:
    """A coordinate keeps double precision, an attribute becomes float32."""
    if name in _COORDINATES:
        return xr.DataArray(values, dims="basin", attrs=describe(_COORDINATES[name]))
    attrs = {"units": _UNIT_OF.get(name, "1"), "long_name": name.replace("_", " ")}
    return xr.DataArray(values.astype(np.float32) if values.dtype.kind == "f" else values, dims="basin", attrs=attrs)


def _ids(columns: dict[str, dict[str, str]], basins: Iterable[str] | None) -> list[str]:
    ids = sorted({basin for cells in columns.values() for basin in cells})
    return ids if basins is None else [ids[i] for i in positions(basins, ids)]


def read_attributes(folder: str | Path, basins: Iterable[str] | None = None, signatures: bool = False) -> xr.Dataset:
    """The attributes of all 671 basins, or of `basins` in that order, as variables over `basin`.

    Every `camels_*.txt` of the folder is read, except the streamflow signatures of `camels_hydro.txt`, which
    are computed from the target: they come with `signatures=True` only. Latitude, longitude [degrees],
    `region` (HUC-2, such as '01') and `name` are coordinates. A column of words stays words (a gap is an
    empty word); a gap in a column of numbers is NaN. The file's `geol_porostiy` is called `geol_porosity`.
    Raises `DgeoError` for a missing folder, a broken table or an unknown basin.
    """
    paths = sorted(existing(folder, "attribute folder").glob("camels_*.txt"))
    if not paths:
        raise DgeoError(
            f"The attribute folder '{folder}' holds no camels_*.txt; give the folder of the CAMELS-US tables."
        )
    columns: dict[str, dict[str, str]] = {}
    for path in paths:
        if signatures or path.stem != "camels_hydro":
            found = _table(path)
            if twice := sorted(columns.keys() & found.keys()):
                raise DgeoError(
                    f"'{path}' has the attribute '{twice[0]}', as another table has; keep it in one of them."
                )
            columns |= found
    ids = _ids(columns, basins)
    variables = {}
    for name, cells in columns.items():
        canonical = _COORDINATES.get(name) or _CORRECTED.get(name, name)
        variables[canonical] = _variable(name if name in _COORDINATES else canonical, _values(name, cells, ids))
    ds = xr.Dataset(variables, coords={"basin": ids})
    return ds.set_coords([name for name in _COORDINATES.values() if name in ds])
