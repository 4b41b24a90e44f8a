"""The weather generator against the numbers that it was asked for."""

import numpy as np
import pytest

from dgeo.virtual.climates import CLIMATES, LAPSE_RATE, sample_climates
from dgeo.virtual.weather import YEAR, day_of_year, generate_weather, water_year

TIME = np.arange("1970-10-01", "2010-10-01", dtype="datetime64[D]")
Generated = tuple[dict[str, np.ndarray], dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def generated() -> Generated:
    """The climates of 30 basins and forty years of their weather."""
    _, climate = sample_climates(0, 30)
    return climate, generate_weather(0, climate, TIME)


def test_the_calendar_knows_leap_days_and_water_years():
    """31 December is day 366 of 2000 and 365 of 2001; 1 October begins a water year."""
    dates = np.array(["2000-12-31", "2001-01-01", "2001-09-30", "2001-10-01", "2001-12-31"], dtype="datetime64[D]")
    assert day_of_year(dates).tolist() == [366, 1, 273, 274, 365]
    assert water_year(dates).tolist() == [0, 0, 0, 1, 1]


def test_mean_precipitation_is_what_was_asked_for(generated: Generated):
    """Within 15 % after forty years, three times what sampling leaves: 3 % from years that depart by 18 %, 4 % from
    gamma amounts on 1500 wet days, 3 % from their number. Over thirty basins that is 1 %."""
    climate, weather = generated
    mean = weather["precipitation"].mean(axis=0) * YEAR
    np.testing.assert_allclose(mean, climate["precipitation"], rtol=0.15)
    assert abs(np.mean(mean / climate["precipitation"]) - 1) < 0.03


def test_wet_days_are_as_many_and_as_sticky_as_asked_for(generated: Generated):
    """Their share, and a lag-one correlation at least that of the chain (0.35; the season adds to it).

    Counts over forty years vary by √(π(1 − π)(1 + ρ)/(1 − ρ)/14610) ≤ 0.006; a tolerance of four of these.
    """
    climate, weather = generated
    wet = weather["precipitation"] > 0
    np.testing.assert_allclose(wet.mean(axis=0), climate["wet_days"], atol=0.024)
    memory = [np.corrcoef(site[1:], site[:-1])[0, 1] for site in wet.T.astype(float)]
    assert 0.3 < np.mean(memory) < 0.45


def test_amounts_on_wet_days_are_as_bursty_as_the_gamma_distribution(generated: Generated):
    """A gamma variable of shape k has a squared coefficient of variation 1/k; wave and years only add to it."""
    climate, weather = generated
    amounts = np.where(weather["precipitation"] > 0, weather["precipitation"], np.nan)
    variation = np.nanvar(amounts, axis=0) / np.nanmean(amounts, axis=0) ** 2
    assert np.all(variation > 0.85 * climate["burstiness"])
    assert np.corrcoef(variation, climate["burstiness"])[0, 1] > 0.5


def test_temperature_has_its_mean_season_and_memory(generated: Generated):
    """Annual mean within 1 K of the asked one (rain days shift it a little), coldest in January, warmest in July;
    what is left when the season is taken out has the deviation that was asked for (weather and warm years together)
    and a memory of days."""
    climate, weather = generated
    warmth = weather["temperature"].astype(np.float64)
    np.testing.assert_allclose(warmth.mean(axis=0), climate["temperature"], atol=1.0)
    month = TIME.astype("datetime64[M]").astype(int) % 12
    monthly = np.stack([warmth[month == m].mean(axis=0) for m in range(12)])
    assert set(monthly.argmax(axis=0)) <= {6, 7}
    assert set(monthly.argmin(axis=0)) <= {0}
    phase = 2 * np.pi / YEAR * np.arange(len(TIME))
    waves = np.stack([np.ones_like(phase), *(f(k * phase) for f in (np.sin, np.cos) for k in (1, 2))], axis=1)
    anomaly = warmth - waves @ np.linalg.lstsq(waves, warmth, rcond=None)[0]
    expected = np.hypot(climate["temperature_deviation"], 0.6)
    np.testing.assert_allclose(anomaly.std(axis=0), expected, rtol=0.1)
    assert np.all([0.65 < np.corrcoef(site[1:], site[:-1])[0, 1] < 0.85 for site in anomaly.T])


def test_days_are_warmer_than_nights_and_the_mean_lies_between(generated: Generated):
    """Exactly, as the mean is the middle of the two; rain narrows the range."""
    _, weather = generated
    low, high = weather["temperature_min"], weather["temperature_max"]
    assert np.all(high > low)
    np.testing.assert_allclose((low + high) / 2, weather["temperature"], atol=1e-5)
    spread, wet = high - low, weather["precipitation"] > 0
    assert np.mean(spread[wet]) < 0.8 * np.mean(spread[~wet])


def test_potential_evapotranspiration_follows_the_equation_of_hargreaves(generated: Generated):
    """Written out here in double precision from FAO-56 eqs. 21–25 and 52."""
    climate, weather = generated
    phi, day = np.deg2rad(climate["latitude"])[None], day_of_year(TIME)[:, None]
    declination = 0.409 * np.sin(2 * np.pi / 365 * day - 1.39)
    sunset = np.arccos(-np.tan(phi) * np.tan(declination))
    distance = 1 + 0.033 * np.cos(2 * np.pi / 365 * day)
    vertical, horizontal = np.sin(phi) * np.sin(declination), np.cos(phi) * np.cos(declination)
    radiation = 24 * 60 / np.pi * 0.0820 * distance * (sunset * vertical + horizontal * np.sin(sunset))
    spread = weather["temperature_max"].astype(float) - weather["temperature_min"]
    warmth = np.maximum(weather["temperature"] + 17.8, 0)
    expected = 0.0023 * 0.408 * radiation * warmth * np.sqrt(spread)
    np.testing.assert_allclose(weather["potential_evapotranspiration"], expected, rtol=1e-4, atol=1e-4)


def test_it_is_colder_and_wetter_higher_up():
    """Of two worlds drawn alike, temperature at a basin's elevation is that at sea level less 6 K a kilometre, so
    within a type all basins lie between the lines that the type's own range draws."""
    types, climate = sample_climates(3, 200)
    sea_level = climate["temperature"] - LAPSE_RATE * climate["elevation"]
    for name, kind in CLIMATES.items():
        chosen = types == name
        assert chosen.sum() > 20  # one in five of 200 is 40 ± 6
        assert np.all((sea_level[chosen] >= kind.temperature[0]) & (sea_level[chosen] <= kind.temperature[1]))
        assert np.all(climate["precipitation"][chosen] > kind.precipitation[0])
