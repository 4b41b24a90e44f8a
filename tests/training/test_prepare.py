"""From a config to a dataset: potential evapotranspiration of a whole dataset, in the units it is given in."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dgeo.errors import DgeoError
from dgeo.training import potential_evapotranspiration


def little_dataset() -> xr.Dataset:
    """Two basins, one on each side of the equator, over a year."""
    time = pd.date_range("2001-01-01", periods=365)
    warmth = 12 - 10 * np.cos(2 * np.pi * np.arange(365) / 365)[:, None] * np.array([1.0, -1.0])
    series = {"temperature": warmth, "temperature_min": warmth - 4, "temperature_max": warmth + 5}
    variables = {name: (("time", "basin"), values.astype(np.float32)) for name, values in series.items()}
    return xr.Dataset(variables, {"time": time, "basin": ["north", "south"], "latitude": ("basin", [47.0, -35.0])})


def hargreaves_by_hand(dataset: xr.Dataset) -> np.ndarray:
    """FAO-56 equations 21, 23, 24, 25 and 52 in plain numpy, latitude in degrees turned into radians here."""
    day = dataset["time"].dt.dayofyear.values[:, None]
    latitude = np.deg2rad(dataset["latitude"].values)[None]
    declination = 0.409 * np.sin(2 * np.pi * day / 365 - 1.39)
    sunset = np.arccos(-np.tan(latitude) * np.tan(declination))
    height = sunset * np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.sin(sunset)
    radiation = 24 * 60 / np.pi * 0.0820 * (1 + 0.033 * np.cos(2 * np.pi * day / 365)) * height
    return 0.0023 * 0.408 * radiation * (dataset["temperature"].values + 17.8) * 3.0


def test_hargreaves_of_a_dataset_equals_the_equations() -> None:
    """The range of temperature is 9 K every day, so its root is 3; float32 and 0.0820 MJ m-2 min-1 leave 1e-3."""
    dataset = little_dataset()
    found = potential_evapotranspiration(dataset, "hargreaves")
    assert found.attrs["units"] == "mm d-1"
    np.testing.assert_allclose(found.values, hargreaves_by_hand(dataset), rtol=1e-3)


def test_summer_is_where_the_sun_is() -> None:
    """Latitude read in the wrong unit or sign would not give each hemisphere its own summer."""
    found = potential_evapotranspiration(little_dataset(), "oudin")
    assert found.sel(basin="north").argmax() in range(150, 230)
    assert found.sel(basin="south").argmax() in (*range(0, 50), *range(330, 365))


def test_a_missing_variable_is_named() -> None:
    """Priestley-Taylor needs radiation, which this dataset lacks."""
    with pytest.raises(DgeoError, match="priestley_taylor formula needs 'shortwave_radiation'"):
        potential_evapotranspiration(little_dataset(), "priestley_taylor")
