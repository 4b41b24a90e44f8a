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
