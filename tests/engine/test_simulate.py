"""The time loop: what it must leave unchanged, and what it says to a wrong name."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.engine import Parameters, Scan, initial_state, simulate
from dgeo.errors import DgeoError
from dgeo.models import Budget, Model, Parameter, Variable, hbv
from dgeo.numerics import Bounds
from tests.models import weather

march = eqx.filter_jit(simulate)


class Bucket(Model):
    """dS/dt = P − K·S, stepped explicitly; K is the model's own `scale` times a site's coefficient."""

    scale: jax.Array

    forcings = property(lambda self: {"rain": Variable("mm d-1", "rain")})
    states = property(lambda self: {"water": Variable("mm", "water")})
    fluxes = property(lambda self: {"rain": Variable("mm d-1", "rain"), "flow": Variable("mm d-1", "outflow")})
    all_parameters = property(lambda self: {"coefficient": Parameter("d-1", "K", Bounds(0.0, 1.0), 0.1)})
    budget = property(lambda self: Budget({"rain": (None, "water"), "flow": ("water", None)}))

    def initial_state(self):
        return {"water": jnp.asarray(0.0)}

    def step(self, state, forcing, parameters, dt):
        flow = self.scale * parameters["coefficient"] * state["water"]
        water = state["water"] + (forcing["rain"] - flow) * dt
        return {"water": water}, {"rain": forcing["rain"], "flow": flow}


@pytest.fixture
def random(key):
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


@pytest.fixture
def bucket():
    return Bucket(jnp.asarray(1.0, jnp.float32))


def f32(values):
    return {name: jnp.asarray(x, jnp.float32) for name, x in values.items()}


def rain(random, days=30, sites=3):
    return f32({"rain": random.exponential(5, (days, sites))})


def hbv_case(random, days=90, sites=4):
    model = hbv("1.1p")
    static = f32(weather.parameters(model, (sites, 2), random))
    beta = model.parameters["beta"].bounds.from_fraction(jnp.asarray(random.random((days, sites, 2)), jnp.float32))
    static.pop("beta")
    forcing = f32(weather.extreme((days, sites), random))
    return model, forcing, Parameters(static, {"beta": beta}, components=True)


def days(values, cut):
    return {name: x[cut] for name, x in values.items()}


def test_restart_is_bitwise(random):
    """HBV with static and dynamic parameters and components, compiled in float32, cut on two days that nobody chose:
    the same bits, for the steps are the same program on the same numbers."""
    model, forcing, parameters = hbv_case(random)
    whole, end = march(model, forcing, parameters, outputs=("runoff", "soil_moisture"))
    for cut in random.integers(1, 89, 2):
        parts, state = [], None
        for piece in (slice(0, cut), slice(cut, None)):
            moving = Parameters(parameters.static, days(parameters.dynamic, piece), components=True)
            outputs, state = march(model, days(forcing, piece), moving, state, outputs=("runoff", "soil_moisture"))
            parts.append(outputs)
        for name, series in whole.items():
            np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), series)
        for name, storage in end.items():
            np.testing.assert_array_equal(state[name], storage)


def test_a_constant_series_is_a_static_parameter(random):
    """Bitwise: the step cannot see where a number came from."""
    model, forcing, parameters = hbv_case(random, days=40)
    wide = {name: jnp.broadcast_to(x, (40, *x.shape)) for name, x in parameters.static.items()}
    moving = Parameters({}, wide | parameters.dynamic, components=True)
    (some, _), (all_moving, _) = march(model, forcing, parameters), march(model, forcing, moving)
    for name, series in some.items():
        np.testing.assert_array_equal(all_moving[name], series)


def test_the_loop_is_the_steps_one_by_one(random, bucket):
    """Three loops of Python over days, sites and components, in float64; float32 rounds 30 days at 6e-8 each."""
    forcing = rain(random)
    k = random.uniform(0.05, 0.6, (3, 2))
    expected = np.zeros((30, 3, 2))
    for site, component in np.ndindex(3, 2):
        water = 0.0
        for day in range(30):
            expected[day, site, component] = k[site, component] * water
            water += float(forcing["rain"][day, site]) - expected[day, site, component]
    outputs, _ = march(bucket, forcing, Parameters(f32({"coefficient": k}), {}, components=True))
    np.testing.assert_allclose(outputs["flow"], expected, rtol=1e-5)


def test_sites_are_alone(random):
    """What HBV does at all sites at once is what it does at each by itself, to float32 rounding: a vectorised
    exponential may differ by a unit in the last place from the scalar one, here on up to 100 mm."""
    model, forcing, parameters = hbv_case(random, days=30)
    together, _ = march(model, forcing, parameters)
    only = eqx.filter_jit(lambda i: simulate(model, {k: x[:, [i]] for k, x in forcing.items()}, at(parameters, i))[0])
    for site in range(4):
        for name, series in only(jnp.asarray(site)).items():
            np.testing.assert_allclose(series[:, 0], together[name][:, site], rtol=1e-5, atol=1e-4, err_msg=name)


def at(parameters, site):
    static = {name: x[site][None] for name, x in parameters.static.items()}
    dynamic = {name: x[:, site][:, None] for name, x in parameters.dynamic.items()}
    return Parameters(static, dynamic, parameters.components)


def plain(step, shared, static, state, series):
    """The loop without checkpoints."""
    return jax.lax.scan(lambda state, now: step(shared, static, state, now), state, series)


def python(step, shared, static, state, series):
    """The loop in Python."""
    outputs = []
    for t in range(len(jax.tree.leaves(series)[0])):
        state, out = step(shared, static, state, jax.tree.map(lambda x, t=t: x[t], series))
        outputs.append(out)
    return state, jax.tree.map(lambda *x: jnp.stack(x), *outputs)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit], ids=["eager", "jit"])
@pytest.mark.parametrize("loop", [Scan(), plain, python], ids=["scan", "plain", "python"])
def test_gradient_is_the_same_however_time_is_marched(random, bucket, wrap, loop):
    """Flow after n days is linear in the rain r days before: ∂q_n/∂P_m = K(1 − K)^(n−1−m), and the model's own
    scale gets the derivative of the site's coefficient summed over sites, Σ K·∂/∂K. Rounding: 30 float32 steps."""
    forcing, k = rain(random), jnp.asarray([0.1, 0.3, 0.5], jnp.float32)

    def last_flow(model, forcing, k):
        return jnp.sum(simulate(model, forcing, Parameters({"coefficient": k}, {}), engine=loop)[0]["flow"][-1])

    gradient = wrap(jax.grad(last_flow, argnums=(0, 1, 2)))(bucket, forcing, k)
    response = np.asarray(k) * (1 - np.asarray(k)) ** (28 - np.arange(29)[:, None])
    np.testing.assert_allclose(gradient[1]["rain"][:-1], response, rtol=1e-5)
    assert (gradient[1]["rain"][-1] == 0).all()
    np.testing.assert_allclose(gradient[0].scale, np.sum(k * gradient[2]), rtol=1e-5)


@pytest.mark.x64
def test_steps_converge_to_the_exact_recession():
    """S = S0·e^(−K·t): explicit steps err by K²·t·dt/2 at first order, so half the step halves the error."""
    bucket, days, k = Bucket(jnp.asarray(1.0)), 8, 0.2
    errors = []
    for steps_a_day in (8, 16, 32):
        dry = {"rain": jnp.zeros((days * steps_a_day, 1))}
        start, parameters = {"water": jnp.asarray([100.0])}, Parameters({"coefficient": jnp.asarray([k])}, {})
        _, end = simulate(bucket, dry, parameters, start, dt=1 / steps_a_day)
        errors.append(float(end["water"][0]) - 100 * np.exp(-k * days))
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 2, rtol=0.03)


@pytest.mark.x64
def test_hourly_hbv_converges(random):
    """Daily weather cut into 6, 3 and 1.5 h, 1 h as reference: the differences shrink at first order.

    With errors C·h against the limit, differences to the step of 0.75 h are in proportion h − 0.75: 5.25 : 2.25 :
    0.75. Stores that empty within a step bend this a little; a quarter of leeway separates it from orders 0 and 2
    (1 : 1 : 1 and 35.4 : 8.4 : 1.7).
    """
    model = hbv("1.1p")
    daily = {"precipitation": random.exponential(8, (12, 1)), "temperature": random.normal(4, 3, (12, 1))}
    daily["potential_evapotranspiration"] = np.full((12, 1), 2.0)
    static = {name: jnp.asarray([parameter.default]) for name, parameter in model.parameters.items()}
    start = dict(zip(model.states, jnp.asarray([[40.0], [2.0], [150.0], [30.0], [40.0]]), strict=True))

    @partial(jax.jit, static_argnums=0)
    def end(steps_a_day):
        forcing = {name: jnp.asarray(np.repeat(x, steps_a_day, axis=0)) for name, x in daily.items()}
        _, state = simulate(model, forcing, Parameters(static, {}), start, dt=1 / steps_a_day, outputs=())
        return jnp.concatenate([state["soil_moisture"], state["upper_zone"], state["lower_zone"]])

    finest = end(32)
    distance = np.array([np.abs(end(n) - finest).sum() for n in (4, 8, 16)])
    np.testing.assert_allclose(distance / distance[-1], [7, 3, 1], rtol=0.25)


def test_outputs_asked_for_are_those_of_all(random):
    """Fluxes and states by name, in any order; a state is that after the step."""
    model, forcing, parameters = hbv_case(random, days=40)
    every, end = march(model, forcing, parameters)
    some, _ = march(model, forcing, parameters, outputs=("upper_zone", "runoff"))
    assert set(every) == set(model.fluxes)
    assert set(some) == {"upper_zone", "runoff"}
    np.testing.assert_allclose(some["runoff"], every["runoff"], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(some["upper_zone"][-1], end["upper_zone"])


def test_precision_follows_the_parameters(bucket):
    state = initial_state(bucket, (3, 2), jnp.float32)
    assert state["water"].shape == (3, 2)
    for dtype in {jnp.float32, jnp.zeros(()).dtype.type}:
        exact = Bucket(jnp.asarray(1.0, dtype))
        parameters = Parameters({"coefficient": jnp.full(1, 0.1, dtype)}, {})
        outputs, end = simulate(exact, {"rain": jnp.ones((2, 1), dtype)}, parameters)
        assert outputs["flow"].dtype == end["water"].dtype == dtype


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"forcing": {"rains": 0}}, r"Bucket has no forcing 'rain'.*did you mean rains\?"),
        ({"static": {"coefficent": 0}}, r"Bucket has no parameter 'coefficient'.*did you mean coefficent\?"),
        ({"outputs": ("flw",)}, r"Bucket has no output 'flw'.*did you mean flow\?"),
        ({"outputs": ("zzz",)}, r"the known names are flow, rain, water\."),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(bucket, change, sentence):
    forcing = {name: jnp.ones((2, 1), jnp.float32) for name in change.get("forcing", {"rain": 0})}
    static = {name: jnp.ones(1, jnp.float32) for name in change.get("static", {"coefficient": 0})}
    with pytest.raises(DgeoError, match=sentence):
        simulate(bucket, forcing, Parameters(static, {}), outputs=change.get("outputs"))
