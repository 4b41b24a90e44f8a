"""What holds of every model that a config can name, and what the registry answers to a wrong name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dgeo.check import ledger
from dgeo.engine import Parameters
from dgeo.errors import DgeoError
from dgeo.models import MODELS, Formula, ImplicitEuler, Joint, model_named
from tests.models import runs, weather

NAMES = (*MODELS, "bucket power")
all_models = pytest.mark.parametrize("name", NAMES)
few = settings(max_examples=6)


def made(name):
    """A model by its name, and after it the version."""
    model, _, version = name.partition(" ")
    return model_named(model, version or None)


def inputs(model, days, sites, random, dtype, climate):
    forcing = runs.arrays(climate(model, (days, sites), random), dtype)
    static = runs.arrays(weather.parameters(model, (sites,), random), dtype)
    return forcing, static, runs.arrays(runs.stores(model, sites, random), dtype)


@few
@given(seed=st.integers(0, 2**32 - 1))
@all_models
def test_nothing_is_made_or_lost_in_extreme_weather(name, seed):
    """float32, 100 days: the balance of every site closes to 1e-5 of all the water there was, and no store is negative.

    A day rounds every store and flux at 6e-8 of it; ten of those a day, all one way, are a hundred days' 6e-5 of one
    day's water, and a hundredth of that of all. A store may be below zero by such a rounding of the largest, no more.
    """
    model, random = made(name), np.random.default_rng(seed)
    forcing, static, before = inputs(model, 100, 16, random, np.float32, runs.extreme)
    outputs, after = runs.run(
        model, forcing, Parameters(static, {}), before, outputs=(*model.budget.transfers, *model.states)
    )
    account = ledger(model, before, after, outputs)
    turnover = account.initial_storage + account.gross_inflow + sum(abs(x) for x in account.exchanges.values())
    assert np.all(np.abs(account.residual) <= 1e-5 * turnover)
    assert all(np.all(np.abs(x) <= 1e-5 * turnover) for x in account.store_residuals.values())
    for store in model.states:
        assert float(np.min(np.asarray(outputs[store]))) >= -1e-6 * np.max(turnover)


@pytest.mark.x64
@all_models
def test_gradient_is_the_finite_difference(name, key):
    """Along a random direction v, relative to the parameters: ∇F·v = (F(θ+εv) − F(θ−εv))/2ε, to 1e-6 with ε = 1e-6.

    Central differences err by ε²F''' and by 1e-16/ε of F, and F cancels among days: 1e-6 leaves room. Parameters at
    their bounds (one in three) are no kinks.
    """
    model, random = made(name), np.random.default_rng(np.asarray(jax.random.key_data(key)))
    forcing, static, before = inputs(model, 60, 4, random, np.float64, runs.mild)
    both = runs.runoff_of(model, forcing, before)
    direction = {parameter: random.normal(size=x.shape) * np.asarray(x) for parameter, x in static.items()}
    slope = sum(np.vdot(both(static)[1][parameter], direction[parameter]) for parameter in static)
    up, down = (both({n: x + sign * 1e-6 * direction[n] for n, x in static.items()})[0] for sign in (1, -1))
    scale = sum(np.sum(np.abs(direction[n] * both(static)[1][n])) for n in static)
    np.testing.assert_allclose((up - down) / 2e-6, slope, rtol=1e-6, atol=1e-6 * scale)


@all_models
def test_gradient_is_finite_where_nothing_is_and_live_elsewhere(name, key):
    """float32: no number is NaN or infinite with empty stores, no weather and parameters at their lowest.

    In mild weather, among eight sites with random parameters, every parameter moves the runoff of some site.
    """
    model, random = made(name), np.random.default_rng(np.asarray(jax.random.key_data(key)))
    forcing, static, before = inputs(model, 60, 8, random, np.float32, runs.mild)
    lowest = {n: jnp.full((8,), model.parameters[n].bounds.low, jnp.float32) for n in static}
    nothing = jax.tree.map(jnp.zeros_like, (forcing, before))
    value, slopes = runs.runoff_of(model, *nothing)(lowest)
    assert np.isfinite(value)
    assert all(np.all(np.isfinite(x)) for x in slopes.values())
    slopes = runs.runoff_of(model, forcing, before)(static)[1]
    dead = {n for n, x in slopes.items() if not np.any(np.asarray(x) != 0)}
    assert dead <= ({"threshold_temperature"} if name == "hbv" else set())


@all_models
def test_names_fit_together(name):
    """States are those of the initial state, fluxes those of a step, and defaults lie within their bounds."""
    model = made(name)
    assert set(model.states) == set(model.initial_state())
    one = {n: jnp.asarray(1.0) for n in model.forcings}
    defaults = {n: jnp.asarray(parameter.default) for n, parameter in model.parameters.items()}
    state, fluxes = model.step(model.initial_state(), one, defaults, jnp.asarray(1.0))
    assert set(state) == set(model.states)
    assert set(fluxes) == {*model.fluxes, *model.diagnostics}
    assert all(p.bounds.low <= p.default <= p.bounds.high for p in model.all_parameters.values())


def test_a_law_and_a_solver_reach_the_model():
    """Named or built, it is the same model."""
    law = Formula(lambda soil_moisture: 0.1 * soil_moisture)
    model = model_named("exphydro", solver=ImplicitEuler(), laws={"discharge": law})
    assert model.laws == {"discharge": law}
    assert model.solver == ImplicitEuler()
    assert model_named("hbv", "1.1p").laws.keys() == {"evaporation", "capillary_rise"}
    assert set(model_named("bucket").parameters) == {"evaporation_factor", "k0"}
    assert set(model_named("bucket", "power").parameters) == {"evaporation_factor", "k0", "exponent"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "exphidro"}, "no model 'exphidro': did you mean exphydro"),
        ({"name": "hbv", "version": "3.0"}, "no version '3.0': did you mean"),
        ({"name": "shm", "version": "1.0"}, "one version only"),
        ({"name": "gr4j", "solver": ImplicitEuler()}, "takes no solver: leave the solver out, or choose one of bucket"),
        ({"name": "shm", "laws": {"evaporatoin": Formula(lambda soil_moisture: soil_moisture)}}, "evaporation"),
    ],
)
def test_a_wrong_name_is_answered_in_a_sentence(arguments, sentence):
    """It names what was asked for and what there is."""
    with pytest.raises(DgeoError, match=sentence):
        model_named(**arguments)


def test_a_joint_network_of_too_few_outputs_is_refused():
    """Indexing beyond an array repeats its last entry without a word in JAX; here it is a sentence."""
    network = Formula(lambda soil_moisture: jnp.stack([soil_moisture, soil_moisture]))
    model = model_named("hbv").with_laws({}, joint=(Joint(network, ("a", "b", "c")),))
    with pytest.raises(DgeoError, match=r"a, b, c gives numbers of shape \[2\]: give it 3 outputs"):
        model.values({"soil_moisture": jnp.asarray(1.0)}, {}, {})
