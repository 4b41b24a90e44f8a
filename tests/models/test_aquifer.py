"""Aquifers: no water from nothing, at any parameters; what laws and vmap leave as it is; what is refused.

Wells, rivers, free surfaces and gradients beside their exact solutions are rows of `dgeo check kernels`.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dgeo.check import ledger
from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.models import Aquifer, Formula, grid

SITES, STEPS, SHAPE = 2, 5, (3, 4)
BOTTOM = np.linspace(0, 1, 12).reshape(SHAPE)


def cast(tree, dtype):
    return jax.tree.map(lambda x: x.astype(dtype) if eqx.is_inexact_array(x) else x, tree)


@eqx.filter_jit
def march(model, forcing, parameters, state):
    return simulate(model, forcing, Parameters(parameters, {}), state, dt=3.0)


def case(draws, confined):
    """Two aquifers with sizes spread over decades, wells that may ask for more than there is, and some river cells."""
    random = np.random.default_rng(draws)
    model = Aquifer(grid(SHAPE, 10.0, 30.0, BOTTOM, thickness=5.0), confined=confined)
    parameters = {
        name: model.parameters[name].bounds.from_fraction(jnp.asarray(random.uniform(0, 1, (SITES, *SHAPE))))
        for name in model.parameters
    }
    series = (STEPS, SITES, *SHAPE)
    forcing = {
        "recharge": jnp.asarray(random.normal(1e-3, 1e-3, series)),
        "pumping": jnp.asarray(random.exponential(100, series) * (random.uniform(size=series) < 0.1)),
        "stage": jnp.asarray(random.uniform(1, 4, series)),
    }
    head = jnp.asarray(random.uniform(1.0, 6.0, (SITES, *SHAPE)))
    return model, forcing, parameters, jax.vmap(model.at_head)(head, parameters)


@pytest.mark.x64
@settings(max_examples=8)
@given(st.integers(0, 10**9), st.booleans())
def test_water_is_kept(draws, confined):
    """With conductivities and storativities over six decades, and wells beyond what there is: finite, and closed.

    The solver's end, 1e-13 of its right-hand side, is not in the balance; rounding is.
    """
    model, forcing, parameters, start = case(draws, confined)
    fluxes, end = march(model, forcing, parameters, start)
    account = ledger(model, start, end, fluxes, 3.0)
    assert np.max(account.relative_residual) <= 1e-10
    assert all(np.all(np.isfinite(x)) for x in (*fluxes.values(), end["water"]))


@pytest.mark.x64
@pytest.mark.parametrize("storativity", [1e-6, 1e-4, 0.1])
def test_single_precision_has_the_heads_of_double(storativity):
    """A year of daily steps on 12 × 16 cells, some along a river: within 20 roundings of heads about 10 m.

    A solve that ended at a residual of 1000 roundings, without a correction, was wrong by 2e-3 m at 1e-3 and grew
    without bound below 1e-5; heads told from the water of a cell were wrong by 0.25 m at 1e-6.
    """
    random = np.random.default_rng(7)
    shape, steps = (12, 16), 365
    conductivity, rain = 10 ** random.uniform(0, 2, (1, *shape)), random.gamma(0.3, 3e-3, (steps, 1, *shape))

    def heads(dtype):
        model = cast(Aquifer(grid(shape, 25.0)), dtype)
        parameters = {name: jnp.full((1, *shape), p.default, dtype) for name, p in model.parameters.items()}
        parameters |= {"storativity": jnp.full((1, *shape), storativity, dtype)}
        parameters |= {"conductivity": jnp.asarray(conductivity, dtype)}
        parameters["conductance"] = parameters["conductance"].at[:, 0].set(100.0)
        forcing = {"recharge": rain, "pumping": np.zeros_like(rain), "stage": np.full_like(rain, 4.0)}
        start = jax.vmap(model.at_head)(jnp.full((1, *shape), 4.0, dtype), parameters)
        forcing = {name: jnp.asarray(x, dtype) for name, x in forcing.items()}
        return np.asarray(simulate(model, forcing, Parameters(parameters, {}), start)[0]["head"], np.float64)

    exact = heads(jnp.float64)
    assert exact.max() > 6
    np.testing.assert_allclose(heads(jnp.float32), exact, rtol=0, atol=20 * 10 * 1.2e-7)


@pytest.mark.x64
def test_sites_side_by_side_are_one_by_one(key):
    """Two aquifers in one solve, whose iterations go on until the slower one is done; to the solver's end."""
    model, forcing, parameters, start = case(int(jax.random.randint(key, (), 0, 10**6)), False)
    both, _ = march(model, forcing, parameters, start)
    for site in range(SITES):
        series, (static, state) = (
            jax.tree.map(lambda x, site=site: x[:, site : site + 1], forcing),
            jax.tree.map(lambda x, site=site: x[site : site + 1], (parameters, start)),
        )
        alone, _ = march(model, series, static, state)
        np.testing.assert_allclose(both["head"][:, site], alone["head"][:, 0], rtol=1e-8)


@pytest.mark.x64
def test_laws_keep_the_water_and_nothing_flows_through_rock():
    """Evaporation from shallow groundwater as the recharge's law; a conductivity below zero counts as none."""
    model, forcing, parameters, start = case(3, True)
    shallow = Formula(lambda recharge, head: recharge - 1e-3 * jnp.exp(-((head - 5.0) ** 2)))
    fluxes, end = march(model.with_laws({"recharge": shallow}), forcing, parameters, start)
    assert np.max(ledger(model, start, end, fluxes, 3.0).relative_residual) <= 1e-10
    nothing = dict.fromkeys(forcing, jnp.zeros_like(forcing["stage"]))
    rock = parameters | {
        name: jnp.full_like(parameters[name], x) for name, x in (("conductivity", -1.0), ("conductance", 0.0))
    }
    _, still = march(model, nothing, rock, start)
    np.testing.assert_allclose(still["water"], start["water"], rtol=1e-12)


def test_cells_of_no_size_are_refused():
    """By name and value."""
    with pytest.raises(DgeoError, match="The width of the cells of a grid is 0 m"):
        grid(SHAPE, 0.0)
    with pytest.raises(DgeoError, match="The thickness of the cells of a grid is -1 m"):
        grid(SHAPE, 1.0, thickness=-1.0)
