"""Half-hours of flux towers as arrays, and their split."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = {
    "net_radiation": ("NETRAD", 1.0), "ground_heat_flux": ("G_F_MDS", 1.0), "air_temperature": ("TA_F", 1.0),
    "vapour_pressure": ("eair", 1000.0), "air_pressure": ("PA_F", 1000.0), "wind_speed": ("WS_F", 1.0),
    "friction_velocity": ("USTAR", 1.0), "shortwave_radiation": ("SW_IN_F", 1.0),
    "soil_moisture": ("SWC_F_MDS_1", 1.0), "leaf_area_index": ("LAI", 1.0),
    "latent_heat": ("LE_F_MDS", 1.0), "sensible_heat": ("H_F_MDS", 1.0), "nee": ("NEE_VUT_REF", 1.0),
}  # fmt: skip


@dataclass(frozen=True)
class Tower:
    """Series [time] by name, for training and for testing."""

    name: str
    train: dict[str, np.ndarray]
    test: dict[str, np.ndarray]


def read(site: str, part: str) -> dict[str, np.ndarray]:
    """One file of forcings and one of fluxes, half-hours without a gap in what is used."""
    folder = Path(os.environ.get("DGEO_DATA", "../shared/data")) / "flux" / "ameriflux_jaxcanveg"
    both = [pd.read_csv(folder / f"{site}-{kind}{part}.csv.xz") for kind in ("forcings", "fluxes")]
    table = both[0].merge(both[1], on="TIMESTAMP_END")
    series = {name: table[column].to_numpy(float) * factor for name, (column, factor) in COLUMNS.items()}
    known = np.all([np.isfinite(x) & (x > -9000) for x in series.values()], axis=0)
    day = (pd.to_datetime(table["TIMESTAMP_END"]) - pd.Timestamp("2010-01-01")).dt.days.to_numpy()
    return {name: x[known].astype(np.float32) for name, x in series.items()} | {"day": day[known]}


def towers() -> list[Tower]:
    """US-Bi1 with its own split; of the two with one year, every fourth block of ten days is the test."""
    found = [Tower("US-Bi1", read("US-Bi1", ""), read("US-Bi1", "-test"))]
    for site in ("US-Whs", "US-Me2"):
        series = read(site, "-test")
        held = (series["day"] // 10) % 4 == 3
        found.append(Tower(site, *({name: x[use] for name, x in series.items()} for use in (~held, held))))
    return found
