"""Solvers of HBV's rates: ledger, convergence and derivatives in weather beyond the ordinary, and what happens to a
site that cannot be solved."""

from functools import partial

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix
import pytest
from hypothesis import given, settings, strategies as st
from jax.flatten_util import ravel_pytree

from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.models import Adaptive, FixedParts, ImplicitEuler, OperatorSplit, Substeps, exphydro, hbv
from dgeo.models.solvers import Problem
from tests.models import weather
from tests.models.test_ode import Reservoir

IMPLICIT = hbv("1.1p", solver=ImplicitEuler())


@eqx.filter_jit
def stepped(model, state, forcing, parameters, dt):
    return jax.vmap(model.step, in_axes=(0, 0, 0, None))(state, forcing, parameters, dt)


@jax.jit
def rates_of_all(state, forcing, parameters):
    return jax.vmap(lambda *now: Problem(IMPLICIT, now[1], now[2]).rates(now[0]))(state, forcing, parameters)


def sites(model, count, random):
    """Stores, a day's forcing and parameters, all at the edge of what there is."""
    forcing = {name: x[0] for name, x in weather.extreme((1, count), random).items()}
    parts = (weather.stores(model, (count,), random), forcing, weather.parameters(model, (count,), random))
    return jax.tree.map(jnp.asarray, parts)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_implicit_hbv_in_extreme_weather(seed):
    """500 sites: each converges, the ledger closes, no store is negative beyond rounding, and the fluxes are the rates
    at the stores after the step.

    The residual may be `tolerance`, or 100 roundings (1.2e-5 in float32), of the largest store, so that a store may
    come out twice that below zero, and rates differ by that times their slopes: a hundredfold. Mass goes by the
    volumes: 32 roundings of them.
    """
    state, forcing, parameters = sites(IMPLICIT, 500, np.random.default_rng(seed))
    dt = jnp.asarray(1.0)
    after, fluxes = stepped(IMPLICIT, state, forcing, parameters, dt)
    assert not fluxes["solver_failure"].any()
    change, eps = IMPLICIT.budget.tendencies(fluxes), jnp.finfo(dt.dtype).eps
    allowed = max(IMPLICIT.solver.tolerance, 100 * eps)
    largest = sum(state.values()) + sum(jnp.abs(fluxes[name]) for name in IMPLICIT.budget.transfers)
    rates = rates_of_all(after, forcing, parameters)
    for store in state:
        assert np.all(jnp.abs(after[store] - state[store] - change[store]) <= 32 * eps * largest)
        assert np.all(after[store] >= -2 * allowed * (1 + largest))
    for name, rate in rates.items():
        assert np.all(jnp.abs(rate - fluxes[name]) <= 100 * allowed * (1 + largest)), name


def smooth_day():
    """A wet day on middling stores, away from every kink."""
    state = dict(zip(IMPLICIT.states, map(jnp.asarray, (80.0, 12.0, 150.0, 40.0, 30.0)), strict=True))
    forcing = dict(zip(IMPLICIT.forcings, map(jnp.asarray, (8.0, 3.0, 2.0)), strict=True))
    return state, forcing, {name: jnp.asarray(p.default) for name, p in IMPLICIT.parameters.items()}


@eqx.filter_jit
def outcome(solver, parameters, dt=1.0):
    state, forcing, _ = smooth_day()
    after, fluxes = hbv("1.1p", solver=solver).step(state, forcing, parameters, jnp.asarray(dt))
    return sum(after[name] * (i + 1) for i, name in enumerate(IMPLICIT.states)) + fluxes["runoff"]


class Unrolled(eqx.Module):
    """Twelve plain Newton steps, differentiated one after the other."""

    def __call__(self, problem, state, dt):
        x, unravel = ravel_pytree(state)

        def volumes(x):
            return {name: dt * rate for name, rate in problem.rates(unravel(x)).items()}

        def residual(x):
            return x - ravel_pytree(problem.stores(state, volumes(x)))[0]

        def better(x, _):
            return x - jnp.linalg.solve(jax.jacfwd(residual)(x), residual(x)), None

        x, _ = jax.lax.scan(better, x, None, length=12)
        return problem.result(state, volumes(x), dt, jnp.asarray(False))


@pytest.mark.x64
def test_implicit_gradient_is_that_of_unrolled_iterations_and_of_differences():
    """The implicit function's gradient needs no iteration: 1e-9 of the unrolled, 1e-6 of central differences, whose
    own error is the rounding 1e-13/h of h = 1e-5 of each parameter beside its curvature h²."""
    _, _, parameters = smooth_day()
    slope = jax.grad(partial(outcome, ImplicitEuler()))(parameters)
    unrolled = jax.grad(partial(outcome, Unrolled()))(parameters)
    largest = max(float(jnp.abs(p * slope[name])) for name, p in parameters.items())
    for name, value in parameters.items():
        h = 1e-5 * (1 + jnp.abs(value))
        up, down = (outcome(ImplicitEuler(), parameters | {name: value + sign * h}) for sign in (1, -1))
        np.testing.assert_allclose(slope[name], unrolled[name], rtol=1e-9, atol=1e-9 * largest, err_msg=name)
        np.testing.assert_allclose(slope[name], (up - down) / (2 * h), rtol=1e-6, atol=1e-6 * largest, err_msg=name)


@pytest.mark.x64
def test_implicit_steps_are_those_of_diffrax(key):
    """Sixty days of rain and frost on EXP-HYDRO: diffrax's implicit Euler solves the same equations in the volumes of
    the fluxes, by its own Newton and its own implicit gradient. Runoff and the gradient of its square agree to 1e-6
    of the largest (both stop at 1e-10, sixty times over)."""
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    days = {
        "precipitation": random.exponential(6, (60, 1)) * (random.random((60, 1)) < 0.5),
        "temperature": random.normal(2, 6, (60, 1)),
        "day_length": random.uniform(3e4, 6e4, (60, 1)),
    }
    forcing = jax.tree.map(jnp.asarray, days)
    newton = optimistix.Newton(rtol=1e-10, atol=1e-10)
    theirs = FixedParts(diffrax.ImplicitEuler(root_finder=newton, root_find_max_steps=50), parts=1)
    static = {name: jnp.asarray([p.default]) for name, p in exphydro().parameters.items()}

    def loss(static, solver):
        given = (exphydro(solver=solver), forcing, Parameters(static, {}))
        outputs, _ = simulate(*given, outputs=("runoff", "solver_failure"))
        return jnp.sum(outputs["runoff"] ** 2), outputs

    (ours, series), (other, others) = (
        jax.jit(jax.grad(partial(loss, solver=solver), has_aux=True))(static) for solver in (ImplicitEuler(), theirs)
    )
    assert not series["solver_failure"].any()
    assert not others["solver_failure"].any()
    np.testing.assert_allclose(series["runoff"], others["runoff"], rtol=1e-6, atol=1e-6)
    largest = max(float(jnp.abs(value * other[name])[0]) for name, value in static.items())
    for name, value in static.items():
        np.testing.assert_allclose(value * ours[name], value * other[name], rtol=1e-6, atol=1e-6 * largest)


@pytest.mark.x64
def test_implicit_euler_is_of_first_order():
    """Halving the parts halves the distance to diffrax's Tsit5 at 1e-9 on the same rates, to the next order (10 %)."""
    _, _, parameters = smooth_day()
    fine = Adaptive(diffrax.Tsit5(), diffrax.PIDController(rtol=1e-9, atol=1e-9), max_parts=4096)
    exact = outcome(fine, parameters)
    errors = [abs(outcome(Substeps(ImplicitEuler(), parts=parts), parameters) - exact) for parts in (16, 32)]
    np.testing.assert_allclose(errors[0] / errors[1], 2, rtol=0.1)


HOPELESS = [
    (ImplicitEuler(), jnp.inf),
    (Substeps(ImplicitEuler(), parts=2), jnp.inf),
    (FixedParts(), 1e3),
    (FixedParts(diffrax.Euler()), 1e3),
    (Adaptive(max_parts=16), 1e5),
]


@pytest.mark.parametrize(("solver", "k"), HOPELESS, ids=["implicit", "substeps", "heun", "euler", "adaptive"])
def test_a_hopeless_site_reports_itself_and_moves_nothing(solver, k):
    """Three reservoirs, one too stiff for an explicit solver (or with an infinite coefficient, for the implicit): it
    keeps its 10 mm and gives no flux; the derivatives of all are finite and those of the others not zero."""
    model, coefficients = Reservoir(solver=solver), jnp.asarray([0.1, k, 0.5])

    @jax.jit
    def total(coefficients, rain):
        state, forcing = {"storage": jnp.full(3, 10.0)}, {"precipitation": jnp.full(3, rain)}
        step = jax.vmap(model.step, in_axes=(0, 0, 0, None))
        after, fluxes = step(state, forcing, {"k": coefficients}, jnp.asarray(1.0))
        return jnp.sum(after["storage"] ** 2) + jnp.sum(fluxes["runoff"]), (after["storage"], fluxes)

    slopes, (storage, fluxes) = jax.grad(total, argnums=(0, 1), has_aux=True)(coefficients, 2.0)
    np.testing.assert_array_equal(fluxes["solver_failure"], [0, 1, 0])
    assert storage[1] == 10
    assert fluxes["precipitation"][1] == fluxes["runoff"][1] == 0
    np.testing.assert_array_equal(np.isfinite(slopes[0]) & np.isfinite(slopes[1]), True)
    assert np.all(slopes[0][np.array([0, 2])] != 0)
    assert slopes[0][1] == 0


@eqx.filter_jit
def of_one_reservoir(solver, storage, rain, k):
    state, forcing = {"storage": storage}, {"precipitation": rain}
    return Reservoir(solver=solver).step(state, forcing, {"k": k}, jnp.asarray(1.0))


@pytest.mark.parametrize("z", [1.7, 2.1, 3.0, 10.0])
def test_heun_beyond_its_stability_is_flagged(z):
    """One part of k·dt = z: from 2 on, 1 − z + z²/2 > 1, so that a reservoir grows without rain, and is not negative;
    the estimate of the error, z²/2 of the store, gives it away."""
    for k, failure in ((z, 1), (0.5, 0)):
        _, fluxes = of_one_reservoir(FixedParts(parts=1), *map(jnp.asarray, (10.0, 0.0, k)))
        assert fluxes["solver_failure"] == failure


def test_traces_in_empty_stores_are_no_failure():
    """The first meltwater above empty groundwater: within a part it reaches the lower zone through three stores, in
    the last stages of a high order alone, so that its estimated error exceeds the amount, 1e-9 mm. The step stands:
    after it the soil holds what the snow lost, less evaporation, to the rounding of 25 mm."""
    model = hbv("1.1p", solver=FixedParts(diffrax.Dopri5(scan_kind="bounded"), parts=48))
    _, _, parameters = smooth_day()
    state = dict(zip(model.states, map(jnp.asarray, (8.0, 0.0, 25.0, 0.0, 0.0)), strict=True))
    forcing = dict(zip(model.forcings, map(jnp.asarray, (0.0, 2.0, 1.0)), strict=True))
    after, fluxes = eqx.filter_jit(model.step)(state, forcing, parameters, jnp.asarray(1.0))
    assert fluxes["solver_failure"] == 0
    assert fluxes["melt"] > 1
    assert 0 < after["lower_zone"] < 1e-2
    held = sum(after.values()) + fluxes["evapotranspiration"] + fluxes["runoff"]
    np.testing.assert_allclose(held, 33.0, rtol=1e-5)


def test_a_model_without_split_is_told_so():
    with pytest.raises(DgeoError, match=r"Reservoir has no operator split.*ImplicitEuler"):
        Reservoir(solver=OperatorSplit()).step({}, {}, {}, jnp.asarray(1.0))


@pytest.mark.parametrize(
    "solver",
    [
        Adaptive(diffrax.Dopri5()),
        Adaptive(diffrax.Heun(scan_kind="bounded"), adjoint=diffrax.DirectAdjoint()),
        Adaptive(diffrax.Kvaerno5()),
        Adaptive(diffrax.Tsit5(), adjoint=diffrax.BacksolveAdjoint()),
        FixedParts(diffrax.Kvaerno3(root_finder=diffrax.VeryChord(rtol=1e-5, atol=1e-5)), parts=4),
    ],
    ids=["dopri5", "heun direct", "kvaerno5", "backsolve", "kvaerno3 fixed"],
)
def test_diffrax_solvers_and_adjoints(solver):
    """S(dt) = P/k + (S₀ − P/k)·e^{−k·dt} and its slope in k: to the default tolerance of 1e-3, a few times over."""
    k = jnp.asarray(0.7)

    def after(k):
        state, forcing = {"storage": jnp.asarray(10.0)}, {"precipitation": jnp.asarray(2.0)}
        return Reservoir(solver=solver).step(state, forcing, {"k": k}, jnp.asarray(1.0))[0]["storage"]

    value, slope = jax.jit(jax.value_and_grad(after))(k)
    wanted, wanted_slope = jax.value_and_grad(lambda k: 2 / k + (10 - 2 / k) * jnp.exp(-k))(k)
    np.testing.assert_allclose(value, wanted, rtol=5e-3)
    np.testing.assert_allclose(slope, wanted_slope, rtol=2e-2)


@pytest.mark.parametrize("solver", [ImplicitEuler(), FixedParts(diffrax.Euler())], ids=["implicit", "euler"])
def test_a_gap_in_the_forcing_stays_a_gap(solver):
    """NaN in, NaN out: a number in its place would be taken for a result."""
    after, fluxes = of_one_reservoir(solver, *map(jnp.asarray, (10.0, jnp.nan, 0.1)))
    assert jnp.isnan(after["storage"])
    assert jnp.isnan(fluxes["runoff"])
    assert fluxes["solver_failure"] == 0
