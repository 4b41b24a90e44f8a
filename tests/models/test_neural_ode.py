"""A neural ODE: the equations it claims to solve, a ledger that claims nothing, and a hybrid model of it."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.check import HybridLedger, Ledger, ledger, routed
from dgeo.engine import Parameters, initial_state, simulate
from dgeo.errors import DgeoError
from dgeo.hybrid import FixedValues, GammaRouting, Hybrid, Inputs, Learned
from dgeo.models import Budget, FixedParts, Formula, NeuralODE, Variable, neural_ode

DAYS, SITES, STATES = 12, 3, 2
FORCINGS = {"precipitation": Variable("mm d-1", "", 5.0), "temperature": Variable("degC", "", 10.0)}
EULER = FixedParts(diffrax.Euler(), parts=1)


def small(key, **fields):
    return neural_ode(FORCINGS, {"slope": (10.0, 5.0)}, states=STATES, width=4, depth=1, key=key, **fields)


def weather(key, dtype=None):
    series = 10 * jax.random.uniform(key, (len(FORCINGS), DAYS, SITES), dtype or float)
    return dict(zip(FORCINGS, series, strict=True))


def cast(tree, dtype=jnp.float32):
    return jax.tree.map(lambda x: x.astype(dtype) if eqx.is_inexact_array(x) else x, tree)


def test_it_is_what_its_equation_says(key):
    """Euler in steps of a day, with the network called by hand: z ← z + 0.1·NN(z, x, a), runoff = ln(1 + e^NN)/ln 2."""
    first, rest = jax.random.split(key)
    model, forcing = small(first, solver=EULER), weather(rest)
    slope = jnp.array([3.0, 10.0, 20.0])
    start = initial_state(model, (SITES,), float)
    fluxes, end = simulate(model, forcing, Parameters({"slope": slope}, {}), start)
    network = model.joint[0].law.network
    for site in range(SITES):
        z = jnp.zeros(STATES)
        for day in range(DAYS):
            x = [forcing["precipitation"][day, site] / 5, forcing["temperature"][day, site] / 10]
            out = network(jnp.array([*z, *x, (slope[site] - 10) / 5]))
            z = z + 0.1 * out[:STATES]
            runoff = jnp.log(1 + jnp.exp(out[STATES])) / jnp.log(2.0)
            np.testing.assert_allclose(fluxes["runoff"][day, site], runoff, rtol=1e-5)
        np.testing.assert_allclose([end["latent_1"][site], end["latent_2"][site]], z, rtol=1e-4, atol=1e-6)


def test_a_linear_network_has_the_known_solution(key):
    """z' = x − z/2 and runoff = z, laws written down: Heun in 50 parts follows 2x(1 − e^{−t/2}) to k²/50²/6 ≈ 2e-5.

    The mean runoff of a day is the integral of z over it. A negative x makes z negative, which is no failure here.
    """
    laws = {
        "latent_change_1": Formula(lambda latent_1, x: x - latent_1 / 2),
        "runoff": Formula(lambda latent_1: latent_1),
    }
    model = NeuralODE((("x", Variable("1", "")),), 1, laws=laws, solver=FixedParts(parts=50))
    x = jnp.array([-1.0, 0.5])
    start = initial_state(model, (2,), float)
    outputs = ("latent_1", "runoff", "solver_failure")
    found, _ = simulate(model, {"x": x[None] * jnp.ones((4, 1))}, Parameters({}, {}), start, outputs=outputs)
    t = jnp.arange(5.0)[:, None]
    integral = 2 * x[None] * (t + 2 * jnp.exp(-t / 2))
    np.testing.assert_allclose(found["latent_1"], 2 * x[None] * (1 - jnp.exp(-t[1:] / 2)), rtol=1e-4)
    np.testing.assert_allclose(found["runoff"], integral[1:] - integral[:-1], rtol=1e-4)
    assert not np.any(found["solver_failure"])


def test_its_ledger_says_that_nothing_is_conserved(key):
    """Each latent state changes by its declared exchange, and there is no residual: null in the file, not a number."""
    first, rest = jax.random.split(key)
    model = cast(small(first))
    start = initial_state(model, (SITES,), jnp.float32)
    fluxes, end = simulate(
        model, weather(rest, jnp.float32), Parameters({"slope": jnp.ones(SITES, jnp.float32)}, {}), start
    )
    account = ledger(model, start, end, fluxes)
    assert set(account.exchanges) == {"latent_change_1", "latent_change_2"}
    assert not account.inflows
    assert not account.outflows
    for i in (1, 2):
        np.testing.assert_allclose(account.exchanges[f"latent_change_{i}"], end[f"latent_{i}"], rtol=1e-5, atol=1e-6)
    assert np.isnan(account.to_json()["relative_residual"])


def test_an_empty_budget_has_an_empty_ledger():
    """`Budget({})` keeps no stores: its books open and close, and have no residual. Routed, the channel is all."""
    books = Ledger(Budget({}), {})
    books.add({"runoff": np.ones((4, 2))})
    assert np.isnan(books.balance({}).to_json()["relative_residual"])
    assert routed(Budget({})).stores == ("channel",)


@pytest.mark.parametrize("routing", [False, True])
def test_a_hybrid_of_it_runs_and_learns(routing, key):
    """No parameters, two components: it runs, and its gradient is finite and reaches the weights.

    With a channel the ledger closes for that alone: runoff in, streamflow out, the rest under way.
    """
    first, rest = jax.random.split(key)
    fixed = FixedValues({name: jnp.asarray(1.0) for name in GammaRouting.parameters} if routing else {})
    channel = GammaRouting(5) if routing else None
    specifications = GammaRouting.parameters if routing else {}
    learned = Learned((), specifications, components=2, fixed=fixed)
    hybrid = cast(Hybrid(small(first, solver=EULER), learned, channel))
    inputs = Inputs(weather(rest, jnp.float32), {"slope": jnp.array([1.0, 8.0, 20.0], jnp.float32)})
    before = hybrid.initial_carry(SITES)
    books = HybridLedger(hybrid, inputs, before)

    @eqx.filter_jit
    @eqx.filter_grad(has_aux=True)
    def slope_and_run(hybrid):
        outputs, after = hybrid(inputs, before, outputs=(*books.outputs, "streamflow"))
        return jnp.mean(outputs["streamflow"]), (outputs, after)

    slope, (outputs, after) = slope_and_run(hybrid)
    books.add(outputs)
    residual = books.balance(after).relative_residual
    assert np.all(residual < 1e-5) if routing else np.all(np.isnan(residual))
    weights = jax.tree.leaves(slope.physics.joint[0].law.network)
    assert all(np.all(np.isfinite(w)) for w in weights)
    assert any(np.any(w != 0) for w in weights)


def test_sites_must_be_known_from_somewhere(key):
    """Without parameters, attributes and state nothing says how many sites there are."""
    model = neural_ode(FORCINGS, states=STATES, width=4, depth=1, key=key)
    with pytest.raises(DgeoError, match="number of sites is not known"):
        simulate(model, weather(key), Parameters({}, {}))
