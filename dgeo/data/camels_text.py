"""The text files of CAMELS-US: one forcing file and one streamflow file a basin.

A forcing file has three header lines (latitude, elevation [m], area [m2]), a line of column names and one
line a day. A streamflow file has one line a day: gauge id, year, month, day, flow [ft3 s-1], quality flag.
Newman et al. (2015), doi 10.5194/hess-19-209-2015.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dgeo.data.axes import repeated
from dgeo.data.checks import text_of
from dgeo.errors import DgeoError

MISSING = -999.0
FIRST_YEAR, LAST_YEAR = 1700, 2200
MOST_FLAGS = 20
_HEADER_LINES = 4


class Forcing(NamedTuple):
    """A forcing file: `values[column]` over `dates`, area in m2."""

    latitude: float
    elevation: float
    area: float
    dates: np.ndarray
    values: dict[str, np.ndarray]


class Streamflow(NamedTuple):
    """A streamflow file: flow [ft3 s-1] with NaN for missing codes; the quality flag is `names[codes]`."""

    dates: np.ndarray
    flow: np.ndarray
    codes: np.ndarray
    names: tuple[str, ...]


def basin_of(path: Path) -> str:
    """The gauge id, with which the name of every file begins."""
    return path.name.split("_")[0]


def find(folder: Path, pattern: str) -> dict[str, Path]:
    """Basin → file, in the folder itself or in a folder for each HUC-2 region."""
    paths = sorted(folder.rglob(pattern))
    twice = repeated(map(basin_of, paths))
    if twice:
        both = [str(path) for path in paths if basin_of(path) == twice[0]]
        raise DgeoError(f"Basin '{twice[0]}' has more than one file ({both[0]} and {both[1]}); keep one of them.")
    return {basin_of(path): path for path in paths}


def _words(path: Path, lines: list[str], first: int, width: int) -> list[str]:
    """All fields of the lines in one list, `width` a line; a line of another length is an error."""
    words = " ".join(lines).split()
    if not words:
        raise DgeoError(f"The file '{path}' holds no day; fetch it again.")
    counts = [len(line.split()) for line in lines]
    if counts.count(width) != len(lines):
        number, count = next((i, count) for i, count in enumerate(counts, first) if count != width)
        raise DgeoError(
            f"Line {number} of '{path}' has {count} values where {width} are expected; the file may be truncated."
        )
    return words


def _dates(path: Path, year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Calendar dates, which must exist and not repeat; a leap day is a day like any other."""
    parts = np.asarray([year, month, day])
    whole = (np.abs(parts) < LAST_YEAR) & (parts == np.floor(parts))
    strange = ~whole.all(axis=0) | (year < FIRST_YEAR)
    if strange.any():
        i = int(np.argmax(strange))
        raise DgeoError(f"'{path}' has the date {year[i]:g}-{month[i]:g}-{day[i]:g}, which is none; correct it.")
    months = (year.astype(int) - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month.astype(int) - 1)
    dates = months.astype("datetime64[D]") + (day.astype(int) - 1)
    bad = (month < 1) | (month > 12) | np.asarray(dates.astype("datetime64[M]") != months)
    if bad.any():
        i = int(np.argmax(bad))
        raise DgeoError(
            f"'{path}' has the date {year[i]:.0f}-{month[i]:.0f}-{day[i]:.0f}, which does not exist; correct it."
        )
    unique, counts = np.unique(dates, return_counts=True)
    if np.any(counts > 1):
        raise DgeoError(f"Date {unique[counts > 1][0]} occurs twice in '{path}'; keep one of the two lines.")
    return np.asarray(dates)


def _numbers(path: Path, words: Iterable[str], columns: int) -> np.ndarray:
    """Words as float64, one array for each column of the file, with missing codes turned into NaN."""
    try:
        values = np.fromiter(map(_number, words), np.float64).reshape(-1, columns).T
    except ValueError as error:
        raise DgeoError(f"The file '{path}' holds something that is no number ({error}); correct it.") from error
    return np.where(values == MISSING, np.nan, values)


def _number(word: str) -> float:
    """As people write numbers: Python also takes 1_000 for one, and digits of other scripts."""
    if "_" in word or not word.isascii():
        raise ValueError(f"could not convert string to float: {word!r}")
    return float(word)


def read_forcing(path: Path) -> Forcing:
    """Read one forcing file; columns are named in lower case without their units, such as `prcp`.

    Raises `DgeoError` for a broken header, a short line, an impossible date or text among the numbers.
    """
    lines = text_of(path).splitlines()
    try:
        latitude, elevation, area = (_number(line.strip()) for line in lines[:3])
        columns = [re.sub(r"\(.*\)", "", name).lower() for name in lines[3].split()]
    except (ValueError, IndexError) as error:
        raise DgeoError(
            f"The forcing file '{path}' does not begin with latitude, elevation, area and column names; fetch it again."
        ) from error
    if tuple(columns[:3]) != ("year", "mnth", "day") or len(set(columns)) < len(columns) or len(columns) < 5:
        raise DgeoError(
            f"The forcing file '{path}' has the columns {', '.join(columns)} where year, mnth, day and hr come first "
            "and each other once; fetch it again."
        )
    if not -90 <= latitude <= 90:
        raise DgeoError(
            f"The forcing file '{path}' has the latitude {latitude:g}, which no place has; correct its first line."
        )
    if not 0 < area < np.inf:
        raise DgeoError(
            f"The forcing file '{path}' has the area {area:g} m2, which must be positive; correct its third line."
        )
    words = _words(path, lines[_HEADER_LINES:], _HEADER_LINES + 1, len(columns))
    table = _numbers(path, words, len(columns))
    dates = _dates(path, *table[:3])
    return Forcing(latitude, elevation, area, dates, dict(zip(columns[4:], table[4:], strict=True)))


def read_streamflow(path: Path) -> Streamflow:
    """Read one streamflow file; raises `DgeoError` as `read_forcing` does, and for another gauge's file."""
    words = _words(path, text_of(path).splitlines(), 1, 6)
    other = next((gauge for gauge in words[0::6] if gauge != basin_of(path)), None)
    if other is not None:
        raise DgeoError(f"The streamflow file '{path}' holds the gauge '{other}'; put the right file there.")
    year, month, day, flow = _numbers(path, (word for i, word in enumerate(words) if 0 < i % 6 < 5), 4)
    names = tuple(sorted(set(words[5::6])))
    if len(names) > MOST_FLAGS:
        raise DgeoError(f"'{path}' has {len(names)} different quality flags, '{names[-1]}' the last; fetch it again.")
    codes = np.fromiter(map({name: i for i, name in enumerate(names)}.__getitem__, words[5::6]), np.int8)
    return Streamflow(_dates(path, year, month, day), flow, codes, names)
