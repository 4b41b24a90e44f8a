"""The canonical variables: for each one name, one unit and one range, whatever the source calls it."""

from typing import NamedTuple

import numpy as np
import xarray as xr


class Variable(NamedTuple):
    """A canonical variable; values outside `[low, high]` cannot be real and are refused."""

    units: str
    long_name: str
    low: float
    high: float


SERIES: dict[str, Variable] = {
    "precipitation": Variable("mm d-1", "precipitation", 0.0, 2000.0),
    "temperature": Variable("degC", "daily mean air temperature", -90.0, 60.0),
    "temperature_min": Variable("degC", "daily minimum air temperature", -90.0, 60.0),
    "temperature_max": Variable("degC", "daily maximum air temperature", -90.0, 70.0),
    "shortwave_radiation": Variable("W m-2", "incoming shortwave radiation, mean over the day", 0.0, 1400.0),
    "vapour_pressure": Variable("Pa", "water vapour pressure", 0.0, 1e4),
    "day_length": Variable("s", "day length", 0.0, 86400.0),
    "potential_evapotranspiration": Variable("mm d-1", "potential evapotranspiration", -5.0, 100.0),
    "streamflow": Variable("mm d-1", "observed streamflow", 0.0, 5000.0),
}

COORDINATES: dict[str, Variable] = {
    "latitude": Variable("degrees_north", "latitude", -90.0, 90.0),
    "longitude": Variable("degrees_east", "longitude", -180.0, 360.0),
    "area": Variable("km2", "drainage area", 1e-6, 1e7),
    "region": Variable("1", "region", -np.inf, np.inf),
    "name": Variable("1", "basin name", -np.inf, np.inf),
}

NUMBERS = ("latitude", "longitude", "area")  # the coordinates that are measured
DIMS = ("time", "basin")


def describe(name: str) -> dict[str, str]:
    """The `units` and `long_name` attrs of a canonical variable or coordinate."""
    variable = SERIES.get(name) or COORDINATES[name]
    return {"units": variable.units, "long_name": variable.long_name}


def is_text(variable: xr.DataArray) -> bool:
    """Whether a variable holds words (a category, an id) and not numbers."""
    return variable.dtype.kind in "OUST"
