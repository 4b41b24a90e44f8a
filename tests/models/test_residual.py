"""A residual inside the ODE: zero is nothing, a known one has a known solution, and no residual breaks the ledger."""

from dataclasses import replace

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies

from dgeo.check import ledger
from dgeo.engine import Parameters, initial_state, simulate
from dgeo.errors import DgeoError
from dgeo.models import HBV, FixedParts, Formula, ImplicitEuler, OperatorSplit, River, hbv, reaches, with_residuals
from tests.models.reservoir import Reservoir, exact_storage

DAYS, SITES = 30, 2
SOLVERS = (OperatorSplit(), ImplicitEuler(), FixedParts(diffrax.Euler()))


def weather(key):
    rain, heat = jax.random.uniform(key, (2, DAYS, SITES))
    return {
        "precipitation": 10 * rain,
        "temperature": 12 * heat - 4,
        "potential_evapotranspiration": 3 * heat,
    }


def constant(rate):
    """A residual of one rate, whatever the store."""
    return Formula(lambda soil_moisture: jnp.full_like(soil_moisture, rate), ("soil_moisture",))


def defaults(model):
    return Parameters({name: jnp.full(SITES, p.default) for name, p in model.parameters.items()}, {})


@eqx.filter_jit
def marched(model, forcing):
    parameters = defaults(model)
    start = initial_state(model, (SITES,), forcing["precipitation"].dtype)
    fluxes, end = simulate(model, forcing, parameters, start, outputs=(*model.fluxes, "solver_failure"))
    return start, fluxes, end


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: type(solver).__name__)
def test_an_empty_residual_changes_nothing(solver, key):
    """Adding zero is exact, so all fluxes are those of the model itself; 1e-5 is for a compiler that sums otherwise."""
    model, forcing = hbv("1.1p", solver=solver), weather(key)
    _, plain, _ = marched(model, forcing)
    _, found, _ = marched(with_residuals(model, ("soil_moisture", "lower_zone")), forcing)
    for name, series in plain.items():
        np.testing.assert_allclose(found[name], series, rtol=1e-5, atol=1e-5)
    assert not np.any(found["residual_soil_moisture"])


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: type(solver).__name__)
def test_no_residual_breaks_the_ledger(solver, key):
    """A loss of 500 mm d⁻¹ finds a soil that holds a few mm: it takes what is there, and the ledger tells how much.

    The residual's total is what the soil gained beyond its other fluxes: the store's own account, which knows nothing
    of the law. 1e-5 of the turnover is a few roundings of 30 float32 steps.
    """
    model = with_residuals(hbv("1.1p", solver=solver), {"soil_moisture": constant(-500.0)})
    before, fluxes, after = marched(model, weather(key))
    account = ledger(model, before, after, fluxes)
    assert np.max(account.relative_residual) <= 1e-5
    assert all(np.max(np.abs(r)) <= 1e-5 * np.max(account.gross_inflow) for r in account.store_residuals.values())
    assert np.all(account.exchanges["residual_soil_moisture"] < -10)
    if not np.any(fluxes["solver_failure"]):
        assert np.all(after["soil_moisture"] >= -1e-4)
    assert isinstance(solver, FixedParts) or not np.any(fluxes["solver_failure"])


@jax.jit
def split_steps(state, forcing, parameters, dt):
    """One split step of HBV without and with a residual of a given rate."""
    model, law = hbv("1.1p"), Formula(lambda rate: rate, attributes=("rate",))
    with_one = with_residuals(model, {"soil_moisture": law})
    return [m.step(state, forcing, parameters, dt) for m in (model, with_one)]


@given(rate=strategies.floats(-50, 50, width=32), dt=strategies.sampled_from([1 / 24, 1.0, 5.0]))
def test_a_split_step_takes_no_more_than_is_there(rate, dt):
    """After the split the store is max(S + r·dt, 0), never below, and the flux is what it changed by, over dt."""
    model = hbv("1.1p")
    state = {name: jnp.asarray(20.0) for name in model.states}
    forcing = {name: jnp.asarray(2.0) for name in model.forcings}
    parameters = {name: jnp.asarray(p.default) for name, p in model.parameters.items()}
    parameters["rate"] = jnp.asarray(rate)
    step = jnp.asarray(dt)
    (plain, _), (after, fluxes) = split_steps(state, forcing, parameters, step)
    held, gained = plain["soil_moisture"], fluxes["residual_soil_moisture"] * step
    np.testing.assert_allclose(after["soil_moisture"], jnp.maximum(held + rate * step, 0.0), rtol=1e-6, atol=1e-5)
    assert after["soil_moisture"] >= 0
    np.testing.assert_allclose(held + gained, after["soil_moisture"], rtol=1e-5, atol=1e-4)


@pytest.mark.x64
@pytest.mark.parametrize(
    "solver", [FixedParts(parts=200), ImplicitEuler(tolerance=1e-12)], ids=["explicit", "implicit"]
)
def test_a_leak_is_a_faster_recession(solver, key):
    """r = −c·S makes dS/dt = p − (k + c)·S, whose solution and derivative in c are known.

    Heun in 200 parts of a day errs by less than (k + c)²/200²/6 ≈ 4e-7 of a day's change, and its
    derivative by 3/(k + c) times as much of what is less than the change: 1e-5 has room for both. Implicit Euler solves
    S' = (S + p)/(1 + k + c) to its tolerance, which is followed by hand and differentiated by JAX.
    """
    leak, recession = 0.1, 0.2
    rain = 10 * jax.random.uniform(key, (12,))
    model = with_residuals(Reservoir(solver=solver), ("storage",))

    def stored(leak):
        law = Formula(lambda storage, leaking: -leaking * storage, ("storage", "leaking"), attributes=("leaking",))
        filled = model.with_laws({"residual_storage": law})
        static = {"recession": jnp.full(1, recession), "leaking": leak[None]}
        forcing = {"precipitation": rain[:, None]}
        return simulate(filled, forcing, Parameters(static, {}), outputs=("storage",))[0]["storage"][:, 0]

    def implicit(leak):
        storage, series = jnp.asarray(0.0), []
        for p in rain:
            storage = (storage + p) / (1 + recession + leak)
            series.append(storage)
        return jnp.stack(series)

    expected = implicit if isinstance(solver, ImplicitEuler) else lambda leak: exact_storage(rain, recession + leak)
    for function in (lambda f: f, jax.jacfwd if isinstance(solver, FixedParts) else jax.jacrev):
        found, known = function(stored)(jnp.asarray(leak)), function(expected)(jnp.asarray(leak))
        np.testing.assert_allclose(found, known, rtol=1e-5)


def test_it_is_a_model_of_the_same_kind():
    """A subclass of the model's class, made once, with the model's fields; residuals that are added later join."""
    model = hbv("1.1p", compatibility="hydrodl2", solver=ImplicitEuler())
    first = with_residuals(model, {"soil_moisture": constant(1.0)})
    both = with_residuals(first, ("lower_zone",))
    assert isinstance(both, HBV)
    assert (both.solver, both.floor) == (model.solver, model.floor)
    assert type(both) is type(with_residuals(model, ("soil_moisture", "lower_zone")))
    assert both.laws["residual_soil_moisture"] is first.laws["residual_soil_moisture"]
    assert set(both.slots) - set(model.slots) == {"residual_soil_moisture", "residual_lower_zone"}
    assert both.slots["residual_soil_moisture"].units == "mm d-1"
    assert set(both.budget.exchanges) - set(model.budget.exchanges) == {"residual_soil_moisture", "residual_lower_zone"}
    assert both.parameters == model.parameters
    assert type(replace(both, solver=FixedParts())) is type(both)


def test_a_wrong_name_is_answered():
    """A store that there is not, and a law that reads what is not offered."""
    with pytest.raises(DgeoError, match=r"HBV has no store 'soil_mositure'.*soil_moisture"):
        with_residuals(hbv(), ("soil_mositure",))
    with pytest.raises(DgeoError, match=r"'residual_soil_moisture'.*reads 'slope'"):
        with_residuals(hbv(), {"soil_moisture": Formula(lambda slope: slope)})
    with pytest.raises(DgeoError, match="gives no rates"):
        with_residuals(River(reaches([-1], [1e3], [1e-3])), ("volume",))
