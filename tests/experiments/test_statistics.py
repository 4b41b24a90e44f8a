"""Medians, paired differences and their intervals, against scipy, closed forms and simulations whose truth is known."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from hypothesis import given, strategies as st

from dgeo import metrics
from dgeo.errors import DgeoError
from dgeo.experiments.statistics import Estimate, difference, median, verdict
from dgeo.experiments.sums import NAMES, efficiency, kling_gupta, yearly_sums
from dgeo.experiments.trends import slopes


def sums_of(scores):
    """Sums [member, year, basin] whose NSE, 1 − (Σs² − 2Σso + Σo²)/Σo², is `scores`, since Σs² is set to fit."""
    ones = np.ones_like(scores)
    values = {"n": 2 * ones, "o": 0 * ones, "oo": ones, "s": 0 * ones, "ss": -scores, "so": 0 * ones}
    shape = dict(zip(("member", "year", "basin"), map(range, scores.shape), strict=True))
    return xr.Dataset({name: (("member", "year", "basin"), values[name]) for name in NAMES}, shape)


@given(st.integers(0, 2**32 - 1))
def test_sums_hold_what_the_scores_need(seed):
    """NSE and KGE of sums over all years are those of the whole hydrograph, gaps and all; sums of float64, so 1e-9."""
    random = np.random.default_rng(seed)
    time = np.arange("2001-10-01", "2004-10-01", dtype="datetime64[D]").astype("datetime64[ns]")
    observed = random.gamma(0.5, 2.0, (len(time), 3))
    observed[random.random(observed.shape) < 0.1] = np.nan
    simulated = random.gamma(0.5, 2.0, (2, *observed.shape))
    places = {"time": time, "basin": ["a", "b", "c"]}
    found = yearly_sums(simulated, xr.DataArray(observed, places, ("time", "basin")), ["first", "second"])
    assert found["year"].values.tolist() == [2002, 2003, 2004]
    total = {name: found[name].sum("year").values for name in NAMES}
    for i, flow in enumerate(simulated):
        np.testing.assert_allclose(efficiency(total)[i], metrics.nse(flow, observed), rtol=1e-9)
        np.testing.assert_allclose(kling_gupta(total)[i], metrics.kge(flow, observed).efficiency, rtol=1e-9)


def test_an_interval_is_that_of_scipy():
    """One member, one year and basins without regions leave the plain percentile bootstrap of a median. Two such
    intervals of 4000 samples differ by the noise of a 2.5 % quantile, about 0.02 of the spread here."""
    random = np.random.default_rng(1)
    scores = random.normal(0.5, 0.2, 80)
    found = median(sums_of(scores[None, None]), None, samples=4000)
    expected = scipy.stats.bootstrap(
        (scores,), np.median, n_resamples=4000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert found.value == pytest.approx(np.median(scores))
    np.testing.assert_allclose([found.low, found.high], expected, atol=0.012)


def test_regions_are_drawn_whole():
    """Ten regions of twenty equal basins are ten numbers: the interval is that of their median, and far wider than that
    of two hundred basins. Without spread within a region, the medians drawn are those of ten drawn numbers."""
    regions = np.random.default_rng(3).normal(0.5, 0.2, 10)
    labels = [f"{i}" for i in range(10) for _ in range(20)]
    sums = sums_of(np.repeat(regions, 20)[None, None])
    found = median(sums, labels, samples=4000)
    expected = scipy.stats.bootstrap(
        (regions,), np.median, n_resamples=4000, method="percentile", rng=np.random.default_rng(4)
    ).confidence_interval
    np.testing.assert_allclose([found.low, found.high], expected, atol=0.05)
    alone = median(sums, None, samples=1000)
    assert alone.high - alone.low < found.high - found.low
    assert (found.basins, found.regions) == (200, 10)


def test_an_interval_covers_as_often_as_it_says():
    """Sixty worlds of fourteen regions with effects of their own, five years and three seeds, true median difference 0:
    95 % intervals cover it 57 times on average. Fewer than 48 has a probability below 10⁻⁴; drawing each factor by
    itself makes them too wide rather than too narrow."""
    random = np.random.default_rng(5)
    labels = [f"{i}" for i in range(14) for _ in range(5)]
    covered = 0
    for seed in range(60):
        region, year = np.repeat(random.normal(0, 0.1, 14), 5), random.normal(0, 0.05, 5)
        member, rest = random.normal(0, 0.05, 3), random.normal(0, 0.1, (3, 5, 70))
        first = 0.6 + region[None, None] + year[None, :, None] + member[:, None, None] + rest
        second = 0.6 + random.normal(0, 0.1, (3, 5, 70))
        found = difference(sums_of(first), sums_of(second), labels, samples=100, seed=seed)
        covered += found.low <= 0 <= found.high
    assert covered >= 48


def test_a_difference_is_paired():
    """What both models share, however much basins differ, leaves no trace: the difference is 0.1 in every sample."""
    scores = np.random.default_rng(6).normal(0, 5, (2, 3, 30))
    labels = [f"{i % 6}" for i in range(30)]
    found = difference(sums_of(scores.mean(0)[None] + 0.1), sums_of(scores.mean(0)[None]), labels, samples=50)
    np.testing.assert_allclose([found.value, found.low, found.high], 0.1, atol=1e-9)


def test_basins_are_matched_by_name():
    """The second model lacks a basin and has the others in another order."""
    scores = np.arange(5.0)[None, None]
    first, second = sums_of(scores + 1), sums_of(scores).isel(basin=[3, 2, 1, 0])
    found = difference(first, second, [str(i) for i in range(5)], samples=10)
    assert (found.value, found.basins) == (1.0, 4)
    with pytest.raises(DgeoError, match="no basin and year in common"):
        difference(first.isel(basin=[4]), second, ["0"], samples=10)


def test_verdicts():
    """Above the margin, below it, across it; a rival too weak, and an interval that is not known."""
    above, across = Estimate(0.02, 0.01, 0.03, 9, 3), Estimate(0.0, -0.01, 0.01, 9, 3)
    assert verdict(above) == "supported"
    assert verdict(above, 0.05) == "not supported"
    assert verdict(across) == "unclear"
    assert verdict(across, -0.02) == "supported"
    assert verdict(above, sound=False) == "unclear"
    assert verdict(Estimate(0.1, np.nan, np.nan, 9, 1)) == "not tested"


def test_a_trend_is_the_slope_of_the_yearly_means():
    """Six years that rise by 0.1 mm/d each: 1 mm/d a decade, to rounding; the incomplete year in between is left out,
    and a basin with four years has no trend."""
    n = np.full((1, 6, 2), 365.0)
    n[0, 2, 0], n[0, 1:3, 1] = 100, 0
    mean = 0.1 * np.arange(6.0)[None, :, None] + np.zeros((1, 6, 2))
    mean[0, 2, 0] = 50
    shape = ("member", "year", "basin")
    found = slopes(xr.Dataset({"n": (shape, n), "s": (shape, n * mean)}, {"year": np.arange(2001, 2007)}), "s")
    assert found[0] == pytest.approx(1.0)
    assert np.isnan(found[1])


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_crps_is_that_of_its_definition(count, seed):
    """Mean |x − o| less half the mean |x − x'| over all pairs, written as two loops; one member gives the mean absolute
    error. Members that are drawn as the observations are cover (M − 1)/(M + 1) of the days."""
    random = np.random.default_rng(seed)
    members, observed = random.normal(size=(count, 400, 2)), random.normal(size=(400, 2))
    observed[:7, 0] = np.nan
    first = np.mean([np.abs(x - observed) for x in members], axis=0)
    second = np.mean([np.abs(x - y) for x in members for y in members], axis=0)
    np.testing.assert_allclose(metrics.crps(members, observed), np.nanmean(first - second / 2, axis=0), rtol=1e-9)
    apart = metrics.coverage(members, observed) - metrics.expected_coverage(count)
    assert np.abs(apart).max() < 5 * np.sqrt(0.25 / 393)
