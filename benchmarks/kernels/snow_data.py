"""Daily snow, precipitation and temperature of three stations, by water years."""

import tempfile
import zipfile
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr

from dgeo.physics.solar import extraterrestrial_radiation

SITES = {"SNOTEL 526": 40.0, "SNOTEL 663": 40.0, "Col de Porte": 45.3}  # latitude; of 526 the files do not say
DAYS, WARM = 365, 12.0


def snotel(root: Path, number: int) -> pd.DataFrame:
    """Daily precipitation, temperature and snow."""
    table = pd.read_csv(root / "snow" / f"snotel_{number}_data.csv", parse_dates=["date"], index_col="date")
    return table.set_axis(["snow", "temperature", "precipitation"], axis=1)


def col_de_porte(root: Path) -> pd.DataFrame:
    """The same; days without temperature are filled up to a week, and are summer beyond."""
    archive = zipfile.ZipFile(root / "snow" / "col_de_porte" / "CDP_daily_data_19600801_20170731.zip")
    columns = ["swe_auto", "Tmin", "Tmax", "total_precipitation"]
    with tempfile.TemporaryDirectory() as folder:
        file = archive.extract(archive.namelist()[0], folder)
        table = xr.load_dataset(file)[columns].to_dataframe()["2001-10-01":]
    table.index = table.index.normalize()
    table = table.reindex(pd.date_range("2001-10-01", "2017-09-30"))
    temperature = ((table["Tmin"] + table["Tmax"]) / 2 - 273.15).interpolate(limit=7).fillna(WARM)
    return pd.DataFrame(
        {"snow": table["swe_auto"], "temperature": temperature, "precipitation": table["total_precipitation"].fillna(0)}
    )


def water_years(root: Path) -> dict[str, np.ndarray]:
    """[day, year] of every variable, all sites side by side, with `site` and `train` of every year."""
    tables = [snotel(root, 526), snotel(root, 663), col_de_porte(root)]
    years: dict[str, list[Any]] = {
        name: [] for name in ("snow", "temperature", "precipitation", "sun", "site", "train")
    }
    for site, (table, latitude) in enumerate(zip(tables, SITES.values(), strict=True)):
        firsts = [day for day in table.index if (day.month, day.day) == (10, 1)]
        for k, first in enumerate(firsts):
            year = table.loc[first : first + pd.Timedelta(days=DAYS - 1)]
            day = jnp.asarray(year.index.dayofyear.to_numpy(), jnp.float32)
            for name in ("snow", "temperature", "precipitation"):
                years[name].append(year[name].to_numpy(np.float32))
            years["sun"].append(np.asarray(extraterrestrial_radiation(jnp.radians(latitude), day)))
            years["site"].append(site)
            years["train"].append(k < 0.6 * len(firsts))
    return {name: np.stack(x, axis=-1) for name, x in years.items()}
