"""Splits of water years and fractions of basins: what is trained is never tested, and floods are those of scipy."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from hypothesis import given, settings, strategies as st

from dgeo.data import (
    YearSplit,
    basin_fractions,
    check_leakage,
    extreme_years,
    load_split,
    random_years,
    ranked_years,
    some_years,
    water_year,
    water_years,
    whole_years,
    year_mask,
)
from dgeo.data.climate import climate
from dgeo.data.years import flood
from dgeo.errors import DgeoError

RECORD, TRAIN = water_years(2001, 2018), water_years(2001, 2010)


def record(seed):
    """Eighteen water years of three basins, the years before and after cut in the middle."""
    time = np.arange("2000-03-01", "2019-02-01", dtype="datetime64[D]").astype("datetime64[ns]")
    random = np.random.default_rng(seed)
    names = ("streamflow", "temperature", "precipitation")
    series = {name: (("time", "basin"), random.gamma(0.3, 3.0, (len(time), 3))) for name in names}
    return xr.Dataset(series, {"time": time, "basin": ["a", "b", "c"]})


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.15])
@pytest.mark.parametrize("years", [2.0, 5.0, 10.0])
def test_a_flood_is_the_quantile_of_the_distribution(shape, years):
    """20 000 peaks of a known distribution: L-moments find its quantile within sampling error, about 1 % here."""
    peaks = scipy.stats.genextreme.rvs(shape, loc=10, scale=3, size=20_000, random_state=1)
    expected = scipy.stats.genextreme.ppf(1 - 1 / years, shape, loc=10, scale=3)
    assert flood(peaks, years) == pytest.approx(expected, rel=0.015)


def test_water_years_are_whole_or_not_counted():
    """1 October begins a year; of those cut at either end none counts."""
    dataset = record(0)
    found = water_year(np.array(["2000-09-30", "2000-10-01", "2001-01-01"], "datetime64[ns]"))
    assert found.tolist() == [2000, 2001, 2001]
    assert whole_years(dataset["time"].values) == list(range(2001, 2019))
    mask = year_mask({"b": (2003,)}, dataset["time"].values, dataset["basin"].values)
    assert mask.sum(axis=0).tolist() == [0, 365, 0]


@given(st.integers(0, 2**32 - 1), st.sampled_from([2.0, 5.0, 10.0]))
@settings(max_examples=10)
def test_extreme_years_are_never_trained_on(seed, years):
    """Every year is trained on, tested or a control, none twice; no trained peak reaches one that is tested."""
    dataset = record(seed)
    split = extreme_years(dataset, TRAIN, RECORD, years)
    check_leakage(split)
    for i, basin in enumerate(dataset["basin"].values):
        parts = [split.train[basin], split.test[basin], split.control[basin]]
        assert sorted(sum(parts, ())) == list(range(2001, 2019))
        assert max(split.train[basin]) <= 2010 < min(split.control[basin], default=2011)
        peaks = dict(enumerate(dataset["streamflow"][:, i].groupby(_years(dataset)).max().values, 2000))
        assert max(peaks[y] for y in split.train[basin]) < min((peaks[y] for y in split.test[basin]), default=np.inf)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_shifted_years_are_those_of_the_extreme_ranks(seed):
    """All tested years are warmer (or drier) than all trained on, so the shift has its sign; random years do not
    overlap with those tested."""
    dataset = record(seed)
    for by, sign, size in (("warm", 1, "temperature_change"), ("dry", -1, "precipitation_change")):
        split = ranked_years(dataset, RECORD, by, 7, 6)
        check_leakage(split)
        check_leakage(random_years(split, whole_years(dataset["time"].values), seed))
        assert sign * split.shift[size] > 0
        assert {len(y) for y in split.train.values()} == {7}
        assert {len(y) for y in split.test.values()} == {6}
    with pytest.raises(DgeoError, match="more than the 18 whole water years"):
        ranked_years(dataset, RECORD, "dry", 10, 9)


def test_a_year_split_survives_its_file_and_leaks_are_found(tmp_path):
    """As JSON and back it is the same; a year on both sides is named."""
    split = YearSplit({"a": (2001, 2002)}, {"a": (2003,)}, {}, "s", {"peak_ratio": 2.0})
    split.save(tmp_path / "split.json")
    assert load_split(tmp_path / "split.json") == split
    with pytest.raises(DgeoError, match="Water year 2002 of basin 'a' is trained on and tested"):
        check_leakage(YearSplit({"a": (2001, 2002)}, {"a": (2002,)}))


@given(st.integers(5, 60), st.integers(0, 1000), st.floats(0.01, 1.0))
def test_fractions_are_nested_and_spare_the_test(count, draw, share):
    """A smaller share is a part of a larger one of its draw; no tested basin is in any; sizes are those asked for."""
    basins = [f"{i:03d}" for i in range(count)]
    found = basin_fractions(basins, basins[::5], sorted({share, 1.0}), draw)
    for split in found.values():
        check_leakage(split)
    assert set(found[share].train) <= set(found[1.0].train)
    assert len(found[share].train) == max(round(share * len(found[1.0].train)), 1)


@given(st.integers(1, 10), st.integers(0, 1000))
def test_some_years_lie_in_the_period(count, draw):
    """As many whole water years in a row, inside."""
    first, last = some_years(TRAIN, count, draw)
    assert TRAIN[0] <= first
    assert last <= TRAIN[1]
    assert int(last[:4]) - int(first[:4]) == count


def test_climate_of_a_year_by_hand():
    """1460 days: rain of 10 mm on two days in a row of every ten, snow on the days below zero. The mean is 2, so 10 is
    five times as much: heavy events of two days, dry ones of eight."""
    time = np.arange("2001-01-01", "2005-01-01", dtype="datetime64[D]")
    rain = np.where(np.arange(len(time)) % 10 < 2, 10.0, 0.0)[:1460, None]
    warmth = np.where(np.arange(1460) < 730, -1.0, 1.0)[:, None]
    found = climate(rain, np.ones_like(rain), warmth, time[:1460])
    expected = {"p_mean": 2, "pet_mean": 1, "aridity": 0.5, "frac_snow": 0.5, "high_prec_dur": 2, "low_prec_dur": 8}
    expected |= {"high_prec_freq": 0.2 * 365.25, "low_prec_freq": 0.8 * 365.25}
    for name, value in expected.items():
        assert found[name][0] == pytest.approx(value), name


def _years(dataset):
    return xr.DataArray(water_year(dataset["time"].values), {"time": dataset["time"]}, ("time",), "year")


def test_climate_of_camels_is_the_published(data_root):
    """Over water years 1990 to 2009 the attributes that need no potential evapotranspiration are those that Addor et
    al. (2017) published from the same forcings; they are printed with at least six digits."""
    from dgeo.data import read_prepared, with_climate_of

    basins = ["01013500", "06224000", "11264500", "14137000"]
    published = read_prepared(data_root, basins)
    dataset = published.assign(potential_evapotranspiration=published["temperature"] * 0 + 1)
    found = with_climate_of(dataset, water_years(1990, 2009))
    for name in ("p_mean", "high_prec_freq", "high_prec_dur", "low_prec_freq", "low_prec_dur"):
        np.testing.assert_allclose(found[name].values, published[name].values, rtol=1e-4, err_msg=name)
