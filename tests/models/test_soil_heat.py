"""What heat in soil keeps to in any frost; `dgeo check kernels` holds its exact solutions."""

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
from dgeo.models import Layers, soil_heat_column
from dgeo.physics import soil_heat

COLUMN, STEPS = soil_heat_column(Layers(jnp.array([0.02, 0.05, 0.1, 0.3, 0.5]))), 6


@eqx.filter_jit
def march(column, forcing, parameters, state, dt):
    """All fluxes and failures, and the last state."""
    outputs = (*column.fluxes, "solver_failure")
    return simulate(column, forcing, Parameters(parameters, {}), state, dt=dt, outputs=outputs)


@given(
    first=st.floats(-40, 40),
    surface=st.lists(st.floats(-60, 60), min_size=STEPS, max_size=STEPS),
    width=st.sampled_from([0.0, 0.01, 2.0]),
    latent=st.sampled_from([0.0, 100.0, 250.0]),
    dt=st.sampled_from([1 / 48, 1.0]),
)
def test_heat_is_kept_and_stays_between_what_surrounds_it(first, surface, width, latent, dt):
    """No temperature leaves the range of surface and start, as conduction has no source; the books close; no NaN.

    Float32; a tenth of a degree is the rounding of the heat of a layer that nearly all freezes, 250 MJ m⁻³.
    """
    numbers = {name: parameter.default for name, parameter in COLUMN.parameters.items()}
    numbers |= {"freezing_range": width, "latent_heat": latent, "geothermal_flux": 0.0}
    column = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), COLUMN)
    parameters = {name: jnp.full(1, x, jnp.float32) for name, x in numbers.items()}
    before = jax.vmap(column.at_temperature)(jnp.full((1, 5), first, jnp.float32), parameters)
    forcing = {"surface_temperature": jnp.asarray(surface, jnp.float32)[:, None]}
    fluxes, after = march(column, forcing, parameters, before, dt)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves((fluxes, after)))
    assert not np.any(fluxes["solver_failure"])
    gross = 1 + np.sum(np.abs(before["heat"])) + dt * np.sum(np.abs(fluxes["ground_heat_flux"]))
    assert np.abs(ledger(column, before, after, fluxes, dt).residual[0]) <= 1e-5 * gross
    assert np.min(after["temperature"]) >= min(first, *surface) - 0.1
    assert np.max(after["temperature"]) <= max(first, *surface) + 0.1


@given(temperature=st.floats(-30, 30), width=st.sampled_from([0.0, 0.5, 2.0]), latent=st.sampled_from([0.0, 100.0]))
def test_heat_and_temperature_are_inverse(temperature, width, latent):
    """T(h(T)) = T, with and without a range of freezing, to the rounding of 100 MJ m⁻³ over 2 MJ m⁻³ K⁻¹."""
    soil = tuple(map(jnp.asarray, (latent, width, 2.5, 1.9)))
    heat = soil_heat.heat_at(jnp.asarray(temperature), *soil)
    assert float(soil_heat.temperature(heat, *soil)) == pytest.approx(temperature, abs=1e-4)
    assert 0 <= float(soil_heat.liquid_share(heat, *soil)) <= 1


def test_a_network_for_conductivity_conserves_heat(key):
    """A network of the liquid share in the place of the geometric mean, with a gradient for its weights."""
    law = network_law(COLUMN, "conductivity", ("liquid_share", "temperature"), width=4, depth=1, key=key)
    column = COLUMN.with_laws({"conductivity": law})
    parameters = {name: jnp.full(2, parameter.default) for name, parameter in column.parameters.items()}
    before = jax.vmap(column.at_temperature)(jnp.full((2, 5), 3.0), parameters)
    forcing = {"surface_temperature": jnp.array([[-5.0, 2.0]] * STEPS)}

    @eqx.filter_jit
    @eqx.filter_value_and_grad(has_aux=True)
    def warmth(column):
        fluxes, after = simulate(column, forcing, Parameters(parameters, {}), before, dt=0.5)
        return jnp.mean(after["temperature"]), (fluxes, after)

    (_, (fluxes, after)), slope = warmth(column)
    assert np.max(ledger(column, before, after, fluxes, 0.5).relative_residual) <= 1e-5
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(eqx.filter(slope.laws, eqx.is_array)))


def test_what_cannot_be_is_refused():
    """A boundary that there is not, and a conductivity below nothing."""
    with pytest.raises(DgeoError, match="no top 'head'"):
        soil_heat_column(COLUMN.layers, top="head")
    parameters = {name: jnp.full(1, parameter.default) for name, parameter in COLUMN.parameters.items()}
    parameters["thawed_conductivity"] = jnp.array([-1.0])
    with pytest.raises(DgeoError, match=r"'thawed_conductivity' of SoilHeat is -1 W m-1 K-1"):
        simulate(COLUMN, {"surface_temperature": jnp.zeros((1, 1))}, Parameters(parameters, {}))
