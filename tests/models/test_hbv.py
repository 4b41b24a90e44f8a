"""HBV: against a second implementation, under extreme weather, and its derivatives."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dgeo.check import ledger
from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.models import hbv
from tests.models import hbv_by_hand, weather

VERSIONS = ("1.0", "1.0 with beta_et", "1.1p", "2.0")
DAYS, SITES = 150, 24
few = settings(max_examples=10)
run = eqx.filter_jit(simulate)


def arrays(values, dtype=np.float64):
    return {name: jnp.asarray(x, dtype) for name, x in values.items()}


def everything(model):
    return (*model.fluxes, *model.states)


@pytest.mark.x64
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("compatibility", [None, "hydrodl2"])
def test_a_step_is_the_one_by_hand(version, compatibility, key):
    """500 random states, parameters and days, a third of them at ties: a full soil, an empty store, T = TT.

    Both sides round in float64, some ten operations a number: 1e-12, times the few hundred mm that the stores
    hold where they cancel. The soil is at least 1e-5 of field capacity or empty, since below 1e-7 `power` is cut.
    """
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    model, shape = hbv(version, compatibility=compatibility), (500,)
    parameters, state = weather.parameters(model, shape, random), weather.stores(model, shape, random)
    wetness = np.clip(10 ** random.uniform(-5, 0.3, shape), 0, 1) * (random.random(shape) < 0.9)
    state["soil_moisture"] = wetness * parameters["field_capacity"]
    forcing = {name: x[0] for name, x in weather.extreme((1, *shape), random).items()}
    tied = random.random(shape) < 0.3
    forcing["temperature"] = np.where(tied, parameters["threshold_temperature"], forcing["temperature"])
    for dt in (1.0, 1 / 24):
        step = jax.vmap(model.step, in_axes=(0, 0, 0, None))
        found = step(arrays(state), arrays(forcing), arrays(parameters), jnp.asarray(dt))
        inputs = [
            [{k: float(x[i]) for k, x in part.items()} for i in range(500)] for part in (state, forcing, parameters)
        ]
        by_hand = [hbv_by_hand.step(*site, dt, model.floor) for site in zip(*inputs, strict=True)]
        assert not np.any(found[1].pop("solver_failure"))
        for part, wanted in zip(found, zip(*by_hand, strict=True), strict=True):
            for name, values in part.items():
                expected = [site[name] for site in wanted]
                np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-10, err_msg=name)


def extreme_run(version, seed, dtype, compatibility=None):
    random = np.random.default_rng(seed)
    model = hbv(version, compatibility=compatibility)
    forcing = arrays(weather.extreme((DAYS, SITES), random), dtype)
    static = arrays(weather.parameters(model, (SITES,), random), dtype)
    before = arrays(weather.stores(model, (SITES,), random), dtype)
    outputs, after = run(model, forcing, Parameters(static, {}), before, outputs=everything(model))
    return model, forcing, before, after, outputs


@few
@given(seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("compatibility", [None, "hydrodl2"])
def test_nothing_is_made_or_lost_in_extreme_weather(seed, compatibility):
    """float32: the balance of every site closes to 1e-5 of all the water there was, no store falls below zero,
    and evaporation takes no more than is asked for (one rounding of min(E·f·dt, …)/dt allowed).

    A step rounds a store at 6e-8 of it, up or down: 150 days stay within 150·6e-8 = 1e-5 even if all were rounded
    one way, as may happen to a pack of tens of metres that loses the same few millimetres every day.
    """
    model, forcing, before, after, outputs = extreme_run("1.1p", seed, np.float32, compatibility)
    account = ledger(model, before, after, outputs)
    assert account.relative_residual.max() <= 1e-5
    for store in model.states:
        assert np.min(outputs[store]) >= 0, store
    demand = np.asarray(forcing["potential_evapotranspiration"])
    assert (outputs["evapotranspiration"] <= demand * (1 + 1e-6)).all()
    if compatibility is None:
        assert not any(amount.any() for amount in account.exchanges.values())


@pytest.mark.x64
@few
@given(seed=st.integers(0, 2**32 - 1))
def test_balance_closes_to_rounding_in_double_precision(seed):
    """Rounding is all that float32 showed: in float64 the residual is 1e-12 of all the water, store by store."""
    model, _, before, after, outputs = extreme_run("1.1p", seed, np.float64)
    account = ledger(model, before, after, outputs)
    turnover = account.initial_storage + account.gross_inflow
    for store, residual in account.store_residuals.items():
        assert (np.abs(residual) <= 1e-12 * np.maximum(turnover, 1.0)).all(), store


def ties(model, dtype):
    """Sites in every combination of full, empty and freezing at the point where two branches meet."""
    static = {name: np.full(8, parameter.default) for name, parameter in model.parameters.items()}
    static["threshold_temperature"] = np.zeros(8)
    state = {name: np.zeros(8) for name in model.states}
    state["soil_moisture"] = np.repeat([0.0, static["field_capacity"][0]], 4)
    state["upper_zone"] = np.tile([0.0, static["upper_zone_threshold"][0]], 4)
    forcing = {name: np.zeros((6, 8)) for name in model.forcings}
    forcing["potential_evapotranspiration"][3:] = 4.0
    forcing["precipitation"][4:, ::3] = 10.0
    forcing["temperature"][5] = [-5, 5, -5, 5, -5, 5, -5, 5]
    return arrays(forcing, dtype), arrays(static, dtype), arrays(state, dtype)


@pytest.mark.parametrize("version", ["1.0", "1.1p"])
def test_gradient_is_finite_at_every_tie(version):
    """Zeros, ties and parameters on their bounds, in float32: all derivatives are numbers.

    A soil of exactly 0 under an exponent of 0.3 is where x**β has an infinite derivative.
    """
    model = hbv(version)
    forcing, static, state = ties(model, np.float32)

    @jax.jit
    @jax.grad
    def gradient(leaves):
        forcing, static, state = leaves
        outputs, after = simulate(model, forcing, Parameters(static, {}), state)
        return sum(jnp.sum(x) for x in jax.tree.leaves((outputs, after)))

    extremes = [{name: jnp.full_like(x, getattr(model.parameters[name].bounds, end)) for name, x in static.items()}
                for end in ("low", "high")]  # fmt: skip
    for parameters in (static, *extremes):
        for place, derivative in jax.tree.leaves_with_path(gradient((forcing, parameters, state))):
            assert np.isfinite(derivative).all(), jax.tree_util.keystr(place)


@pytest.mark.x64
def test_gradient_is_the_central_difference(key):
    """∂(random mixture of all outputs)/∂θ over 60 days, against central differences in float64.

    Every parameter is moved at a site of its own. A step of h = 1e-6 of the range errs by h² and by rounding
    over h, 1e-10, of a sum in which a parameter has a share of 1e-3 or more: 1e-6 of the largest derivative.
    A kink is met if a store or a threshold lies within h of a switch, which random numbers do not.
    """
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    model = hbv("1.1p")
    names = list(model.parameters)
    forcing = weather.extreme((60, 1), random)
    forcing["temperature"] = 8 * np.sin(np.arange(60)[:, None] / 5) + random.normal(0, 3, (60, 1))
    forcing["precipitation"] = random.exponential(15, (60, 1)) * (random.random((60, 1)) < 0.5)
    scale = {name: model.parameters[name].bounds.high - model.parameters[name].bounds.low for name in names}
    static = {name: model.parameters[name].bounds.low + scale[name] * random.uniform(0.2, 0.8) for name in names}
    weights = arrays({name: random.normal(size=(60, 1)) for name in model.fluxes})
    h = 1e-6

    @jax.jit
    @partial(jax.value_and_grad, has_aux=True)
    def response(static):
        sites = static["k0"].size
        wide = {name: jnp.broadcast_to(x, (60, sites)) for name, x in arrays(forcing).items()}
        outputs, _ = simulate(model, wide, Parameters(static, {}))
        mixture = sum(jnp.sum(weights[name] * x, axis=0) for name, x in outputs.items())
        return jnp.sum(mixture), mixture

    def moved(sign):
        columns = {name: static[name] + sign * h * scale[name] * np.eye(len(names))[i] for i, name in enumerate(names)}
        return response(arrays(columns))[0][1]

    difference = (moved(1) - moved(-1)) / (2 * h)
    same = arrays({name: np.full(len(names), static[name]) for name in names})
    _, gradient = response(same)
    exact = np.array([gradient[name][0] * scale[name] for name in names])
    np.testing.assert_allclose(exact, difference, rtol=1e-5, atol=1e-6 * np.abs(exact).max())


REGIMES = {
    "storms": ({"precipitation": 30.0, "temperature": 15.0, "potential_evapotranspiration": 2.0}, "runoff"),
    "drought": ({"precipitation": 0.0, "temperature": 25.0, "potential_evapotranspiration": 5.0}, "evapotranspiration"),
    "thaw": ({"precipitation": 0.0, "temperature": 6.0, "potential_evapotranspiration": 1.0}, "infiltration"),
    "frost": ({"precipitation": 5.0, "temperature": -6.0, "potential_evapotranspiration": 0.0}, "refreezing"),
}
SIGNS = {
    "storms": {
        "beta": -1,
        "field_capacity": -1,
        "k0": 1,
        "k1": 1,
        "k2": 1,
        "percolation_max": -1,
        "upper_zone_threshold": -1,
    },
    "drought": {"lp": -1, "beta_et": -1, "capillary": 1},
    "thaw": {"degree_day_factor": 1, "threshold_temperature": -1, "water_holding_capacity": -1},
    "frost": {"refreezing_coefficient": 1, "threshold_temperature": 1, "degree_day_factor": 1},
}


@pytest.mark.parametrize("regime", REGIMES)
def test_every_parameter_speaks_where_its_process_runs(regime):
    """The sign of ∂(total flux)/∂θ over ten equal days that start with some water in every store.

    Storms fill the soil and the upper zone above its threshold: a soil that is larger or closes later (β) holds
    water back, faster coefficients release it, percolation and a higher threshold send it the slow way. In a
    drought evaporation falls with the point (LP) and the curve (βET) where it begins to fail, and rises with
    capillary water. In a thaw the pack releases more if it melts faster (CFMAX, less TT) and holds less back.
    With the hard switch between rain and snow, TT acts through melt and refreezing alone: in storms at 15 °C,
    and wherever there is no snow, its gradient is exactly 0, as is that of all other parameters of snow.
    """
    model = hbv("1.1p")
    forcing, flux = REGIMES[regime]
    series = {name: jnp.full((10, 1), value, jnp.float32) for name, value in forcing.items()}
    static = {name: jnp.full(1, p.default, jnp.float32) for name, p in model.parameters.items()}
    snow = {"thaw": (300.0, 10.0), "frost": (300.0, 20.0)}.get(regime, (0.0, 0.0))
    depths = dict(zip(model.states, (*snow, 120.0, 30.0, 50.0), strict=True))
    state = {name: jnp.full(1, depth, jnp.float32) for name, depth in depths.items()}

    def total(static):
        return jnp.sum(simulate(model, series, Parameters(static, {}), state, outputs=(flux,))[0][flux])

    gradient = {name: float(x[0]) for name, x in jax.jit(jax.grad(total))(static).items()}
    for name, sign in SIGNS[regime].items():
        assert np.sign(gradient[name]) == sign, name
    if not any(snow):
        assert all(gradient[name] == 0 for name in (*SIGNS["thaw"], *SIGNS["frost"]))


def test_every_parameter_has_a_regime():
    assert {name for signs in SIGNS.values() for name in signs} == set(hbv("1.1p").parameters)


def test_the_names_of_the_budget_are_those_of_the_step():
    """Every transfer is a flux, every store a state, and runoff is the sum that the budget says."""
    model = hbv("1.1p")
    assert set(model.budget.transfers) | set(model.budget.sums) == set(model.fluxes)
    assert set(model.budget.stores) == set(model.states)
    assert set(model.budget.inflows) == {"rainfall", "snowfall"}
    assert set(model.budget.outflows) == {"evapotranspiration", "quick_flow", "interflow", "baseflow"}


def test_versions_differ_by_their_parameters():
    """1.0 has twelve parameters, dynamic evaporation adds one, 1.1p capillary rise, 2.0 two of a regional exchange."""
    assert [len(hbv(version).parameters) for version in VERSIONS] == [12, 13, 14, 16]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"version": "1.1"}, r"no version '1\.1'; did you mean 1\.1p or 1\.0"),
        ({"version": "two"}, r"no version 'two'; the known names are 1\.0, 1\.0 with beta_et, 1\.1p, 2\.0\."),
        ({"compatibility": "hydrodl"}, r"no compatibility 'hydrodl'; did you mean hydrodl2"),
        ({"snow_melt": hbv().present_laws["melt"]}, r"no law 'snow_melt'.*did you mean melt"),
    ],
)
def test_a_version_or_law_that_is_not_there_is_named(arguments, words):
    with pytest.raises(DgeoError, match=words):
        hbv(**arguments)
