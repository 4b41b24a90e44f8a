"""Attributes of virtual basins: what the climate leaves in numbers, and land that fits climate and terrain.

Names and units are those of CAMELS where it has the quantity. Texture sets porosity and conductivity by the
regressions of Cosby et al. (1984), doi:10.1029/WR020i006p00682; the seasonality of precipitation is that of
Woods (2009), eq. 14, doi:10.1016/j.advwatres.2009.06.011: positive where precipitation peaks in the warm
season. All other relations are plain assumptions: steep land has shallow and sandy soils, humid land has
forests.
"""

import numpy as np
from jaxtyping import Float

from dgeo.virtual.randomness import draw
from dgeo.virtual.weather import YEAR, day_of_year

Site = Float[np.ndarray, " basin"]

ATTRIBUTES: dict[str, tuple[str, str]] = {
    "elev_mean": ("m", "mean elevation"),
    "slope_mean": ("m km-1", "mean slope"),
    "log10_area": ("log10(km2)", "logarithm of the drainage area"),
    "p_mean": ("mm d-1", "mean precipitation"),
    "pet_mean": ("mm d-1", "mean potential evapotranspiration"),
    "aridity": ("1", "potential evapotranspiration over precipitation"),
    "frac_snow": ("1", "share of precipitation on days below 0 degC"),
    "p_seasonality": ("1", "seasonality of precipitation, positive with a wet summer"),
    "high_prec_freq": ("d yr-1", "days with at least five times the mean precipitation"),
    "frac_forest": ("1", "share of forest"),
    "soil_depth_statsgo": ("m", "depth of the soil"),
    "sand_frac": ("%", "sand in the soil"),
    "clay_frac": ("%", "clay in the soil"),
    "soil_porosity": ("1", "pore space of the soil"),
    "soil_conductivity": ("cm h-1", "saturated hydraulic conductivity of the soil"),
    "geol_permeability": ("log10(m2)", "permeability of the rock"),
    "carbonate_rocks_frac": ("1", "share of carbonate rocks"),
}


def climate_attributes(weather: dict[str, np.ndarray], time: np.ndarray) -> dict[str, Site]:
    """Attributes of the weather over a period of whole years."""
    rain, demand, warmth = (
        weather[name].astype(np.float64) for name in ("precipitation", "potential_evapotranspiration", "temperature")
    )
    mean = rain.mean(axis=0)
    return {
        "p_mean": mean,
        "pet_mean": demand.mean(axis=0),
        "aridity": demand.mean(axis=0) / mean,
        "frac_snow": np.where(warmth < 0, rain, 0).mean(axis=0) / mean,
        "p_seasonality": _seasonality(rain, warmth, time),
        "high_prec_freq": (rain >= 5 * mean).mean(axis=0) * YEAR,
    }


def _seasonality(rain: np.ndarray, warmth: np.ndarray, time: np.ndarray) -> Site:
    """Relative amplitude of the yearly wave of precipitation, times the cosine of its lag behind warmth."""
    turn = np.exp(2j * np.pi / YEAR * day_of_year(time))[:, None]
    wave, season = 2 * (rain * turn).mean(axis=0) / rain.mean(axis=0), (warmth * turn).mean(axis=0)
    return np.real(wave * np.conj(season)) / np.abs(season)


def land_attributes(seed: int, elevation: Site, aridity: Site) -> dict[str, Site]:
    """Terrain, soil, vegetation and rock, drawn so that they fit each other and the climate."""
    noise = draw(seed, elevation.size, "land", lambda generator: generator.standard_normal(8))
    slope = np.minimum(15 * (elevation / 300) ** 0.6 * np.exp(0.5 * noise[0]), 250)
    sand = 100 * _share(-0.9 + 0.6 * np.tanh(slope / 40) + 0.6 * noise[1])
    clay = (100 - sand) * _share(-0.8 + 0.4 * noise[2])
    carbonate = np.clip(0.8 * noise[3] - 0.4, 0, 1)
    return {
        "elev_mean": elevation,
        "slope_mean": slope,
        "log10_area": np.clip(2.6 + 0.6 * noise[4], 0.7, 4.3),
        "frac_forest": _share(2.2 * (1.3 - aridity) + noise[5]),
        "soil_depth_statsgo": 0.4 + 1.1 * _share(1.3 - slope / 25 + noise[6]),
        "sand_frac": sand,
        "clay_frac": clay,
        "soil_porosity": 0.505 - 0.00142 * sand - 0.00037 * clay,
        "soil_conductivity": 2.54 * 10 ** (-0.6 + 0.0126 * sand - 0.0064 * clay),
        "geol_permeability": -14 + 1.2 * carbonate + 0.02 * (sand - 38) + 0.8 * noise[7],
        "carbonate_rocks_frac": carbonate,
    }


def _share(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))
