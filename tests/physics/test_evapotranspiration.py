import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, strategies as st

from dgeo.physics import humid_air
from dgeo.physics.evapotranspiration import hargreaves, oudin, priestley_taylor
from dgeo.physics.net_radiation import net_longwave, net_radiation, relative_shortwave
from dgeo.physics.solar import extraterrestrial_radiation

# FAO-56 example 18, Uccle on 6 July: the book's inputs, shortwave radiation from 22.0721 MJ m-2 d-1.
UCCLE = {
    "shortwave_radiation": 22.0721 / 0.0864,
    "vapour_pressure": 1408.6,
    "minimum_temperature": 12.3,
    "maximum_temperature": 21.5,
    "extraterrestrial_radiation": 41.0884,
    "elevation": 100.0,
}


def numbers(*values):
    return tuple(jnp.asarray(value, dtype=jnp.float32) for value in values)


def uccle(**changed):
    return {name: jnp.asarray(value, dtype=jnp.float32) for name, value in (UCCLE | changed).items()}


def test_humid_air_of_the_fao_examples():
    """FAO-56 examples 2 (1800 m: 81.8 kPa, 0.054 kPa K-1), 3 (24.5 and 15 °C: 3.075 and 1.705 kPa) and 18
    (16.9 °C, 100 m: 0.1221 and 0.0666 kPa K-1, 100.1235 kPa). Tolerance: half the last printed digit."""
    pressure = humid_air.air_pressure(jnp.array([1800.0, 100.0]))
    np.testing.assert_allclose(pressure / 1000, [81.8, 100.1235], atol=0.05)
    np.testing.assert_allclose(pressure[1] / 1000, 100.1235, atol=1e-4)
    np.testing.assert_allclose(humid_air.psychrometric_constant(jnp.array([1800.0, 100.0])), [54, 66.6], atol=0.5)
    saturation = humid_air.saturation_vapour_pressure(jnp.array([24.5, 15.0]))
    np.testing.assert_allclose(saturation / 1000, [3.075, 1.705], atol=5e-4)
    np.testing.assert_allclose(humid_air.saturation_slope(jnp.array(16.9)) / 1000, 0.1221, atol=5e-5)


@pytest.mark.x64
@given(st.floats(-60, 60))
def test_the_slope_is_the_derivative_of_the_saturation_vapour_pressure(temperature):
    """17.27 · 237.3 = 4098.17, which the book rounds to 4098: 4.2e-5 of the slope."""
    derivative = jax.grad(humid_air.saturation_vapour_pressure)(temperature)
    np.testing.assert_allclose(humid_air.saturation_slope(jnp.asarray(temperature)), derivative, rtol=5e-5)


def test_net_radiation_of_the_fao_example():
    """FAO-56 example 18 with more digits: Rso 30.8985, Rnl 3.7123, Rn 16.9955 − 3.7123 = 13.2832 MJ m-2 d-1.
    The inputs are rounded at 5e-5 of about 40, which moves Rn by 1e-4."""
    values = uccle()
    clearness = relative_shortwave(
        0.0864 * values["shortwave_radiation"], values["extraterrestrial_radiation"], values["elevation"]
    )
    temperatures = values["minimum_temperature"], values["maximum_temperature"]
    np.testing.assert_allclose(clearness, 22.0721 / 30.8985, rtol=1e-5)
    np.testing.assert_allclose(net_longwave(clearness, values["vapour_pressure"], *temperatures), 3.7123, atol=2e-4)
    np.testing.assert_allclose(net_radiation(**values), 13.2832, atol=2e-4)


def test_priestley_taylor_of_the_fao_example():
    """1.26 · 0.408 · 13.2832 · 0.1221/(0.1221 + 0.0666) = 4.4185 mm, Δ and γ known to 4e-4 of themselves."""
    result = priestley_taylor(*numbers(16.9, 13.2832, 100.0))
    np.testing.assert_allclose(result, 1.26 * 0.408 * 13.2832 * 0.1221 / (0.1221 + 0.0666), rtol=5e-4)


def test_temperature_formulae_by_hand():
    """Ra = 40, T = 20, Tmin = 12, Tmax = 28: 0.0023 · 0.408 · 40 · 37.8 · 4 = 5.6754 and 0.408 · 40 · 0.25 =
    4.08."""
    temperature, low, high, radiation = numbers(20, 12, 28, 40)
    np.testing.assert_allclose(hargreaves(temperature, low, high, radiation), 5.675443, rtol=1e-6)
    np.testing.assert_allclose(oudin(temperature, radiation), 4.08, rtol=1e-6)


def test_oudin_of_the_french_catchments(data_root):
    """airGRdatasets publishes Oudin's evapotranspiration of 19 catchments, with Morton's (1983) formula for
    Ra, which is 2 % above FAO-56's in the mean and up to 6 % in late autumn. Asked: each catchment's mean
    within 3 %; each day above 5 °C within 8 % and the rounding of temperature and result to 0.1. On colder
    days the mean over a mountain catchment counts only the parts above −5 °C, which the mean temperature
    cannot tell.
    """
    path = data_root / "airgr_fr_19" / "airgr_fr_19.nc"
    if not path.exists():
        pytest.skip("the French catchments are not in the data root")
    with xr.open_dataset(path) as data:
        latitude = jnp.asarray(data["lat"].values, dtype=jnp.float32)[:, None]
        day = jnp.asarray(data["time"].dt.dayofyear.values, dtype=jnp.float32)[None, :]
        temperature, published = data["t"].values, data["pet"].values
    result = oudin(jnp.asarray(temperature), extraterrestrial_radiation(latitude, day))
    np.testing.assert_allclose(result.mean(axis=1), published.mean(axis=1), rtol=0.03)
    warm = temperature > 5
    np.testing.assert_allclose(result[warm], published[warm], rtol=0.08, atol=0.06)


@pytest.mark.parametrize(
    ("temperature", "low", "high"), [(-17.8, -20, -10), (-30, -35, -25), (5, 5, 5), (5, 6, 4), (-5, -6, 2)]
)
def test_kinks_give_finite_derivatives_and_no_negative_values(temperature, low, high):
    """At the temperatures where the formulae change sign, at Tmin = Tmax and beyond it."""
    values = numbers(temperature, low, high, 20)
    for function, arguments in ((hargreaves, values), (oudin, (values[0], values[3]))):
        value, gradient = jax.value_and_grad(function, argnums=tuple(range(len(arguments))))(*arguments)
        assert value >= 0
        assert np.isfinite(gradient).all()
    assert hargreaves(*values) == 0 or temperature == -5


@pytest.mark.parametrize(
    "changed",
    [
        {"shortwave_radiation": 0.0, "extraterrestrial_radiation": 0.0},
        {"vapour_pressure": 0.0},
        {"shortwave_radiation": 0.0},
        {"shortwave_radiation": 500.0},
    ],
)
def test_net_radiation_has_finite_derivatives_at_its_limits(changed):
    """In the dark, in dry air, under the thickest cloud and under more light than a clear sky gives."""
    gradient = jax.grad(lambda values: net_radiation(**values))(uccle(**changed))
    assert all(np.isfinite(part) for part in gradient.values())
    night = priestley_taylor(*numbers(10, net_radiation(**uccle(**changed)), 100))
    assert night >= 0
    assert night == 0 or changed.get("shortwave_radiation") != 0


@pytest.mark.x64
def test_derivatives_match_finite_differences():
    """Central differences in float64 with h = 1e-4 of values of order 1: truncation and rounding below
    1e-7."""
    point = {name: jnp.float64(value) for name, value in UCCLE.items()}

    @jax.jit
    def total(values):
        mean = (values["minimum_temperature"] + values["maximum_temperature"]) / 2
        limits = values["minimum_temperature"], values["maximum_temperature"]
        above = values["extraterrestrial_radiation"]
        net = net_radiation(**values)
        return priestley_taylor(mean, net, values["elevation"]) + hargreaves(mean, *limits, above) + oudin(mean, above)

    for name, derivative in jax.grad(total)(point).items():
        up, down = (total(point | {name: point[name] + h}) for h in (1e-4, -1e-4))
        np.testing.assert_allclose(derivative, (up - down) / 2e-4, atol=1e-7)


@pytest.mark.x64
def test_hours_have_the_mean_of_the_day():
    """Hargreaves and Oudin are linear in Ra: the mean of their values for hourly Ra is their value for the
    mean."""
    radiation = jnp.asarray(np.random.default_rng(0).random(24) * 80)
    temperatures = [jnp.full(24, value) for value in (15.0, 8.0, 21.0)]
    daily = [value[0] for value in temperatures]
    np.testing.assert_allclose(hargreaves(*temperatures, radiation).mean(), hargreaves(*daily, radiation.mean()))
    np.testing.assert_allclose(oudin(temperatures[0], radiation).mean(), oudin(daily[0], radiation.mean()))
