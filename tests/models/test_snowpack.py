"""What a snowpack keeps to in any weather; `dgeo check kernels` holds its closed forms."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.check import ledger
from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.hybrid.laws import network_law
from dgeo.models import Formula, snowpack
from dgeo.physics import snow_energy

PACK, STEPS, SITES = snowpack(), 12, 2


@eqx.filter_jit
def march(pack, forcing, parameters, state):
    """All fluxes, states and failures, and the last state."""
    outputs = (*pack.fluxes, *pack.states, "solver_failure")
    return simulate(pack, forcing, Parameters(parameters, {}), state, outputs=outputs)


def defaults(pack):
    """Default parameters at every site."""
    return {name: jnp.full(SITES, parameter.default) for name, parameter in pack.parameters.items()}


def weather(seed, warmest):
    """Storms, calms and nights, up to `warmest` °C."""
    random, shape = np.random.default_rng(seed), (STEPS, SITES)
    series = {
        "precipitation": random.exponential(20, shape) * random.integers(0, 2, shape),
        "temperature": random.uniform(-45, warmest, shape),
        "shortwave_radiation": random.uniform(0, 500, shape),
        "longwave_radiation": random.uniform(100, 450, shape),
        "wind_speed": random.uniform(0, 30, shape) * random.integers(0, 2, shape),
        "vapour_pressure": random.uniform(0, 2000, shape),
    }
    return {name: jnp.asarray(x) for name, x in series.items()}


@given(seed=st.integers(0, 2**31), snow=st.sampled_from([0.0, 1e-3, 30.0, 3000.0]), warmest=st.sampled_from([-20, 40]))
def test_water_and_heat_are_kept_in_any_weather(seed, snow, warmest):
    """Float32, each store to 1e-5 of what passed it; no water below nothing, no snow above 0 °C, no NaN anywhere."""
    single = (weather(seed, warmest), defaults(PACK), {"snow_water_equivalent": snow, "albedo": 0.8})
    forcing, parameters, given = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), single)
    nothing = jnp.zeros(SITES, jnp.float32)
    before = {name: nothing + given.get(name, jnp.zeros((), jnp.float32)) for name in PACK.states}
    series, after = march(PACK, forcing, parameters, before)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves((series, after)))
    books = ledger(PACK, before, after, series).store_residuals
    passed = {"snow_water_equivalent": ("snowfall", "rainfall"), "snow_heat": ("net_heat", "heat_of_precipitation")}
    for store, inflows in passed.items():
        gross = 1 + snow + sum(np.sum(np.abs(series[name]), axis=0) for name in inflows)
        assert np.max(np.abs(books[store]) / gross) <= 1e-5
    assert np.all(series["snow_water_equivalent"] >= 0)
    assert np.all(series["surface_temperature"] <= 0)
    assert np.all((series["albedo"] >= 0.5) & (series["albedo"] <= 0.85 + 1e-6))
    assert np.all(series["outflow"] >= 0)


def test_rain_on_bare_ground_passes_at_once():
    """No snow, no ice: all of it leaves, with the heat that it brought."""
    forcing = {name: jnp.full((STEPS, SITES), 10.0) for name in PACK.forcings}
    nothing = {name: jnp.zeros(SITES) for name in PACK.states}
    series, _ = march(PACK, forcing, defaults(PACK), nothing)
    np.testing.assert_allclose(series["outflow"], 10.0, rtol=1e-5)
    np.testing.assert_allclose(series["net_heat"], 0.0, atol=1e-3)


def test_rain_freezes_in_a_cold_pack():
    """1 mm of rain at 0 °C brings 0.334 MJ; 1000 mm at −10 °C lack 21: nothing flows out, and it warms by that much."""
    forcing = {name: jnp.zeros((1, SITES)) for name in PACK.forcings} | {"precipitation": jnp.ones((1, SITES))}
    state = {"snow_water_equivalent": 1000.0, "snow_heat": -21.0, "albedo": 0.8, "surface_temperature": -10.0}
    before = {name: jnp.full(SITES, x) for name, x in state.items()}
    rain = snowpack(snow_fraction=Formula(lambda temperature: jnp.zeros_like(temperature)))
    series, after = march(rain, forcing, defaults(rain), before)
    assert np.all(series["outflow"] == 0)
    np.testing.assert_allclose(series["heat_of_precipitation"], 0.334, rtol=1e-6)
    np.testing.assert_allclose(after["snow_heat"], -21.0 + 0.334 + series["net_heat"][0], rtol=1e-5)


def test_a_network_for_the_exchange_keeps_the_books(key):
    """A falling network of the Richardson number in the place of Louis's formula, with a gradient for its weights."""
    read = ("richardson_number",)
    law = network_law(PACK, "exchange", read, decreasing=read, width=4, depth=1, key=key)
    pack = PACK.with_laws({"exchange": law})
    assert "roughness_length" not in pack.parameters
    forcing = weather(1, 10)
    before = {name: jnp.full(SITES, 50.0 if name == "snow_water_equivalent" else 0.0) for name in pack.states}

    @eqx.filter_jit
    @eqx.filter_value_and_grad(has_aux=True)
    def left(pack):
        fluxes, after = simulate(pack, forcing, Parameters(defaults(pack), {}), before)
        return jnp.sum(after["snow_heat"]) + jnp.sum(fluxes["sublimation"]), (fluxes, after)

    (_, (fluxes, after)), slope = left(pack)
    assert max(np.max(np.abs(x)) for x in ledger(pack, before, after, fluxes).store_residuals.values()) <= 1e-2
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(eqx.filter(slope.laws, eqx.is_array)))


def test_air_over_snow():
    """Ice at 0 °C has 611.2 Pa; stable air exchanges less, unstable air no more than neutral; calm air still some."""
    zero = jnp.asarray(0.0)
    assert snow_energy.vapour_pressure_of_ice(zero) == pytest.approx(611.2)
    numbers = [snow_energy.richardson_number(jnp.asarray(t), zero, zero) for t in (5.0, 0.0, -5.0)]
    stable, neutral, unstable = (float(snow_energy.exchange(x, jnp.asarray(1e-3))) for x in numbers)
    assert 0 < stable < neutral == unstable == pytest.approx((0.4 / np.log(2000)) ** 2)


def test_a_negative_roughness_is_refused():
    """With the parameter, the place and the bounds."""
    parameters = defaults(PACK) | {"roughness_length": jnp.array([1e-3, -1.0])}
    with pytest.raises(DgeoError, match=r"'roughness_length' of Snowpack is -1 m at \[1\] and cannot be negative"):
        simulate(PACK, weather(0, 10), Parameters(parameters, {}))
