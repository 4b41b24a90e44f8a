import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from dgeo import metrics
from dgeo.errors import DgeoError

PARTS_OF_KGE = ("kge_correlation", "kge_variability", "kge_bias")
INDICES = ("baseflow_index", "baseflow_index_observed", "baseflow_index_error")
PERFECT = {"nse": 1, "kge": 1, "log_nse": 1} | dict.fromkeys(PARTS_OF_KGE, 1)


def column(values):
    return np.asarray(values, float)[:, None]


def scores(simulated, observed):
    table = metrics.score(column(simulated), column(observed), ["a"])
    return {name: float(values[0]) for name, values in table.data_vars.items()}


def rivers(days, basins, seed=0):
    """Autocorrelated positive flows and a simulation that is off by a noisy factor."""
    random = np.random.default_rng(seed)
    flow = np.exp(random.normal(size=(days, basins)).cumsum(axis=0) * 0.1)
    return flow * np.exp(random.normal(size=flow.shape) * 0.3), flow


def test_by_hand():
    """o = 1, 2, 3, 4 and s = 1, 2, 3, 6: one error of 2; Σ(o − ō)² = 5, Σ(s − s̄)² = 14, Σ(s − s̄)(o − ō) = 8."""
    found = scores([1, 2, 3, 6], [1, 2, 3, 4])
    expected = {
        "nse": 1 - 4 / 5,
        "rmse": 1,
        "bias": 20,
        "kge_correlation": 8 / np.sqrt(70),
        "kge_variability": np.sqrt(14 / 5),
        "kge_bias": 1.2,
        "kge": 1 - np.sqrt((8 / np.sqrt(70) - 1) ** 2 + (np.sqrt(14 / 5) - 1) ** 2 + 0.2**2),
        "log_nse": 1 - np.log(6.01 / 4.01) ** 2 / (4 * np.var(np.log([1.01, 2.01, 3.01, 4.01]))),
        "fhv": 50,
    }
    np.testing.assert_allclose([found[name] for name in expected], list(expected.values()), rtol=1e-12)


def test_flow_duration_by_hand():
    """100 flows 1…100, each simulated 1 higher, in another order: the largest two are 2 of 199 too high, the smallest
    30 are 30 of 465. Ten flows e⁰…e⁹ and their squares: ln-volume above the minimum 0 + 1 + 2 against 0 + 2 + 4, and
    ln q at 20 and 70 % exceedance 7 and 2 against 14 and 4."""
    found = scores(np.arange(100)[::-1] + 2, np.arange(100) + 1)
    np.testing.assert_allclose([found["fhv"], found["flv_plain"]], [200 / 199, 3000 / 465], rtol=1e-12)
    powers = np.exp(np.arange(10.0))
    found = scores(powers**2, powers)
    np.testing.assert_allclose([found["flv"], found["fms"]], [-100, 100], rtol=1e-12)


def test_perfect_simulation():
    """Ratios and efficiencies 1, errors 0. Rounding of correlations and logarithms: 1e-12."""
    _, flow = rivers(800, 1)
    found = scores(flow[:, 0], flow[:, 0])
    assert set(found) == set(metrics.METRICS)
    expected = PERFECT | dict.fromkeys(INDICES[:2], metrics.baseflow_index(flow)[0])
    np.testing.assert_allclose(list(found.values()), [expected.get(name, 0) for name in found], atol=1e-7)


def test_mean_of_the_observations():
    """The mean explains nothing (NSE 0), has correlation and variability 0: KGE = 1 − √2. It misses every peak by the
    whole window."""
    _, flow = rivers(800, 1)
    found = scores(np.full(800, flow.mean()), flow[:, 0])
    np.testing.assert_allclose(
        [found["nse"], found["kge"], found["peak_timing"], found["bias"]], [0, 1 - np.sqrt(2), 3, 0], atol=1e-12
    )


@pytest.mark.parametrize(
    ("observed", "failing"),
    [
        (np.full(50, np.nan), set(metrics.METRICS)),
        (np.zeros(50), set(metrics.METRICS) - {"rmse", "baseflow_index"}),
        (np.full(50, 0.1), {"nse", "log_nse", "kge", *PARTS_OF_KGE[:2], "flv", "fms", "peak_timing"}),
    ],
)
def test_what_cannot_be_scored_is_a_failure(observed, failing):
    """Without observations nothing, without flow only the error itself, without variation only volumes."""
    simulated, _ = rivers(50, 1)
    with np.errstate(all="raise"):
        found = scores(simulated[:, 0], observed)
    assert {name for name, value in found.items() if np.isnan(value)} == failing


def test_failed_simulation_is_a_failure_of_its_basin_alone():
    """A NaN on an observed day; one in a gap does no harm."""
    simulated, observed = rivers(400, 3)
    observed[7, 1] = np.nan
    simulated[7, 1:] = np.nan
    table = metrics.score(simulated, observed, ["a", "b", "c"])
    for values in table.data_vars.values():
        np.testing.assert_array_equal(np.isfinite(values), [True, True, False])


def test_gaps_are_as_if_the_days_were_not_there():
    """All scores but the timing of peaks, which asks for the neighbours of a day, see only the days in between."""
    simulated, observed = rivers(300, 1)
    wide = [
        np.insert(series[:, 0], [40, 40, 120, 300], value) for series, value in ((simulated, 9.0), (observed, np.nan))
    ]
    with_gaps, without = scores(*wide), scores(simulated[:, 0], observed[:, 0])
    for name in set(metrics.METRICS) - {"peak_timing"}:
        assert with_gaps[name] == pytest.approx(without[name], rel=1e-12)


@given(factor=st.floats(0.1, 10), seed=st.integers(0, 50))
def test_change_of_unit_changes_only_what_has_a_unit(factor, seed):
    """All scores but those of logarithms with a fixed offset or floor are the same for flows in another unit."""
    simulated, observed = (series[:, 0] for series in rivers(100, 1, seed))
    found, scaled = scores(simulated, observed), scores(factor * simulated, factor * observed)
    for name in set(metrics.METRICS) - {"log_nse", "rmse"}:
        np.testing.assert_allclose(scaled[name], found[name], rtol=1e-8, atol=1e-8)
    assert scaled["rmse"] == pytest.approx(factor * found["rmse"])


@given(st.permutations(range(30)), st.integers(0, 50))
def test_dates_do_not_count_in_scores_of_days(order, seed):
    """Reordering both series alike changes neither efficiencies nor the flow-duration curve."""
    simulated, observed = (series[:, 0] for series in rivers(30, 1, seed))
    found, reordered = scores(simulated, observed), scores(simulated[list(order)], observed[list(order)])
    for name in set(metrics.METRICS) - {*INDICES, "peak_timing"}:
        np.testing.assert_allclose(reordered[name], found[name], rtol=1e-9, atol=1e-9)


def test_parts_of_kge_against_numpy():
    """numpy's corrcoef, std and mean of each basin alone."""
    simulated, observed = rivers(200, 4)
    parts = metrics.kge(simulated, observed)
    for i, (s, o) in enumerate(zip(simulated.T, observed.T, strict=True)):
        expected = np.corrcoef(s, o)[0, 1], s.std() / o.std(), s.mean() / o.mean()
        np.testing.assert_allclose([part[i] for part in parts[1:]], expected, rtol=1e-10)


def test_baseflow_by_hand():
    """q = 1, 3. Forward: f = 1.925/2 · 2 = 1.925, b = 1, 1.075. Backward from 1.075 the flow falls: b unchanged.
    Forward: f = 0.9625 · 0.075 = 0.0721875, b = 1, 1.0028125."""
    np.testing.assert_allclose(metrics.baseflow(column([1, 3]))[:, 0], [1, 1.0028125], rtol=1e-12)
    np.testing.assert_allclose(metrics.baseflow_index(column([1, 3])), 2.0028125 / 4, rtol=1e-12)
    found = scores([1, 3, 9], [2, 2, np.nan])
    np.testing.assert_allclose([found[name] for name in INDICES], [2.0028125 / 4, 1, 2.0028125 / 4 - 1], rtol=1e-12)


@given(arrays.arrays(float, (20, 2), elements=st.floats(0, 100)))
def test_baseflow_lies_between_nothing_and_the_flow(flow):
    slow = metrics.baseflow(flow)
    assert ((slow >= 0) & (slow <= flow)).all()


def test_baseflow_index_published_with_camels(data_root):
    """CAMELS-US lists the index of every basin for water years 1990 to 2009, by the same filter in R with reflected
    ends (Ladson et al. 2013). The treatment of two ends in 7305 days matters by about 1e-3."""
    flows = data_root / "camels_us_daymet_569" / "camels_us_daymet_569_wy1981-2010.nc"
    attributes = data_root / "camels_us_attributes" / "camels_hydro.txt"
    if not (flows.exists() and attributes.exists()):
        pytest.skip("CAMELS-US is not in the data root")
    published = pd.read_csv(attributes, sep=";", dtype={"gauge_id": str}).set_index("gauge_id")["baseflow_index"]
    with xr.open_dataset(flows) as data:
        flow = data["q"].isel(basin=slice(None, None, 30)).sel(time=slice("1989-10-01", "2009-09-30")).load()
    index = metrics.baseflow_index(flow.transpose("time", "basin").values)
    np.testing.assert_allclose(index, published[flow["basin"].values], atol=2e-3)


@pytest.mark.parametrize("lag", [-3, -1, 0, 2])
def test_peaks_are_late_or_early_by_their_lag(lag):
    """Two triangular floods in two years, the simulated ones shifted; a third in a year of two is too small to count,
    a fourth too close to a larger one."""
    flow = np.ones(730)
    for day, height in ((100, 20), (115, 10), (400, 30), (600, 2)):
        flow[day - 2 : day + 3] += height * np.array([0.3, 0.6, 1, 0.6, 0.3])
    np.testing.assert_array_equal(metrics.largest_peaks(flow), [400, 100])
    assert metrics.peak_timing(column(np.roll(flow, lag)), column(flow))[0] == abs(lag)


def test_anomaly_correlation_against_xarray():
    """xarray's groupby takes the day-of-year mean off both; scipy correlates. Leap days and gaps included."""
    simulated, truth = rivers(1500, 2)
    truth[200:260, 1] = np.nan
    time = np.datetime64("1999-03-01") + np.arange(1500)
    found = metrics.anomaly_correlation(simulated, truth, time)
    for i in range(2):
        pair = xr.Dataset({"s": ("time", simulated[:, i]), "o": ("time", truth[:, i])}, {"time": time}).dropna("time")
        departures = pair.groupby("time.dayofyear") - pair.groupby("time.dayofyear").mean()
        np.testing.assert_allclose(found[i], stats.pearsonr(departures["s"], departures["o"])[0], rtol=1e-9)


def test_the_season_alone_is_no_knowledge():
    """A simulation that repeats its season has correlation 0 however well it follows; a truth that repeats its own,
    here over three years of 365 days, has nothing to correlate with."""
    time = np.datetime64("2001-01-01") + np.arange(1095)
    season = column(2 + np.sin(2 * np.pi * np.arange(1095) / 365)).round(3)
    noise = np.random.default_rng(0).normal(size=(1095, 1))
    assert metrics.anomaly_correlation(np.tile(season[:365], (3, 1)), season + noise, time) == 0
    assert np.isnan(metrics.anomaly_correlation(season + noise, np.tile(season[:365], (3, 1)), time))


def test_summary_by_hand_and_binomial():
    """0…100 with two failures. The bootstrap distribution of the median is known: median* ≤ k when at least 51 of 101
    draws are ≤ k, so its quantiles follow from the binomial distribution; 2000 samples know them to ±2 of 101."""
    values = np.append(np.arange(101.0), [np.nan, -np.inf])
    (summary,) = metrics.summarise(xr.Dataset({"nse": ("basin", values)})).values()
    assert (summary["median"], summary["mean"], summary["n"], summary["failures"]) == (50, 50, 101, 2)
    below = stats.binom.sf(50, 101, (np.arange(101) + 1) / 101)
    np.testing.assert_allclose(summary["interval"], np.searchsorted(below, [0.025, 0.975]), atol=2)


def test_summary_of_nothing():
    (summary,) = metrics.summarise(xr.Dataset({"nse": ("basin", [np.nan, np.inf])})).values()
    assert (summary["n"], summary["failures"]) == (0, 2)
    assert np.isnan([summary["median"], summary["mean"], *summary["interval"]]).all()


def test_paired_difference_counts_groups_not_basins():
    """Eleven regions of 50 basins, each with one common difference 1…11, hold eleven facts: the interval is that of
    the median of eleven draws, 3 to 9 by the binomial distribution (P(median* ≤ 2) = 0.007, ≤ 3 = 0.052), not that
    of 550 basins."""
    region = np.repeat(np.arange(11), 50)
    found = metrics.paired_difference(region + 1.0, np.zeros(550), region)
    assert (found["median"], found["n"], found["groups"], found["interval"]) == (6, 550, 11, [3, 9])
    np.testing.assert_allclose(stats.binom.sf(5, 11, np.array([2, 3]) / 11), [0.007, 0.052], atol=1e-3)


def test_paired_difference_without_enough_to_tell():
    """One region gives no interval; a basin that failed in either model is left out."""
    found = metrics.paired_difference(np.array([0.8, np.nan, 0.6]), np.array([0.7, 0.5, 0.7]), ["01", "01", "01"])
    assert (found["n"], found["groups"]) == (2, 1)
    assert found["median"] == pytest.approx(0.0)
    assert np.isnan(found["interval"]).all()
    nothing = metrics.paired_difference(np.array([np.nan]), np.array([1.0]), ["01"])
    assert (nothing["n"], nothing["groups"]) == (0, 0)
    assert np.isnan([nothing["median"], *nothing["interval"]]).all()


def test_scores_are_labelled():
    table = metrics.score(*rivers(50, 2), ["01013500", "01022500"])
    assert list(table["basin"].values) == ["01013500", "01022500"]
    assert all({"long_name", "units"} <= set(values.attrs) for values in table.data_vars.values())
    assert table["rmse"].attrs["units"] == "mm d-1"


def test_misfits_are_refused():
    with pytest.raises(DgeoError, match="different shapes"):
        metrics.score(np.ones((3, 2)), np.ones((2, 3)), ["a", "b"])
    with pytest.raises(DgeoError, match="1 basin ids for 2 series"):
        metrics.score(np.ones((3, 2)), np.ones((3, 2)), ["a"])
    with pytest.raises(DgeoError, match="differ in length"):
        metrics.paired_difference(np.ones(3), np.ones(3), ["a"])
