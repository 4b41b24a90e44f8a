"""Splits of water years: the extreme, the warm or the dry ones of each basin are tested and never trained on.

A water year has the number of the calendar year in which it ends: 1981 runs from 1980-10-01 to 1981-09-30. Only years
of which the record has every day take part.

The flood that is exceeded once in n years is the quantile 1 − 1/n of a generalised extreme-value distribution, fitted
to the largest flow of each training year by L-moments (Hosking, Wallis & Wood 1985,
doi:10.1080/00401706.1985.10488049):

    x(n) = ξ + α (1 − y^k)/k,   y = −ln(1 − 1/n),   k ≈ 7.8590 c + 2.9554 c²,   c = 2/(3 + τ₃) − ln 2/ln 3,
    α = λ₂ k / ((1 − 2^−k) Γ(1 + k)),   ξ = λ₁ − α (1 − Γ(1 + k))/k.

Holding extreme years out follows Frame et al. (2022), doi:10.5194/hess-26-3377-2022; training on one climate and
testing on another is the differential split-sample test of Klemeš (1986), doi:10.1080/02626668609491024.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int, Shaped

from dgeo.data.selection import within
from dgeo.data.splits import Period, Split
from dgeo.errors import DgeoError

Years = dict[str, tuple[int, ...]]
LONGEST_RETURN = 10.0  # [years]; the records of most sets hold thirty
FEWEST_PEAKS = 8
OBSERVED = 0.9  # share of a year's days without which its peak counts as unknown


@dataclass(frozen=True)
class YearSplit(Split):
    """Different water years of each basin: those trained on and those tested, by basin.

    `control` are other years that training does not see, which are like those of the training. `shift` says by how much
    the tested years differ from those trained on.
    """

    train: Years
    test: Years
    control: Years = field(default_factory=dict)
    name: str = ""
    shift: dict[str, float] = field(default_factory=dict)


def water_year(time: Shaped[np.ndarray, " time"]) -> Int[np.ndarray, " time"]:
    """The water year of each date (datetime64)."""
    months = time.astype("datetime64[M]").astype(int) + 3  # October becomes the January of the next year
    return 1970 + months // 12


def whole_years(time: Shaped[np.ndarray, " time"]) -> list[int]:
    """The water years of which a daily record has every day."""
    years, count = np.unique(water_year(time), return_counts=True)
    first, last = (np.array([f"{year - before}-10-01" for year in years], "datetime64[D]") for before in (1, 0))
    return years[count == (last - first).astype(int)].tolist()


def year_mask(
    years: Mapping[str, tuple[int, ...]], time: Shaped[np.ndarray, " time"], basins: Shaped[np.ndarray, " basin"]
) -> Bool[np.ndarray, "time basin"]:
    """Which days of which basins lie in their years; a basin without an entry has none."""
    of_day = water_year(time)
    return np.stack([np.isin(of_day, years.get(str(basin), ())) for basin in basins], axis=1)


def extreme_years(
    dataset: xr.Dataset, train: Period, record: Period, return_period: float = 5.0, fewest: int = FEWEST_PEAKS
) -> YearSplit:
    """Train on the years of `train` whose peak stays below the flood of a return period, test on those above it.

    The flood is fitted to the peaks of `train` alone. Years above it are tested wherever in `record` they lie; the
    years of the record after or before `train` that stay below it are the control. `shift` has the median over basins
    of the largest tested peak over the largest one trained on. Basins with fewer than `fewest` known peaks in `train`
    are left out. Raises `DgeoError` for a return period below 2 or above 10 years.
    """
    if not 2 <= return_period <= LONGEST_RETURN:
        raise DgeoError(
            f"A flood of {return_period:g} years cannot be fitted to the peaks of a training period; choose a return "
            f"period from 2 to {LONGEST_RETURN:g} years."
        )
    years, peaks = _by_year(dataset["streamflow"], record, np.nanmax)
    trained = np.isin(years, whole_years(within(dataset, train)["time"].values))
    parts: tuple[Years, Years, Years] = ({}, {}, {})
    ratios = []
    for basin, series in zip(dataset["basin"].values.astype(str), peaks.T, strict=True):
        known = series[trained & np.isfinite(series)]
        if len(known) < max(fewest, 3):
            continue
        above, below = series > flood(known, return_period), series <= flood(known, return_period)
        for part, chosen in zip(parts, (below & trained, above, below & ~trained), strict=True):
            part[basin] = tuple(years[chosen].tolist())
        if above.any():
            ratios.append(series[above].max() / series[below & trained].max())
    shift = {"peak_ratio": float(np.median(ratios)) if ratios else math.nan}
    return YearSplit(*parts, name=f"above_{return_period:g}_year_flood", shift=shift)


def ranked_years(
    dataset: xr.Dataset, record: Period, by: Literal["warm", "dry"], train: int = 12, test: int = 10
) -> YearSplit:
    """Train on the coldest years of each basin and test on the warmest, or on the wettest and the driest.

    `shift` is the mean over basins of tested less trained: temperature [degC], precipitation [mm yr-1] and as a share.
    Raises `DgeoError` where the record has too few years.
    """
    name, order = ("temperature", 1) if by == "warm" else ("precipitation", -1)
    reduce: Callable[..., np.ndarray] = np.mean if by == "warm" else np.sum
    years, values = _by_year(dataset[name], record, reduce)
    if train + test > len(years):
        raise DgeoError(
            f"{train} years to train on and {test} to test are more than the {len(years)} whole water years from "
            f"{record[0]} to {record[1]}; ask for fewer."
        )
    ranked = np.argsort(order * values, axis=0, kind="stable")
    first, last = ranked[:train], ranked[-test:]
    basins = dataset["basin"].values.astype(str)
    parts = [{b: tuple(sorted(years[chosen[:, i]].tolist())) for i, b in enumerate(basins)} for chosen in (first, last)]
    before, after = (np.take_along_axis(values, chosen, axis=0).mean(axis=0) for chosen in (first, last))
    shift = {f"{name}_change": float(np.mean(after - before))}
    if by == "dry":
        shift["precipitation_share"] = float(np.mean(after / before) - 1)
    return YearSplit(parts[0], parts[1], {}, f"to_{by}", shift)


def random_years(split: YearSplit, record: list[int], seed: int) -> YearSplit:
    """As many years of training for each basin, drawn from all that are not tested: what the shift is measured by."""
    random = np.random.default_rng(seed)
    train = {}
    for basin, trained in split.train.items():
        free = [year for year in record if year not in split.test[basin]]
        train[basin] = tuple(sorted(random.choice(free, len(trained), replace=False).tolist()))
    return YearSplit(train, split.test, split.control, f"{split.name}_random", {})


def flood(peaks: Float[np.ndarray, " year"], return_period: float) -> float:
    """The peak that is exceeded once in so many years, by a generalised extreme-value distribution."""
    ordered = np.sort(peaks)
    rank, n = np.arange(len(ordered)), len(ordered)
    b = [ordered.mean(), np.mean(rank / (n - 1) * ordered), np.mean(rank * (rank - 1) / ((n - 1) * (n - 2)) * ordered)]
    mean, spread, third = b[0], 2 * b[1] - b[0], 6 * b[2] - 6 * b[1] + b[0]
    if spread <= 0:
        return float(mean)
    c = 2 / (3 + third / spread) - math.log(2) / math.log(3)
    k = 7.8590 * c + 2.9554 * c**2
    y = -math.log(1 - 1 / return_period)
    if abs(k) < 1e-6:
        scale = spread / math.log(2)
        return float(mean - np.euler_gamma * scale - scale * math.log(y))
    gamma = math.gamma(1 + k)
    scale = spread * k / ((1 - 2**-k) * gamma)
    return float(mean - scale * (1 - gamma) / k + scale * (1 - y**k) / k)


def _by_year(
    series: xr.DataArray, record: Period, reduce: Callable[..., np.ndarray]
) -> tuple[np.ndarray, Float[np.ndarray, "year basin"]]:
    """The whole water years of a record, and what `reduce` makes of each; NaN where a tenth of its days is missing."""
    part = within(series.to_dataset(name="series"), record)["series"].transpose("time", "basin")
    of_day, values = water_year(part["time"].values), part.values.astype(np.float64)
    years = np.array(whole_years(part["time"].values), int)
    found = np.full((len(years), values.shape[1]), np.nan)
    for place, year in enumerate(years):
        block = values[of_day == year]
        known = np.isfinite(block).mean(axis=0) >= OBSERVED
        found[place, known] = reduce(block[:, known], axis=0)
    return years, found
