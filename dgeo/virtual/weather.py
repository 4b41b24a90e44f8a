"""Stochastic daily weather: wet days as a Markov chain, gamma amounts, autoregressive temperature.

    wet_t   with probability  π_t + ρ (wet_{t−1} − π_t),      π_t = wet_days·(1 + δ/2·cos ω(t − t_P))
    P_t     = wet_t·g_t·y·(P̄/π_t)·(1 + δ·cos ω(t − t_P)),     g_t ~ gamma of mean 1
    T_t     = T̄ + A·cos ω(t − t_T) + y' + a_t − c_t·wet_t,    a_t = φ a_{t−1} + σ √(1 − φ²) ε_t
    range_t = D·(1 + 0.2 cos ω(t − t_T))·(0.65 if wet)·exp(0.2 ε'_t)

with the season ω = 2π/365.25 d, the wettest day t_P, the warmest t_T = 20 July, the seasonality δ and one
pair of departures y, y' for each water year. Rain cools in summer and comes with warmth in winter: c_t =
1.5·cos ω(t − t_T). Potential evapotranspiration is that of Hargreaves. Basins do not share their weather.

Richardson, C. W. (1981), Water Resour. Res. 17(1), 182–190, doi:10.1029/WR017i001p00182.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dgeo.physics.evapotranspiration import hargreaves
from dgeo.physics.solar import extraterrestrial_radiation
from dgeo.virtual.randomness import draw

Series = Float[np.ndarray, "time basin"]
Site = Float[np.ndarray, " basin"]

YEAR = 365.25  # [d]
WARMEST_DAY = 201
WETNESS_MEMORY = 0.35  # ρ
TEMPERATURE_MEMORY = 0.75  # φ
YEARLY_WETNESS = 0.18  # standard deviation of ln y
YEARLY_WARMTH = 0.6  # standard deviation of y' [degC]


def day_of_year(time: np.ndarray) -> np.ndarray:
    """1 for 1 January."""
    days = time.astype("datetime64[D]")
    return (days - days.astype("datetime64[Y]")).astype(int) + 1


def water_year(time: np.ndarray) -> np.ndarray:
    """Counted from 0; a water year begins on 1 October."""
    months = time.astype("datetime64[M]").astype(int) + 3
    return months // 12 - months[0] // 12


def generate_weather(seed: int, climate: dict[str, Site], time: np.ndarray) -> dict[str, Series]:
    """Daily series of every basin in canonical names, float32."""
    summer = _season(time, WARMEST_DAY)[:, None]
    wet = _wet_days(seed, climate, time)
    mean = _temperature(seed, climate, time, summer) - 1.5 * summer * wet
    spread = _diurnal_range(seed, climate, time, summer, wet)
    weather = {
        "precipitation": np.where(wet, _amounts(seed, climate, time), 0.0),
        "temperature": mean,
        "temperature_min": mean - spread / 2,
        "temperature_max": mean + spread / 2,
    }
    weather = {name: series.astype(np.float32) for name, series in weather.items()}
    return weather | {"potential_evapotranspiration": _evapotranspiration(weather, climate["latitude"], time)}


def _season(time: np.ndarray, highest: np.ndarray | float) -> np.ndarray:
    return np.cos(2 * np.pi / YEAR * (day_of_year(time) - highest))


def _wetness(climate: dict[str, Site], time: np.ndarray) -> tuple[Series, Series]:
    """The share of wet days π and the yearly wave of precipitation."""
    wave = climate["seasonality"] * _season(time[:, None], climate["wettest_day"])
    return climate["wet_days"] * (1 + wave / 2), 1 + wave


def _wet_days(seed: int, climate: dict[str, Site], time: np.ndarray) -> np.ndarray:
    share, _ = _wetness(climate, time)
    chance = draw(seed, share.shape[1], "wet days", lambda generator: generator.random(len(time)))
    wet = np.empty(share.shape, dtype=bool)
    before = share[0]
    for day in range(len(time)):
        wet[day] = chance[day] < share[day] + WETNESS_MEMORY * (before - share[day])
        before = wet[day]
    return wet


def _amounts(seed: int, climate: dict[str, Site], time: np.ndarray) -> Series:
    """Precipitation of a day if it is wet [mm d-1]; the yearly departure has mean 1."""
    share, wave = _wetness(climate, time)
    shape = 1 / climate["burstiness"]
    amounts = draw(seed, shape.size, "amounts", lambda generator, k: generator.gamma(k, 1 / k, len(time)), shape)
    departure = _yearly(seed, share.shape[1], time, "wet years")
    yearly = np.exp(YEARLY_WETNESS * departure - YEARLY_WETNESS**2 / 2)
    return amounts * yearly * climate["precipitation"] / YEAR / share * wave


def _temperature(seed: int, climate: dict[str, Site], time: np.ndarray, summer: np.ndarray) -> Series:
    count = climate["temperature"].size
    noise = draw(seed, count, "temperature", lambda generator: generator.standard_normal(len(time)))
    noise *= climate["temperature_deviation"] * np.sqrt(1 - TEMPERATURE_MEMORY**2)
    anomaly = np.zeros(count)
    for day in range(len(time)):
        anomaly = TEMPERATURE_MEMORY * anomaly + noise[day]
        noise[day] = anomaly
    yearly = YEARLY_WARMTH * _yearly(seed, count, time, "warm years")
    return climate["temperature"] + climate["temperature_amplitude"] * summer + yearly + noise


def _diurnal_range(
    seed: int, climate: dict[str, Site], time: np.ndarray, summer: np.ndarray, wet: np.ndarray
) -> Series:
    noise = draw(seed, wet.shape[1], "diurnal range", lambda generator: generator.standard_normal(len(time)))
    return climate["diurnal_range"] * (1 + 0.2 * summer) * np.where(wet, 0.65, 1.0) * np.exp(0.2 * noise)


def _yearly(seed: int, count: int, time: np.ndarray, purpose: str) -> Series:
    year = water_year(time)
    return draw(seed, count, purpose, lambda generator: generator.standard_normal(year[-1] + 1))[year]


def _evapotranspiration(weather: dict[str, Series], latitude: Site, time: np.ndarray) -> Series:
    day = jnp.asarray(day_of_year(time)[:, None], jnp.float32)
    radiation = extraterrestrial_radiation(jnp.asarray(latitude[None], jnp.float32), day)
    mean, low, high = (jnp.asarray(weather[f"temperature{end}"]) for end in ("", "_min", "_max"))
    return np.asarray(hargreaves(mean, low, high, radiation))
