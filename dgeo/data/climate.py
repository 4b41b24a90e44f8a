"""Climate attributes of any period, and attributes that say nothing.

Published climate attributes are means over years that a test may score (those of CAMELS-US over water years 1990 to
2009). Here they are those of the forcings at hand over a period of one's own, by the definitions of Addor et al.
(2017), table 2, doi:10.5194/hess-21-5293-2017; the seasonality is that of Woods (2009),
doi:10.1016/j.advwatres.2009.06.011: the relative amplitude of the yearly wave of precipitation times the cosine of its
lag behind that of temperature. Potential evapotranspiration is that of the dataset, not of Priestley and Taylor as
published.
"""

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Shaped

from dgeo.data.selection import within
from dgeo.data.splits import Period
from dgeo.data.variables import is_text

YEAR = 365.25  # [d]
HEAVY = 5.0  # times the mean precipitation
DRY = 1.0  # [mm d-1]
Site = Float[np.ndarray, " basin"]


def with_climate_of(dataset: xr.Dataset, period: Period) -> xr.Dataset:
    """The dataset with those of its attributes that describe the climate computed anew over a period."""
    part = within(dataset, period)
    names = ("precipitation", "potential_evapotranspiration", "temperature")
    rain, demand, warmth = (part[name].transpose("time", "basin").values for name in names)
    found = climate(rain, demand, warmth, part["time"].values)
    known = {name: values for name, values in found.items() if name in dataset}
    return dataset.assign(
        {name: ("basin", values.astype(np.float32), dataset[name].attrs) for name, values in known.items()}
    )


def climate(
    rain: Float[np.ndarray, "time basin"],
    demand: Float[np.ndarray, "time basin"],
    warmth: Float[np.ndarray, "time basin"],
    time: Shaped[np.ndarray, " time"],
) -> dict[str, Site]:
    """The climate attributes of a period, from precipitation, potential evapotranspiration and temperature."""
    rain, demand, warmth = (series.astype(np.float64) for series in (rain, demand, warmth))
    mean = rain.mean(axis=0)
    heavy, dry = rain >= HEAVY * mean[None], rain < DRY
    return {
        "p_mean": mean,
        "pet_mean": demand.mean(axis=0),
        "aridity": demand.mean(axis=0) / mean,
        "frac_snow": np.where(warmth < 0, rain, 0).mean(axis=0) / mean,
        "p_seasonality": _seasonality(rain, warmth, time),
        "high_prec_freq": heavy.mean(axis=0) * YEAR,
        "high_prec_dur": _duration(heavy),
        "low_prec_freq": dry.mean(axis=0) * YEAR,
        "low_prec_dur": _duration(dry),
    }


def without_meaning(dataset: xr.Dataset, seed: int) -> xr.Dataset:
    """The dataset with every attribute of numbers replaced by noise, which still tells the basins apart."""
    random = np.random.default_rng(seed)
    numbers = [name for name, v in dataset.data_vars.items() if v.dims == ("basin",) and not is_text(v)]
    drawn = {name: random.standard_normal(dataset.sizes["basin"]).astype(np.float32) for name in numbers}
    return dataset.assign({name: ("basin", values, dataset[name].attrs) for name, values in drawn.items()})


def _seasonality(rain: np.ndarray, warmth: np.ndarray, time: np.ndarray) -> Site:
    days = time.astype("datetime64[D]")
    turn = np.exp(2j * np.pi / YEAR * (days - days.astype("datetime64[Y]")).astype(int))[:, None]
    wave, season = 2 * (rain * turn).mean(axis=0) / rain.mean(axis=0), (warmth * turn).mean(axis=0)
    return np.real(wave * np.conj(season)) / np.abs(season)


def _duration(event: Bool[np.ndarray, "time basin"]) -> Site:
    """The mean length of events [d]; 0 where there is none."""
    begins = event & ~np.vstack([np.zeros((1, event.shape[1]), bool), event[:-1]])
    return event.sum(axis=0) / np.maximum(begins.sum(axis=0), 1)
