"""Products side by side, from the real files of four basins."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from dgeo.data import check, read_text
from dgeo.data.products import read_products
from dgeo.errors import DgeoError


@pytest.fixture(scope="module")
def raw(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample of four basins in the official layout."""
    path = data_root / "camels_us_raw_layout" / "neuralhydrology_test_4basins.tar.xz"
    if not path.exists():
        pytest.skip(f"no sample of the CAMELS-US text files at {path}")
    folder = tmp_path_factory.mktemp("products")
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    return folder / "neuralhydrology_test_4basins"


@pytest.fixture(scope="module")
def all_products(raw: Path) -> xr.Dataset:
    """Daymet (1,460 days), Maurer and NLDAS (1,096 days)."""
    return read_products(raw)


def test_products_lie_side_by_side(raw: Path, all_products: xr.Dataset):
    """The days of the shortest, without gaps; the values of each file by hand: basin 01022500 on 2 January 2000.

    The lines read `0.00` mm of Daymet, `4.21` of Maurer, `1.22` of NLDAS; temperatures (4.81 − 8.61)/2, −4.08, −0.60.
    """
    check(all_products, ("precipitation", "temperature", "precipitation_nldas", "temperature_maurer"))
    assert all_products.sizes == {"time": 1096, "basin": 4}
    day = all_products.sel(time="2000-01-02", basin="01022500")
    rain = [float(day[f"precipitation_{name}"]) for name in ("daymet", "maurer", "nldas")]
    warmth = [float(day[f"temperature_{name}"]) for name in ("daymet", "maurer", "nldas")]
    np.testing.assert_allclose(rain, [0, 4.21, 1.22], rtol=1e-6)
    np.testing.assert_allclose(warmth, [-1.9, -4.08, -0.6], rtol=1e-5)


def test_the_first_product_is_the_plain_one(raw: Path, all_products: xr.Dataset):
    """Its series, streamflow and coordinates are those of `read_text`, on the days in common."""
    alone = read_text(raw).sel(time=all_products["time"])
    xr.testing.assert_identical(all_products[list(alone.data_vars)], alone)
    np.testing.assert_array_equal(all_products["precipitation_daymet"], alone["precipitation"])


def test_what_is_not_there_is_named(raw: Path):
    """Product and variable."""
    with pytest.raises(DgeoError, match="'daymett' is not known; did you mean daymet"):
        read_products(raw, ("maurer_extended", "daymett"))
    with pytest.raises(DgeoError, match="daymet files give no 'precipitatio'; did you mean precipitation"):
        read_products(raw, ("daymet",), ("precipitatio",))
    with pytest.raises(DgeoError, match="No forcing product is named"):
        read_products(raw, ())
