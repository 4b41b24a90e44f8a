"""Splits of basins and of days into training, validation and test parts, to be saved and checked.

A period is a pair of ISO dates, both included, and says on which days the *target* is scored. The forcings of
the days before it may be used to fill the stores (spin-up): that is not leakage, because no target of those
days is read.

PUB (prediction in ungauged basins) holds out random basins, PUR (prediction in ungauged regions) holds out
whole regions. The seven groups of HUC-2 regions are those of Feng et al. (2021), doi 10.1029/2021GL092999.
"""

import hashlib
import json
import os
import re
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import xarray as xr

from dgeo.data.limited import limited_text
from dgeo.errors import DgeoError

Period = tuple[str, str]
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST, _LAST = np.datetime64("1678-01-01"), np.datetime64("2261-12-31")  # what counts in nanoseconds
PUR_GROUPS: tuple[tuple[int, ...], ...] = (
    (1, 2), (3, 6), (4, 5, 7), (9, 10), (8, 11, 12, 13), (14, 15, 16, 18), (17,)
)  # fmt: skip


def water_years(first: int, last: int) -> Period:
    """The period of the water years `first` to `last`: water year 1981 runs from 1980-10-01 to 1981-09-30."""
    if last < first:
        raise DgeoError(f"The water years {first} to {last} run backwards; give the first one first.")
    return f"{first - 1}-10-01", f"{last}-09-30"


def days(period: Period) -> tuple[np.datetime64, np.datetime64]:
    """First and last day of a period; raises `DgeoError` for an unreadable date or a reversed pair."""
    try:
        if not all(_DATE.fullmatch(date) for date in period):
            raise ValueError("a date has a year, a month and a day")
        first, last = (np.datetime64(date, "D") for date in period)
    except (ValueError, TypeError) as error:
        raise DgeoError(f"The period {tuple(period)} cannot be read; write two dates as '1980-10-01'.") from error
    if not _FIRST <= first <= last <= _LAST and last >= first:
        raise DgeoError(f"The period {period[0]} to {period[1]} leaves the years 1678 to 2261; choose others.")
    if last < first:
        raise DgeoError(f"The period {period[0]} to {period[1]} runs backwards; give the earlier date first.")
    return first, last


@dataclass(frozen=True)
class Split:
    """What all splits share: they can be saved, loaded and recognised by a fingerprint."""

    def to_json(self) -> str:
        """The split as JSON text, with its kind."""
        return json.dumps({"kind": type(self).__name__, **asdict(self)}, sort_keys=True, indent=1)

    def save(self, path: str | Path) -> None:
        """Write the split to a JSON file, atomically; raises `DgeoError` where it cannot be written."""
        path = Path(path)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            partial.write_text(self.to_json() + "\n", encoding="utf-8")
            os.replace(partial, path)
        except OSError as error:
            raise DgeoError(
                f"The split file {path} cannot be written ({error.strerror}); make its folder or choose another."
            ) from error
        finally:
            with suppress(OSError):
                partial.unlink()

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the split's content: equal for equal splits, on every machine."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


@dataclass(frozen=True)
class TemporalSplit(Split):
    """The same basins, different days.

    Validation years lie inside the training period (they are scored while choosing, and trained on in the
    final refit), or, with `validation_inside=False`, after it and before the test period.
    """

    train: Period
    validation: Period | None
    test: Period
    validation_inside: bool = True


@dataclass(frozen=True)
class BasinSplit(Split):
    """Different basins, whatever the days; `name` says which fold it is."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    name: str = ""


def load_split(path: str | Path) -> Split:
    """Read a split that `save` wrote; raises `DgeoError` where the file is absent or holds something else."""
    kinds = {kind.__name__: kind for kind in Split.__subclasses__()}
    try:
        content = json.loads(limited_text(path))
        kind = content.pop("kind")
        split = kinds[kind](**{key: _tuples(value) for key, value in content.items()})
        if not all(_fits(value, typing) for value, typing in zip(vars(split).values(), _types(split), strict=True)):
            raise TypeError("a part of it is of another kind")
        return split
    except OSError as error:
        raise DgeoError(f"The split file {path} cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DgeoError(f"The file {path} does not hold a split; write it with split.save(path).") from error


def _types(split: Split) -> list[Any]:
    return list(get_type_hints(type(split)).values())


def _fits(value: Any, kind: Any) -> bool:
    """Whether what JSON gave is of a type that a split has."""
    inner = get_args(kind)
    if kind is float:
        return isinstance(value, int | float)
    if not inner:
        return type(value) is kind
    if get_origin(kind) is dict:
        return isinstance(value, dict) and all(_fits(part, inner[1]) for part in value.values())
    if get_origin(kind) is tuple:
        kinds = inner[:1] * len(value) if inner[-1] is ... and isinstance(value, tuple) else inner
        return isinstance(value, tuple) and len(value) == len(kinds) and all(map(_fits, value, kinds))
    return any(_fits(value, part) for part in inner)


def _tuples(value: Any) -> Any:
    """What JSON made lists of, as tuples again."""
    if isinstance(value, dict):
        return {key: _tuples(part) for key, part in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _distinct(basins: Sequence[str]) -> list[str]:
    """The basin ids in order, each once: the folds then do not depend on the order they came in."""
    ids = sorted(str(basin) for basin in basins)
    twice = sorted({a for a, b in pairwise(ids) if a == b})
    if twice:
        raise DgeoError(f"Basin '{twice[0]}' is listed more than once; give every basin once.")
    return ids


def _fold(ids: Sequence[str], test: set[str], name: str) -> BasinSplit:
    return BasinSplit(tuple(b for b in ids if b not in test), tuple(b for b in ids if b in test), name)


def pub_folds(
    basins: Sequence[str], k: int, seed: int, groups: Mapping[str, Hashable] | None = None
) -> tuple[BasinSplit, ...]:
    """`k` random folds of basins; every basin is in the test part of exactly one.

    `groups` maps a basin to a label; basins with the same label (nested gauges of one river, say) stay in one
    fold. The largest groups are dealt first, each to the smallest fold, so that fold sizes stay as even as
    the groups allow. Raises `DgeoError` for basins listed twice or fewer groups than folds.
    """
    ids = _distinct(basins)
    members: dict[Hashable, list[str]] = {}
    for basin in ids:
        label = ("alone", basin) if groups is None or basin not in groups else ("group", groups[basin])
        members.setdefault(label, []).append(basin)
    if not 2 <= k <= len(members):
        raise DgeoError(f"{k} folds cannot be made of {len(members)} separate basins or groups; choose k between them.")
    blocks = list(members.values())
    shuffled = [blocks[i] for i in np.random.default_rng(seed).permutation(len(blocks))]
    folds: list[set[str]] = [set() for _ in range(k)]
    for block in sorted(shuffled, key=len, reverse=True):
        min(folds, key=len).update(block)
    return tuple(_fold(ids, fold, f"pub_{i + 1}_of_{k}") for i, fold in enumerate(folds))


def _region(label: object) -> str:
    """`'01'`, `'1'` and `1` are the same region."""
    text = str(label)
    return str(int(text)) if text.isdigit() else text


def pur_folds(
    regions: Mapping[str, object] | xr.DataArray, groups: Sequence[Sequence[object]] = PUR_GROUPS
) -> tuple[BasinSplit, ...]:
    """One fold for each group of regions that has basins; its test part is every basin of the group.

    `regions` maps basins to regions (or is the coordinate `dataset.region`). Raises `DgeoError` where a
    basin's region is in no group or in two.
    """
    if isinstance(regions, xr.DataArray):
        regions = dict(zip(regions["basin"].values.tolist(), regions.values.tolist(), strict=True))
    ids = _distinct(list(regions))
    labels = [[_region(region) for region in group] for group in groups]
    for basin in ids:
        count = sum(_region(regions[basin]) in group for group in labels)
        if count != 1:
            raise DgeoError(f"Region '{regions[basin]}' of basin '{basin}' is in {count} groups; it must be in one.")
    tests = [{basin for basin in ids if _region(regions[basin]) in group} for group in labels]
    return tuple(_fold(ids, test, "pur_" + "_".join(group)) for test, group in zip(tests, labels, strict=True) if test)
