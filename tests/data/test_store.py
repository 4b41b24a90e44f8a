"""Zarr stores: what comes back, what is refused, and that a series is read where it is looked at."""

import itertools
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dgeo.data import blocks, fingerprint, open_store, select, store, write_store
from dgeo.errors import DgeoError

DAYS, SITES = 40, 7


@pytest.fixture
def dataset(monkeypatch):
    """Seven basins in files of three, and pieces of fifteen days, with gaps, counts, words and units."""
    monkeypatch.setattr(blocks, "BASINS", 3)
    monkeypatch.setattr(store, "STEPS", 15)
    random = np.random.default_rng(3)
    flow = random.gamma(0.5, 3, (DAYS, SITES)).astype(np.float32)
    flow[3:9, 2] = np.nan
    flow[:, 5] = np.nan
    return xr.Dataset(
        {
            "streamflow": (("time", "basin"), flow, {"units": "mm d-1", "long_name": "flow"}),
            "flag": (("time", "basin"), random.integers(0, 3, (DAYS, SITES)).astype(np.int8)),
            "slope": ("basin", random.random(SITES, np.float32), {"units": "1"}),
            "rock": ("basin", np.asarray(["granite", "Löss", "", "chalk", "basalt", "marl", "gneiss"])),
        },
        {
            "time": pd.date_range("1999-02-03", periods=DAYS).values,
            "basin": np.asarray([f"0{site}" for site in range(SITES)]),
            "latitude": ("basin", random.random(SITES), {"units": "degrees_north"}),
        },
    )


def parts_of(dataset, *sizes):
    """The basins in parts of these sizes."""
    edges = np.cumsum([0, *sizes])
    return (dataset.isel(basin=slice(*pair)) for pair in itertools.pairwise(edges))


@pytest.mark.parametrize("sizes", [(7,), (2, 2, 3), (1, 6)])
def test_what_is_written_comes_back(dataset, tmp_path, sizes):
    """Values (bit for bit, gaps too), units, coordinates and words, whatever parts they come in, none of which fills a
    file evenly."""
    write_store(parts_of(dataset, *sizes), tmp_path / "a.zarr")
    found = open_store(tmp_path / "a.zarr")
    xr.testing.assert_identical(found.load(), dataset)
    assert fingerprint(found) == fingerprint(dataset)


def test_other_tools_read_a_store(dataset, tmp_path):
    """xarray alone, through the zarr library, sees the same values: another reader than ours."""
    write_store(dataset, tmp_path / "a.zarr")
    found = xr.open_zarr(tmp_path / "a.zarr", chunks=None, consolidated=False)
    np.testing.assert_array_equal(found["streamflow"], dataset["streamflow"])


@pytest.mark.parametrize("basins", [slice(2, 6), [6, 0, 3], [-1, 1], slice(None, None, -2), 4])
@pytest.mark.parametrize("days", [slice(10, 20), slice(35, 99), [39, 0], -1])
def test_parts_of_a_series_are_those_of_numpy(dataset, tmp_path, basins, days):
    """Lazy selections, one after the other, against numpy's own."""
    write_store(dataset, tmp_path / "a.zarr")
    found = open_store(tmp_path / "a.zarr")["streamflow"].isel(basin=basins).isel(time=days)
    np.testing.assert_array_equal(found, dataset["streamflow"].values[:, basins][days])


def test_nothing_is_read_before_it_is_looked_at(dataset, tmp_path):
    """With its files damaged, a store still opens and selects; the sentence comes when a piece is read, and only for
    the pieces of the damaged file."""
    write_store(dataset, tmp_path / "a.zarr")
    file = tmp_path / "a.zarr" / "streamflow" / "c" / "0" / "1"
    content = bytearray(file.read_bytes())
    content[20] ^= 0xFF
    file.write_bytes(content)
    found = select(open_store(tmp_path / "a.zarr"), ["03", "06"])
    np.testing.assert_array_equal(found["streamflow"][:, 1], dataset["streamflow"][:, 6])
    with pytest.raises(DgeoError, match=r"^'streamflow' of the store .*a\.zarr cannot be read .*anew\.$"):
        found["streamflow"].values  # noqa: B018


def test_an_unfinished_store_is_refused(dataset, tmp_path):
    """A writer that dies leaves nothing under the store's name, and what it leaves is not taken for a store; the next
    one is not in its way."""
    path = tmp_path / "a.zarr"

    def dies():
        yield from parts_of(dataset, 3, 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_store(dies(), path)
    with pytest.raises(DgeoError, match="does not exist"):
        open_store(path)
    with pytest.raises(DgeoError, match="is not finished"):
        open_store(tmp_path / ".a.zarr.partial")
    write_store(dataset, path)
    assert [found.name for found in tmp_path.iterdir()] == ["a.zarr"]
    with pytest.raises(DgeoError, match="already exists"):
        write_store(dataset, path)
    next((path / "streamflow" / "c").glob("*/*")).unlink()
    with pytest.raises(DgeoError, match=r"'streamflow' of the store .* has 8 files instead of 9"):
        open_store(path)


def test_parts_must_fit(dataset, tmp_path):
    """Each fault of the parts is met with a sentence, and no store appears."""
    one, two = parts_of(dataset, 4, 3)
    later = two.assign_coords(time=two["time"] + np.timedelta64(1, "D"))
    faults = {
        "variable 'flag'": [one, two.drop_vars("flag")],
        "basin '04' on has other days": [one, later],
        "Basin '00' occurs more than once": [one, one],
        "no part": [],
    }
    for words, parts in faults.items():
        with pytest.raises(DgeoError, match=words):
            write_store(parts, tmp_path / "a.zarr")
    with pytest.raises(DgeoError, match="no Zarr store"):
        open_store(tmp_path)


def test_without_the_packages_a_sentence_says_what_to_install(dataset, tmp_path, monkeypatch):
    """An import that fails, as on a machine without the extra."""
    monkeypatch.setitem(sys.modules, "tensorstore", None)
    with pytest.raises(DgeoError, match=r"tensorstore, which is not installed: pip install dgeo\[zarr\]\.$"):
        write_store(dataset, tmp_path / "a.zarr")
