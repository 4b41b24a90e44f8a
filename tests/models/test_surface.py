"""The surface in any weather; its verification against FAO-56 and closed forms is `dgeo/check/kernels/surface.py`."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.hybrid import network_law
from dgeo.models.surface import BY_FRICTION, JARVIS, surface

HARSH = {
    "net_radiation": (-100.0, 1200.0),
    "ground_heat_flux": (-200.0, 50.0),
    "air_temperature": (-60.0, 55.0),
    "vapour_pressure": (0.0, 5000.0),
    "air_pressure": (3e4, 1.1e5),
    "wind_speed": (0.5, 60.0),
    "friction_velocity": (0.0, 5.0),
    "shortwave_radiation": (-5.0, 1400.0),
    "soil_moisture": (0.0, 0.625),
    "leaf_area_index": (0.0, 8.0),
}
conditions = st.fixed_dictionaries({name: st.floats(*ends, width=32) for name, ends in HARSH.items()})


def defaults(model, sites=1):
    return Parameters({name: jnp.full(sites, p.default, jnp.float32) for name, p in model.parameters.items()}, {})


def network():
    model = surface("isothermal", aerodynamic_resistance=BY_FRICTION)
    statistics = {"soil_moisture": (0.2, 0.1), "shortwave_radiation": (300.0, 300.0)}
    reads = ("vapour_pressure_deficit", "air_temperature", *statistics)
    with jax.enable_x64(False):
        law = network_law(
            model, "surface_resistance", reads, statistics=statistics, forcings=tuple(statistics), key=jax.random.key(1)
        )
    return model.with_laws({"surface_resistance": law})


MODELS = {"network": network(), "Jarvis": surface("isothermal", surface_resistance=JARVIS)}


@pytest.mark.parametrize("name", MODELS)
def test_energy_closes_in_any_weather(name):
    """Rn − G = H + λE + what is emitted beyond the air, in storm, frost and drought, with finite derivatives.

    float32: the temperature is known to 4 roundings of 100 °C, 5e-5 K, and by each K a surface in a storm gives off
    some thousand W m⁻² more.
    """
    model = MODELS[name]

    @jax.jit
    def run(forcing):
        def total(forcing):
            found, _ = simulate(model, forcing, defaults(model))
            return jnp.sum(found["latent_heat"]), found

        return jax.grad(total, has_aux=True)(forcing)

    @given(conditions)
    def holds(place):
        slopes, found = run({name: jnp.full((1, 1), number, jnp.float32) for name, number in place.items()})
        latent, sensible, beyond = (
            float(np.squeeze(found[k])) for k in ("latent_heat", "sensible_heat", "emitted_beyond_air")
        )
        available = place["net_radiation"] - place["ground_heat_flux"]
        scale = abs(available) + abs(latent) + abs(sensible) + abs(beyond)
        assert abs(available - latent - sensible - beyond) <= 2e-4 * scale + 0.05
        assert all(np.all(np.isfinite(slope)) for slope in slopes.values())

    holds()


def test_surfaces_side_by_side_are_surfaces_one_by_one(key):
    """All moments of all sites at once are each moment of each site; float32, to the roundings of a root."""
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    model = MODELS["Jarvis"]
    forcing = {
        name: jnp.asarray(random.uniform(max(low, 0.1), high / 2, (2, 2)), jnp.float32)
        for name, (low, high) in HARSH.items()
    }
    numbers = defaults(model, 2)
    together, _ = eqx.filter_jit(simulate)(model, forcing, numbers)
    step = eqx.filter_jit(model.step)
    for t, site in np.ndindex(2, 2):
        now, own = {k: x[t, site] for k, x in forcing.items()}, {k: x[site] for k, x in numbers.static.items()}
        for flux, alone in step({}, now, own, jnp.float32(1.0))[1].items():
            np.testing.assert_allclose(together[flux][t, site], alone, rtol=1e-4, atol=1e-3)


def test_a_balance_that_there_is_not():
    """One sentence, with the nearest that there is."""
    with pytest.raises(DgeoError, match=r"no energy balance 'isotherm'.*isothermal"):
        surface("isotherm")
