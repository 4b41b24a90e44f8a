import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.physics import solar

interval_radiation = jax.jit(solar.interval_extraterrestrial_radiation, static_argnums=3)
daily_radiation = jax.jit(solar.extraterrestrial_radiation)
day_length = jax.jit(solar.day_length)
latitudes = st.floats(-90, 90)
days = st.floats(1, 366)


@pytest.mark.x64
@pytest.mark.parametrize(
    ("latitude", "day", "radiation", "hours"), [(-20.0, 246.0, 32.2, 11.7), (50.80, 187.0, 41.0884, 16.1046)]
)
def test_fao_worked_examples(latitude, day, radiation, hours):
    """FAO-56 examples 8 and 9 (20° S, 3 September), and 18 (Uccle, 6 July) recomputed from the book's
    formulae with more digits. Tolerance: half the last printed digit."""
    place = jnp.float64(latitude), jnp.float64(day)
    digits = 0.05 if latitude < 0 else 5e-5
    np.testing.assert_allclose(solar.extraterrestrial_radiation(*place), radiation, atol=digits)
    np.testing.assert_allclose(solar.day_length(*place) / 3600, hours, atol=digits)


@pytest.mark.x64
def test_fao_hourly_example():
    """FAO-56 example 19: N'Diaye, 16°13' N 16°15' W, 1 October, 14 to 15 h of the zone one hour behind
    universal time: 3.543 MJ m-2 in that hour, and none between 2 and 3 h."""
    latitude, longitude, day = jnp.float64(16 + 13 / 60), jnp.float64(-16.25), jnp.float64(274)
    for hour, energy in ((14.5, 3.543), (2.5, 0.0)):
        time = solar.solar_time(jnp.float64(hour + 1), longitude, day)
        rate = solar.interval_extraterrestrial_radiation(latitude, day, time, 1.0)
        np.testing.assert_allclose(rate / 24, energy, atol=5e-4)


@pytest.mark.x64
@pytest.mark.parametrize("day", [1.0, 81.0, 172.0, 300.0])
def test_the_globe_receives_the_solar_constant_over_a_quarter_of_it(day):
    """A sphere casts a shadow of a quarter of its surface, so the mean of Ra over sin φ is Gsc dr / 4 on
    every day, polar day and night included. Gauss–Legendre with 400 nodes across the kinks at the polar
    circles, where Ra leaves 0 like the power 3/2, errs by about 400^(−5/2) = 3e-7 times the value there; 1e-6
    asked."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    latitude = jnp.asarray(np.degrees(np.arcsin(nodes)))
    mean = np.sum(weights * daily_radiation(latitude, jnp.full(400, day))) / 2
    constant = 0.0820 * 1440 * (1 + 0.033 * np.cos(2 * np.pi * day / 365))
    np.testing.assert_allclose(mean, constant / 4, rtol=1e-6)


@pytest.mark.x64
@pytest.mark.parametrize("latitude", [-90.0, -66.56, -35.0, 0.0, 48.0, 80.0])
def test_radiation_is_the_integral_of_the_elevation_of_the_sun(latitude):
    """Σ max(sin elevation, 0) over 100 000 instants of the day. The midpoint rule errs by (2π/1e5)² at
    sunrise."""
    day = 200.0
    delta = 0.409 * np.sin(2 * np.pi / 365 * day - 1.39)
    phi, angle = np.radians(latitude), (np.arange(100_000) + 0.5) / 100_000 * 2 * np.pi
    elevation = np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.cos(angle)
    expected = 0.0820 * 1440 * (1 + 0.033 * np.cos(2 * np.pi * day / 365)) * np.maximum(elevation, 0).mean()
    result = daily_radiation(jnp.float64(latitude), jnp.float64(day))
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.x64
@given(latitude=latitudes, day=days, offset=st.floats(-30, 30), parts=st.sampled_from([1, 2, 24]))
def test_parts_of_a_day_have_the_mean_of_the_day(latitude, day, offset, parts):
    """Equal parts that cover 24 hours, wherever they start and though some cross midnight, in polar day and
    night too. Only float64 rounding of differences of order 10 rad is left."""
    time = offset + (jnp.arange(parts, dtype=jnp.float64) + 0.5) * 24 / parts
    place = jnp.full(parts, latitude), jnp.full(parts, day)
    rates = interval_radiation(*place, time, 24 / parts)
    assert (rates >= 0).all()
    daily = daily_radiation(jnp.float64(latitude), jnp.float64(day))
    np.testing.assert_allclose(rates.mean(), daily, atol=1e-10)


@pytest.mark.x64
@given(latitude=latitudes, day=days)
def test_day_here_is_night_on_the_other_side(latitude, day):
    """cos ωs changes sign with latitude, so the days at φ and −φ add up to 24 hours."""
    both = day_length(jnp.array([latitude, -latitude]), jnp.full(2, day))
    np.testing.assert_allclose(both.sum(), 86400, rtol=1e-12)


def test_polar_day_and_night():
    """At 80° the sun stays up in June and down in December; at the poles on every day."""
    june, december = jnp.full(4, 172, dtype=jnp.float32), jnp.full(4, 355, dtype=jnp.float32)
    latitude = jnp.array([80, 90, -80, -90], dtype=jnp.float32)
    np.testing.assert_array_equal(solar.day_length(latitude, june), [86400, 86400, 0, 0])
    np.testing.assert_array_equal(solar.day_length(latitude, december), [0, 0, 86400, 86400])
    assert (solar.extraterrestrial_radiation(latitude, june)[2:] == 0).all()


@pytest.mark.parametrize(
    "function",
    [
        solar.extraterrestrial_radiation,
        solar.day_length,
        lambda latitude, day: solar.interval_extraterrestrial_radiation(latitude, day, jnp.full_like(day, 6.0)),
    ],
)
def test_derivatives_are_finite_everywhere_in_single_precision(function):
    """Every tenth of a degree on both solstices, an equinox and a day between, the edges of polar night
    included."""
    latitude = jnp.linspace(-90, 90, 1801, dtype=jnp.float32)
    for day in (80.0, 120.0, 172.0, 355.0):
        days = jnp.full_like(latitude, day)
        value, pull = jax.vjp(function, latitude, days)
        assert value.dtype == jnp.float32
        assert all(np.isfinite(gradient).all() for gradient in pull(jnp.ones_like(value)))


@pytest.mark.x64
@pytest.mark.parametrize("latitude", [-75.0, -20.0, 0.0, 50.0, 85.0])
def test_derivatives_match_finite_differences(latitude):
    """Central differences with h = 1e-4: truncation and rounding below 1e-7 of derivatives of order 1."""
    h, day, latitude, radiation = 1e-4, jnp.float64(150), jnp.float64(latitude), daily_radiation
    by_latitude = (radiation(latitude + h, day) - radiation(latitude - h, day)) / (2 * h)
    by_day = (radiation(latitude, day + h) - radiation(latitude, day - h)) / (2 * h)
    np.testing.assert_allclose(jax.grad(radiation, argnums=(0, 1))(latitude, day), (by_latitude, by_day), atol=1e-7)


def test_missing_values_stay_missing():
    place = jnp.array([jnp.nan, 10.0], dtype=jnp.float32), jnp.array([5.0, jnp.nan], dtype=jnp.float32)
    assert np.isnan(solar.extraterrestrial_radiation(*place)).all()
    assert np.isnan(solar.day_length(*place)).all()


def test_arguments_broadcast():
    latitude, day = jnp.array([[-60.0, 0.0, 60.0]]), jnp.array([[1.0], [90.0], [180.0], [365.0]])
    table = daily_radiation(latitude, day)
    assert table.shape == (4, 3)
    np.testing.assert_allclose(table[2, 1], daily_radiation(latitude[0, 1], day[2, 0]), rtol=1e-6)
