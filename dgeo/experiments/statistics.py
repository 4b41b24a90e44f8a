"""Medians and paired differences of scores, with what the choice of basins, years and seeds could do to them.

An interval is the 95 % percentile interval of a bootstrap that draws, each with replacement and independently, whole
regions of basins, whole water years, and the members (seeds or draws) of each model; the two models of a difference
share regions and years. Drawing every factor by itself is the pigeonhole bootstrap, whose intervals are, if anything,
too wide (Owen 2007, doi:10.1214/07-AOAS122). The score of a basin is the mean over members of the score over the
drawn years.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from dgeo.errors import DgeoError
from dgeo.experiments.sums import NAMES, efficiency

SAMPLES = 1000
LIMITS = (2.5, 97.5)  # [%]
BLOCK = 100  # samples at once
Score = Callable[[dict[str, np.ndarray]], np.ndarray]
Verdict = Literal["supported", "not supported", "unclear", "not tested"]
FACTORS = ("regions", "years", "members")


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, from so many basins in so many regions."""

    value: float
    low: float
    high: float
    basins: int
    regions: int

    def __str__(self) -> str:
        """As `0.713 [0.695, 0.730]`."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def median(
    sums: xr.Dataset,
    regions: Sequence[str] | None,
    *,
    score: Score = efficiency,
    over: Sequence[str] = FACTORS,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Estimate:
    """The median over basins of a score, of `yearly_sums`; without `regions` each basin is one of its own."""
    return _estimate([sums], regions, score, over, samples, seed)


def difference(
    first: xr.Dataset,
    second: xr.Dataset,
    regions: Sequence[str] | None,
    *,
    score: Score = efficiency,
    over: Sequence[str] = FACTORS,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Estimate:
    """The median over basins of the first's score less the second's, over the years and basins that both have.

    `regions` are those of the first's basins. Raises `DgeoError` where they share none.
    """
    if regions is not None:
        first = first.assign_coords(place=("basin", np.asarray(regions, str)))
    first, second = xr.align(first, second, join="inner", exclude=("member",))
    if not first.sizes["basin"] or not first.sizes["year"]:
        raise DgeoError("The two models were tested on no basin and year in common; compare runs of one test.")
    shared = None if regions is None else [str(place) for place in first["place"].values]
    return _estimate([first, second], shared, score, over, samples, seed)


def verdict(estimate: Estimate, margin: float = 0.0, *, sound: bool = True) -> Verdict:
    """What an interval says of the claim that a difference is above a margin.

    Supported where all of it lies above, not supported where all of it lies below, else unclear; unclear too where the
    comparison is not `sound`, such as one with a rival that is weaker than it is known to be.
    """
    if not np.isfinite([estimate.low, estimate.high]).all():
        return "not tested"
    if not sound or estimate.low <= margin <= estimate.high:
        return "unclear"
    return "supported" if estimate.low > margin else "not supported"


def _estimate(
    models: Sequence[xr.Dataset],
    regions: Sequence[str] | None,
    score: Score,
    over: Sequence[str],
    samples: int,
    seed: int,
) -> Estimate:
    for factor in over:
        if factor not in FACTORS:
            raise DgeoError(f"Nothing is known of resampling {factor!r}; choose among {', '.join(FACTORS)}.")
    random = np.random.default_rng(seed)
    sizes = models[0].sizes
    labels = np.arange(sizes["basin"]).astype(str) if regions is None else np.asarray(regions, str)
    clusters = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    arrays = [{name: model[name].transpose("member", "year", "basin").values for name in NAMES} for model in models]
    whole = [np.ones((1, model.sizes["member"])) / model.sizes["member"] for model in models]
    scores = _compared(arrays, np.ones((1, sizes["year"])), whole, score)[0]
    medians = []
    for first in range(0, samples, BLOCK):
        count = min(BLOCK, samples - first)
        years = _counts(random, count, sizes["year"], "years" in over)
        members = [_counts(random, count, len(w[0]), "members" in over) / len(w[0]) for w in whole]
        for row in _compared(arrays, years, members, score):
            chosen = range(len(clusters))
            drawn = random.integers(len(clusters), size=len(clusters)) if "regions" in over else chosen
            medians.append(_middle(row[np.concatenate([clusters[i] for i in drawn])]))
    finite = np.array([value for value in medians if np.isfinite(value)])
    alone = len(clusters) < 2 and "regions" in over
    low, high = np.percentile(finite, LIMITS) if len(finite) and not alone else (np.nan, np.nan)
    return Estimate(_middle(scores), float(low), float(high), int(np.isfinite(scores).sum()), len(clusters))


def _compared(
    arrays: Sequence[dict[str, np.ndarray]], years: np.ndarray, members: Sequence[np.ndarray], score: Score
) -> Float[np.ndarray, "sample basin"]:
    """The score of each basin, less that of the second model if there are two, for weights of years and members."""
    means = []
    for parts, weights in zip(arrays, members, strict=True):
        summed = {name: np.einsum("sy,myb->smb", years, values, optimize=True) for name, values in parts.items()}
        scores = score(summed)
        means.append(np.einsum("sm,smb->sb", weights, scores))
    return means[0] if len(means) == 1 else means[0] - means[1]


def _counts(random: np.random.Generator, samples: int, number: int, drawn: bool) -> Float[np.ndarray, "sample number"]:
    """How often each of `number` things is drawn in each sample: once, if nothing is."""
    if not drawn:
        return np.ones((samples, number))
    return random.multinomial(number, np.full(number, 1 / number), size=samples).astype(np.float64)


def _middle(values: Float[np.ndarray, " basin"]) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")
