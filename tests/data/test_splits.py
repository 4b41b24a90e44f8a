"""Splits partition the basins, keep groups together, survive JSON, and leaks are found."""

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, strategies as st

from dgeo.data import (
    PUR_GROUPS,
    BasinSplit,
    TemporalSplit,
    check_leakage,
    load_split,
    pub_folds,
    pur_folds,
    water_years,
)
from dgeo.errors import DgeoError

IDS = st.integers(1_000_000, 15_000_000).map(lambda number: f"{number:08d}")
BASINS = st.lists(IDS, min_size=4, max_size=40, unique=True)
TEMPORAL = TemporalSplit(water_years(1981, 1995), water_years(1994, 1995), water_years(1996, 2010))


def test_water_years():
    """Water year 1981 begins on 1 October 1980 (US Geological Survey)."""
    assert water_years(1981, 1995) == ("1980-10-01", "1995-09-30")
    with pytest.raises(DgeoError, match="backwards"):
        water_years(1995, 1981)


@given(BASINS, st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_pub_folds_partition(basins: list[str], k: int, seed: int):
    """Each basin is tested once; sizes differ by at most one; train and test make the whole, without
    overlap."""
    folds = pub_folds(basins, k, seed)
    assert sorted(basin for fold in folds for basin in fold.test) == sorted(basins)
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for fold in folds:
        assert set(fold.train) | set(fold.test) == set(basins)
        check_leakage(fold)


@given(BASINS, st.integers(0, 1000), st.randoms())
def test_pub_folds_do_not_depend_on_order(basins: list[str], seed: int, random):
    """The folds are a function of the set of basins and the seed."""
    shuffled = list(basins)
    random.shuffle(shuffled)
    assert pub_folds(basins, 3, seed) == pub_folds(shuffled, 3, seed)


@given(BASINS, st.integers(0, 1000), st.data())
def test_groups_stay_in_one_fold(basins: list[str], seed: int, data):
    """No group of nested gauges is torn apart, whatever the grouping, and the basins still partition."""
    labels = data.draw(st.lists(st.integers(0, 5), min_size=len(basins), max_size=len(basins)))
    groups = dict(zip(basins[:-2], labels, strict=False))
    folds = pub_folds(basins, 2, seed, groups)
    for fold in folds:
        check_leakage(fold, groups)
    assert sorted(basin for fold in folds for basin in fold.test) == sorted(basins)


def test_seeds_give_other_folds():
    """Two shuffles of 100 basins deal the same five folds with a probability below 10⁻⁶⁰."""
    basins = [f"{i:08d}" for i in range(100)]
    assert pub_folds(basins, 5, 0) != pub_folds(basins, 5, 1)


def test_pub_refuses_what_it_cannot_split():
    """One group cannot fill two folds, and a basin listed twice would be tested twice."""
    with pytest.raises(DgeoError, match="folds cannot be made"):
        pub_folds(["a", "b"], 2, 0, {"a": 1, "b": 1})
    with pytest.raises(DgeoError, match="'a' is listed more than once"):
        pub_folds(["a", "b", "a"], 2, 0)


@given(st.dictionaries(IDS, st.integers(1, 18), min_size=1))
def test_pur_folds_partition_by_region(regions: dict[str, int]):
    """Each basin is tested in the fold of its region, with '01' and 1 the same region."""
    folds = pur_folds({basin: f"{region:02d}" for basin, region in regions.items()})
    assert folds == pur_folds(regions)
    assert sorted(basin for fold in folds for basin in fold.test) == sorted(regions)
    for fold in folds:
        group = next(g for g in PUR_GROUPS if regions[fold.test[0]] in g)
        assert set(fold.test) == {basin for basin, region in regions.items() if region in group}


def test_pur_groups_hold_each_region_once():
    """The 18 HUC-2 regions of the conterminous United States, each in one of seven groups."""
    assert sorted(region for group in PUR_GROUPS for region in group) == list(range(1, 19))


def test_pur_takes_a_coordinate_and_refuses_unknown_regions():
    """A dataset's `region` will do; Alaska (HUC 19) is in no group."""
    region = xr.DataArray(["01", "17"], dims="basin", coords={"basin": ["a", "b"]})
    assert [fold.test for fold in pur_folds(region)] == [("a",), ("b",)]
    with pytest.raises(DgeoError, match="Region '19' of basin 'a' is in 0 groups"):
        pur_folds({"a": "19"})


@pytest.mark.parametrize("split", [TEMPORAL, BasinSplit(("a", "b"), ("c",), "fold")])
def test_saved_splits_come_back(split: TemporalSplit | BasinSplit, tmp_path: Path):
    """JSON and back gives an equal split with the same fingerprint."""
    split.save(tmp_path / "split.json")
    loaded = load_split(tmp_path / "split.json")
    assert loaded == split
    assert loaded.fingerprint == split.fingerprint


def test_fingerprints_differ():
    """A split moved by one day is another split."""
    moved = TemporalSplit(TEMPORAL.train, TEMPORAL.validation, ("1995-10-02", "2010-09-30"))
    assert moved.fingerprint != TEMPORAL.fingerprint


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "Other"}', '{"kind": "BasinSplit", "size": 3}'])
def test_files_that_hold_no_split(text: str, tmp_path: Path):
    """Broken or foreign JSON and a missing file are one sentence each."""
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(DgeoError, match="does not hold a split"):
        load_split(tmp_path / "split.json")
    with pytest.raises(DgeoError, match="cannot be read"):
        load_split(tmp_path / "absent.json")


def test_clean_splits_pass():
    """Validation inside training, after it, or none."""
    check_leakage(TEMPORAL)
    check_leakage(TemporalSplit(water_years(1981, 1990), None, water_years(1991, 1995)))
    after = TemporalSplit(
        water_years(1981, 1990), water_years(1991, 1992), water_years(1993, 1995), validation_inside=False
    )
    check_leakage(after)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A disk that is full when the file is moved into place: the old split stays, and nothing remains beside it."""
    path = tmp_path / "split.json"
    TEMPORAL.save(path)

    def full(*_: object):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(DgeoError, match=r"split\.json cannot be written \(No space left on device\)"):
            BasinSplit(("a",), ("b",)).save(path)
    assert load_split(path) == TEMPORAL
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(DgeoError, match=r"absent/split\.json cannot be written \(No such file.*make its folder"):
        TEMPORAL.save(tmp_path / "absent" / "split.json")


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (
            TemporalSplit(water_years(1981, 1996), None, water_years(1996, 2010)),
            "shares 1995-10-01 to 1996-09-30",
        ),
        (
            TemporalSplit(("1980-01-01", "1990-01-01"), None, ("1990-01-01", "1991-01-01")),
            "shares 1990-01-01",
        ),
        (
            TemporalSplit(water_years(1981, 1995), water_years(1995, 1997), water_years(1996, 2010)),
            "validation",
        ),
        (TemporalSplit(water_years(1981, 1990), water_years(1991, 1992), water_years(1993, 1995)), "inside"),
        (
            TemporalSplit(water_years(1981, 1990), water_years(1990, 1991), water_years(1993, 1995), False),
            "after",
        ),
        (TemporalSplit(("1990-01-01", "1980-01-01"), None, water_years(1996, 2010)), "runs backwards"),
        (TemporalSplit(("1 May", "1980"), None, water_years(1996, 2010)), "cannot be read"),
        (BasinSplit(("a", "b"), ("b", "c")), "Basin 'b' is in the training and in the test part"),
        (BasinSplit((), ("b",)), "training part"),
    ],
)
def test_leaks_are_found(split: TemporalSplit | BasinSplit, words: str):
    """Every way in which training or validation can see the test part, or a period that makes no sense."""
    with pytest.raises(DgeoError, match=words):
        check_leakage(split)


def test_torn_groups_are_found():
    """Two gauges on one river in different parts."""
    with pytest.raises(DgeoError, match="'c' belongs to the same group 'Juniata' as training basin 'a'"):
        check_leakage(BasinSplit(("a", "b"), ("c",)), {"a": "Juniata", "c": "Juniata"})


@given(st.integers(0, 5000), st.integers(0, 400), st.integers(0, 5000), st.integers(0, 400))
def test_leakage_agrees_with_sets_of_days(a: int, a_length: int, b: int, b_length: int):
    """Second implementation: two periods leak exactly when their sets of days intersect."""
    origin = np.datetime64("1980-01-01")
    day = np.timedelta64(1, "D")
    train, test = ((str(origin + i * day), str(origin + (i + n) * day)) for i, n in ((a, a_length), (b, b_length)))
    overlap = set(range(a, a + a_length + 1)) & set(range(b, b + b_length + 1))
    split = TemporalSplit(train, None, test)
    if overlap:
        with pytest.raises(DgeoError, match=f"shares {origin + min(overlap) * day} to {origin + max(overlap) * day}"):
            check_leakage(split)
    else:
        check_leakage(split)
