"""A small set of basins made without any model, so that nothing has to be compiled for it."""

from pathlib import Path

import numpy as np
import xarray as xr

from dgeo.data import water_years
from dgeo.experiments import Setting
from dgeo.training.data_config import DataConfig

BASINS, YEARS = 10, 7


def dataset() -> xr.Dataset:
    """Seven water years, 2001 to 2007, of ten basins in three regions: noisy seasons, one reservoir."""
    random = np.random.default_rng(0)
    time = np.arange("2000-10-01", f"{2000 + YEARS}-10-01", dtype="datetime64[D]").astype("datetime64[ns]")
    season = np.cos(2 * np.pi * (np.arange(len(time)) - 290) / 365.25)[:, None]
    warmth = 10 + 8 * season + random.normal(0, 3, (len(time), BASINS))
    rain = random.gamma(0.3, 10, (len(time), BASINS)) * (random.random((len(time), BASINS)) < 0.3)
    demand = np.maximum(2 + 1.5 * season, 0) + np.zeros((1, BASINS))
    flow = np.zeros_like(rain)
    for day in range(1, len(time)):
        flow[day] = 0.9 * flow[day - 1] + 0.05 * rain[day]
    series = {
        "precipitation": (rain, "mm d-1"),
        "temperature": (warmth, "degC"),
        "potential_evapotranspiration": (demand, "mm d-1"),
        "streamflow": (flow * np.exp(random.normal(0, 0.1, flow.shape)), "mm d-1"),
    }
    variables = {name: (("time", "basin"), v.astype(np.float32), {"units": u}) for name, (v, u) in series.items()}
    for name in ("aridity", "frac_snow"):
        variables[name] = ("basin", random.random(BASINS).astype(np.float32), {"units": "1"})
    places = {
        "basin": [f"basin_{i}" for i in range(BASINS)],
        "latitude": ("basin", np.linspace(40.0, 45.0, BASINS)),
        "longitude": ("basin", np.linspace(-100.0, -90.0, BASINS)),
        "region": ("basin", [f"{1 + i % 3}" for i in range(BASINS)]),
    }
    return xr.Dataset(variables, {"time": time, **places})


def setting(folder: Path) -> Setting:
    """These basins in a file, in the smallest budget."""
    path = folder / "basins.nc"
    if not path.exists():
        dataset().to_netcdf(path, engine="h5netcdf")
    data = DataConfig(source="netcdf", file=path, potential_evapotranspiration="given")
    forcings = ("precipitation", "temperature", "potential_evapotranspiration")
    years = water_years(2001, 2004), water_years(2004, 2004), water_years(2005, 2007)
    return Setting("made", "tiny", data, ("aridity", "frac_snow"), forcings, *years)
