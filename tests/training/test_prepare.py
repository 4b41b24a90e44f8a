"""From a config to a dataset: potential evapotranspiration of a whole dataset, in the units it is given in."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dgeo.data import BasinSplit, TemporalSplit, YearSplit, pub_folds
from dgeo.errors import DgeoError
from dgeo.training import potential_evapotranspiration
from dgeo.training.prepare import checked, in_years, training_basins
from tests.training.cases import config, world


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
    assert found.sel(basin="north").values.argmax() in range(150, 230)
    assert found.sel(basin="south").values.argmax() in (*range(0, 50), *range(330, 365))


def test_a_missing_variable_is_named() -> None:
    """Priestley-Taylor needs radiation, which this dataset lacks."""
    with pytest.raises(DgeoError, match="priestley_taylor formula needs 'shortwave_radiation'"):
        potential_evapotranspiration(little_dataset(), "priestley_taylor")


def test_hourly_data_are_refused_and_not_taken_for_days() -> None:
    """A config is daily; half the steps in hours would make every rate twenty-four times too small."""
    dataset = world()
    hourly = dataset.assign_coords(time=pd.date_range("2000-10-01", periods=dataset.sizes["time"], freq="h"))
    with pytest.raises(DgeoError, match="steps of 1 hours, but runs from a config are daily"):
        checked(hourly, config())


def test_a_spin_up_begins_after_the_last_gap() -> None:
    """A gap in one basin's forcing before the first period: the days up to it are left out, no day after it is."""
    dataset = world()
    dataset["precipitation"][40, 2] = np.nan
    later = {"split": {"train": ["2001-10-01", "2002-09-30"], "validation": None, "test": ["2002-10-01", "2003-09-30"]}}
    found = checked(dataset, config(**later))
    assert found["time"].values[0] == dataset["time"].values[41]
    assert found["time"].values[-1] == dataset["time"].values[-1]
    xr.testing.assert_identical(checked(world(), config(**later)), world())


def test_a_saved_split_names_the_unseen_basins(tmp_path) -> None:
    """The folds of `pub_folds`, by way of a file; with unseen basins the test may have the years of the training."""
    dataset = world()
    fold = pub_folds([str(basin) for basin in dataset["basin"].values], 5, seed=0)[0]
    fold.save(tmp_path / "fold.json")
    years = {"train": ["2000-10-01", "2003-09-30"], "validation": None, "test": ["2000-10-01", "2003-09-30"]}
    with pytest.raises(DgeoError, match="shares"):
        checked(dataset, config(split=years))
    split = config(split={**years, "basins": str(tmp_path / "fold.json")})
    assert training_basins(checked(dataset, split), split) == list(fold.train)
    with pytest.raises(DgeoError, match="not both"):
        config(split={**years, "basins": str(tmp_path / "fold.json"), "test_basins": fold.test})


def test_a_split_of_years_is_no_split_of_basins(tmp_path) -> None:
    """The file must hold what the key asks for."""
    TemporalSplit(("2000-10-01", "2001-09-30"), None, ("2002-10-01", "2003-09-30")).save(tmp_path / "years.json")
    with pytest.raises(DgeoError, match="holds no split of basins"):
        checked(world(), config(split={"basins": str(tmp_path / "years.json")}))


def test_a_split_of_years_hides_the_other_years_of_each_basin(tmp_path) -> None:
    """One basin trains on 2001 and is tested in 2002, another the other way round, and the others do neither."""
    dataset = world()
    first, second = (str(basin) for basin in dataset["basin"].values[:2])
    split = YearSplit({first: (2001,), second: (2002,)}, {first: (2002,), second: (2001,)})
    split.save(tmp_path / "years.json")
    period = ("2000-10-01", "2002-09-30")
    years = {"train": period, "validation": None, "test": period, "years": str(tmp_path / "years.json")}
    found = {part: in_years(dataset, config(split=years), part)["streamflow"] for part in ("train", "test")}
    seen = {part: np.isfinite(series.sel(basin=first).values) for part, series in found.items()}
    observed = np.isfinite(dataset["streamflow"].sel(basin=first).values)
    in_2001 = dataset["time"].values < np.datetime64("2001-10-01")
    np.testing.assert_array_equal(seen["train"], observed & in_2001)
    assert not (seen["train"] & seen["test"]).any()
    assert not np.isfinite(found["train"].values[:, 2:]).any()
    checked(dataset, config(split=years))
    with pytest.raises(DgeoError, match="has no validation years"):
        config(split={**years, "validation": ["2001-10-01", "2002-09-30"]})


def test_a_split_file_can_leave_basins_out(tmp_path) -> None:
    """Of five basins one trains and one is tested; the others are neither."""
    dataset = world()
    basins = [str(basin) for basin in dataset["basin"].values]
    BasinSplit((basins[0],), (basins[4],)).save(tmp_path / "two.json")
    assert training_basins(dataset, config(split={"basins": str(tmp_path / "two.json")})) == basins[:1]
