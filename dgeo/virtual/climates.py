"""Climate types: the ranges from which a virtual basin draws where it lies and what its weather is like.

A type is no more than a box of numbers. Inside it, warmth falls with latitude, and elevation is drawn on a
logarithmic scale, so that high basins are rarer than low ones.
"""

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float

from dgeo.virtual.randomness import draw

Range = tuple[float, float]


@dataclass(frozen=True)
class Climate:
    """The ranges of one climate type; temperature and precipitation are those at sea level."""

    latitude: Range  # [degrees]
    longitude: Range  # [degrees]
    elevation: Range  # [m]
    temperature: Range  # annual mean [degC]
    temperature_amplitude: Range  # half the difference of warmest and coldest time of year [degC]
    temperature_deviation: Range  # standard deviation about the season [degC]
    diurnal_range: Range  # of a dry day [degC]
    precipitation: Range  # [mm yr-1]
    seasonality: Range  # amplitude of the yearly wave of precipitation over its mean [1]
    wettest_day: Range  # day of the year at which that wave is highest
    wet_days: Range  # share of days with precipitation [1]
    burstiness: Range  # inverse of the shape of the distribution of amounts [1]


CLIMATES: dict[str, Climate] = {
    "humid temperate": Climate(
        (33, 44), (-94, -74), (50, 900), (9, 19), (10, 13), (3.5, 5.0), (9, 13),
        (850, 1500), (0.0, 0.3), (120, 240), (0.28, 0.42), (1.1, 1.6),
    ),
    "continental": Climate(
        (43, 54), (-112, -86), (250, 2600), (3, 10), (12, 16), (4.0, 6.0), (10, 14),
        (450, 950), (0.2, 0.6), (150, 210), (0.22, 0.36), (1.0, 1.5),
    ),
    "mediterranean": Climate(
        (34, 42), (-123, -118), (100, 2600), (13, 18), (7, 9), (3.0, 4.0), (12, 16),
        (450, 1300), (0.6, 0.95), (5, 35), (0.16, 0.28), (1.1, 1.6),
    ),
    "arid": Climate(
        (31, 40), (-116, -103), (400, 2400), (14, 21), (10, 12), (3.5, 4.5), (14, 17),
        (180, 420), (0.1, 0.6), (190, 230), (0.10, 0.18), (1.3, 1.9),
    ),
    "maritime": Climate(
        (43, 51), (-125, -121), (60, 1700), (8, 12), (6, 8), (2.5, 3.5), (7, 10),
        (1200, 2600), (0.4, 0.7), (350, 375), (0.40, 0.55), (0.9, 1.3),
    ),
}  # fmt: skip

LAPSE_RATE = -6.0e-3  # [degC m-1]
OROGRAPHY = 0.2e-3  # gain of precipitation with elevation [m-1]


def sample_climates(seed: int, count: int) -> tuple[np.ndarray, dict[str, Float[np.ndarray, " basin"]]]:
    """The climate type of every basin, and the numbers that it drew, now at its own elevation."""
    names = np.array(list(CLIMATES))
    types = names[draw(seed, count, "climate", lambda generator: generator.integers(len(names))).astype(int)]
    fields = list(asdict(CLIMATES[names[0]]))
    share = dict(zip(fields, draw(seed, count, "place", lambda generator: generator.random(len(fields))), strict=True))
    share["temperature"] = 1 - 0.8 * share["latitude"] - 0.2 * share["temperature"]
    low, high = ({f: np.array([getattr(CLIMATES[t], f)[end] for t in types]) for f in fields} for end in (0, 1))
    drawn = {field: low[field] + (high[field] - low[field]) * share[field] for field in fields}
    elevation = low["elevation"] * (high["elevation"] / low["elevation"]) ** share["elevation"]
    return types, drawn | {
        "elevation": elevation,
        "temperature": drawn["temperature"] + LAPSE_RATE * elevation,
        "precipitation": drawn["precipitation"] * (1 + OROGRAPHY * elevation),
    }
