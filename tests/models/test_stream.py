"""Streams that carry something: kept and never negative at any Courant number, whatever the law of its reaction.

Fronts, clouds, sags, temperatures and gradients beside their exact solutions are rows of `dgeo check kernels`.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.check import ledger
from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.models import Formula, Solute, StreamTemperature, line

SITES, STEPS, CELLS = 3, 8, 6


@eqx.filter_jit
def march(model, forcing, parameters, state, dt):
    return simulate(model, forcing, Parameters(parameters, {}), state, dt=dt)


def case(draws):
    """Three streams with parameters from all of their bounds, clean or not, with clean inflow or not."""
    random = np.random.default_rng(draws)
    model = Solute(line(600.0, CELLS))
    parameters = {
        name: p.bounds.from_fraction(jnp.asarray(random.uniform(0, 1, SITES))) for name, p in model.parameters.items()
    }
    forcing = {
        "solute_inflow": jnp.asarray(random.exponential(1, (STEPS, SITES)) * random.integers(0, 2, (STEPS, SITES)))
    }
    start = {"solute": jnp.asarray(random.exponential(1, (SITES, CELLS)) * random.integers(0, 2, (SITES, CELLS)))}
    return model, forcing, parameters, start


@pytest.mark.x64
@given(st.integers(0, 10**9), st.sampled_from([1.0, 300.0, 86400.0]))
def test_a_solute_is_kept_and_never_negative(draws, dt):
    """At Courant numbers from 1e-5 to 4e3, dispersion from nothing to all at once, decay to 100 a day.

    What is negative by explicit dispersion beside explicit advection stays below a hundredth of the largest.
    """
    model, forcing, parameters, start = case(draws)
    fluxes, end = march(model, forcing, parameters, start, dt)
    residual = ledger(model, start, end, fluxes, dt).residual
    turnover = np.sum(start["solute"], -1) + dt * np.sum(np.abs(fluxes["solute_entering"]), 0)
    assert np.all(np.abs(residual) <= 1e-11 * (1 + turnover))
    highest = max(np.max(forcing["solute_inflow"]), np.max(start["solute"]) / 100)
    assert np.min(fluxes["concentration"]) >= -1e-2 * highest
    assert np.max(fluxes["concentration"]) <= (1 + 1e-2) * highest


@pytest.mark.x64
def test_any_decay_keeps_the_books():
    """Michaelis–Menten for first order: at 1 g m⁻³ it is half of it, and the balance closes with what decayed."""
    model, forcing, parameters, start = case(0)
    slow = model.with_laws({"decay": Formula(lambda concentration, decay: decay * concentration / (1 + concentration))})
    fluxes, end = march(slow, forcing, parameters, start, 300.0)
    plain, _ = march(model, forcing, parameters, start, 300.0)
    assert np.max(ledger(model, start, end, fluxes, 300.0).relative_residual) <= 1e-11
    assert -np.sum(plain["solute_reaction"]) > -np.sum(fluxes["solute_reaction"]) > 0


@pytest.mark.x64
def test_a_warm_stream_cools_to_the_air_and_no_further():
    """With 1e4 W m⁻² K⁻¹ over a finger of water a day's step is stiff by 1e4: it ends at the air's temperature."""
    model = StreamTemperature(line(600.0, 1))
    values = {"velocity": 1e-3, "dispersion": 1e-3, "depth": 0.02, "exchange_coefficient": 1e4}
    parameters = {name: jnp.full(1, x) for name, x in values.items()}
    forcing = {"heat_inflow": jnp.full((STEPS, 1), 4.0), "air_temperature": jnp.full((STEPS, 1), -3.0)}
    fluxes, _ = march(model, forcing, parameters, {"heat": jnp.full((1, 1), 2e3)}, 86400.0)
    np.testing.assert_allclose(fluxes["temperature"][-1, 0], -3.0, atol=1e-6)


def test_a_stream_of_no_length_is_refused():
    """By what was given."""
    with pytest.raises(DgeoError, match="A stream of 0 m in 3 cells is none"):
        line(0.0, 3)
