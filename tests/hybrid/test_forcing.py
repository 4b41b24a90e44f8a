"""Fusion and correction of forcings: identities at the start, invariances, and an optimum that is known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from pydantic import ValidationError

from dgeo.errors import DgeoError
from dgeo.hybrid import Inputs
from dgeo.hybrid.forcing_recipe import ForcingRecipe, build_forcing, made, names
from dgeo.numerics import trainable
from tests.hybrid.cases import cut

DAYS, SITES = 40, 5
PRODUCTS = ("precipitation_a", "precipitation_b", "precipitation_c")
STATISTICS = {"aridity": (1.0, 0.5), "elevation": (800.0, 500.0), "temperature": (6.0, 9.0)}
RECIPE = {
    "fuse": {"precipitation": PRODUCTS},
    "correct": {
        "precipitation": {"kind": "multiplicative", "low": 0.5, "high": 2.0},
        "temperature": {"kind": "additive", "low": -3.0, "high": 3.0},
    },
    "attributes": ("aridity", "elevation"),
    "width": 6,
}
KINDS = {"static": (), "dynamic": ("temperature",)}


def fresh(key, kind="static", **changes):
    """A correction as it is before training."""
    recipe = ForcingRecipe.model_validate({**RECIPE, "forcings": KINDS[kind], **changes})
    return build_forcing(recipe, STATISTICS, key)


def shaken(model, key):
    """Any other weights: the tests below must hold wherever training leads."""
    leaves, structure = jax.tree.flatten(eqx.filter(model, trainable(model)))
    keys = jax.random.split(key, len(leaves))
    moved = [leaf + jax.random.normal(k, leaf.shape, leaf.dtype) for leaf, k in zip(leaves, keys, strict=True)]
    return eqx.combine(jax.tree.unflatten(structure, moved), model)


def weather(seed=1, days=DAYS, sites=SITES):
    """Three products that see the same dry days, and temperature."""
    random = np.random.default_rng(seed)
    rain = random.exponential(6.0, (days, sites)) * (random.random((days, sites)) < 0.4)
    forcing = {name: rain * random.lognormal(0, 0.5, rain.shape) for name in PRODUCTS}
    forcing["temperature"] = random.normal(6, 9, rain.shape)
    attributes = {"aridity": random.uniform(0.3, 2, sites), "elevation": random.uniform(10, 2000, sites)}
    single = {name: jnp.asarray(value, jnp.float32) for name, value in {**forcing, **attributes}.items()}
    return Inputs({name: single[name] for name in forcing}, {name: single[name] for name in attributes})


@eqx.filter_jit
def corrected(model, inputs):
    """The forcings as the model behind would see them; compiled once for each shape."""
    return model(inputs.forcing, inputs.attributes)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_network_takes_the_mean_and_corrects_nothing(kind, key):
    """Zero last layers: w = 1/3 exactly to rounding, f = 1, d = 0; the rest of the forcings stays bitwise.

    Tolerance: a few roundings of float32, of the values (up to 100 mm d-1).
    """
    inputs = weather()
    found = corrected(fresh(key, kind), inputs)
    mean = sum(np.asarray(inputs.forcing[name], np.float64) for name in PRODUCTS) / 3
    np.testing.assert_allclose(found["precipitation"], mean, rtol=1e-6)
    np.testing.assert_allclose(found["temperature"], inputs.forcing["temperature"], rtol=1e-6, atol=1e-6)
    for name in PRODUCTS:
        np.testing.assert_array_equal(found[name], inputs.forcing[name])


@pytest.mark.parametrize("kind", KINDS)
def test_bounds_hold_by_construction(kind, key):
    """Σ w = 1, w ≥ 0, fused rain between the products, its correction and temperature's within their bounds."""
    model, inputs = shaken(fresh(key, kind), key), weather()
    weights, factors = model.weights(inputs)["precipitation"], model.factors(inputs)
    assert weights.shape == (DAYS if kind == "dynamic" else 1, SITES, 3)
    assert factors["precipitation"].shape == weights.shape[:2]
    np.testing.assert_allclose(weights.sum(-1), 1.0, rtol=1e-6)
    assert (weights >= 0).all()
    assert weights.std() > 0
    products = np.stack([inputs.forcing[name] for name in PRODUCTS])
    found = corrected(model, inputs)
    fused = np.asarray(found["precipitation"]) / np.asarray(factors["precipitation"])
    assert (fused >= products.min(0) * (1 - 1e-5)).all()
    assert (fused <= products.max(0) * (1 + 1e-5)).all()
    assert (factors["precipitation"] >= 0.5).all()
    assert (factors["precipitation"] <= 2).all()
    assert (jnp.abs(found["temperature"] - inputs.forcing["temperature"]) <= 3 + 1e-5).all()


@pytest.mark.parametrize("kind", KINDS)
def test_dry_days_stay_dry(kind, key):
    """No product has rain: neither has the fused and corrected one, exactly."""
    inputs = weather()
    dry = np.all([inputs.forcing[name] == 0 for name in PRODUCTS], axis=0)
    found = np.asarray(corrected(shaken(fresh(key, kind), key), inputs)["precipitation"])
    assert dry.any()
    assert (found[dry] == 0).all()
    assert (found[~dry] > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_mean_of_equals_is_each_of_them(kind, key):
    """Σ w_i P = P for any weights, to the rounding of Σ w_i; without corrections, to see fusion alone."""
    inputs = weather()
    same = {name: inputs.forcing[PRODUCTS[0]] for name in PRODUCTS}
    inputs = Inputs(inputs.forcing | same, inputs.attributes)
    found = corrected(shaken(fresh(key, kind, correct={}), key), inputs)["precipitation"]
    np.testing.assert_allclose(found, same[PRODUCTS[0]], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_day_by_day_is_the_batch(kind, key):
    """Nothing is remembered and nothing foreseen. Tolerance: products of matrices round by their shapes."""
    model, inputs = shaken(fresh(key, kind), key), weather()
    whole = corrected(model, inputs)
    days = [corrected(model, cut(inputs, day, day + 1)) for day in range(DAYS)]
    for name, series in whole.items():
        streamed = np.concatenate([day[name] for day in days])
        np.testing.assert_allclose(streamed, series, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_sites_do_not_talk_to_each_other(kind, key):
    """The sites in another order give the outputs in that order."""
    model, inputs = shaken(fresh(key, kind), key), weather()
    order = jax.random.permutation(key, SITES)
    moved = Inputs(
        {name: series[:, order] for name, series in inputs.forcing.items()},
        {name: value[order] for name, value in inputs.attributes.items()},
    )
    found, whole = corrected(model, moved), corrected(model, inputs)
    for name, series in whole.items():
        np.testing.assert_allclose(found[name], series[:, order], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_finite_and_live(kind, key):
    """Also where all days are dry: there the weights cannot matter, and their gradient is 0 and no NaN."""
    model, wet = shaken(fresh(key, kind), key), weather()

    @eqx.filter_jit
    @eqx.filter_grad
    def slope(model, inputs):
        return jnp.sum(model(inputs.forcing, inputs.attributes)["precipitation"] ** 2)

    no_rain = {name: jnp.zeros((DAYS, SITES), jnp.float32) for name in PRODUCTS}
    for inputs in (wet, Inputs(wet.forcing | no_rain, wet.attributes)):
        fusions = slope(model, inputs).fusions
        leaves = jax.tree.leaves(eqx.filter(fusions, trainable(fusions)))
        assert all(np.isfinite(leaf).all() for leaf in leaves)
        assert (sum(float(jnp.abs(leaf).sum()) for leaf in leaves) > 0) == (inputs is wet)


def test_descent_reaches_the_weights_of_inverse_variance(key):
    """Two unbiased products, independent errors of known size: w = (1/σ_a²)/(1/σ_a² + 1/σ_b²), for each site its own.

    σ_a = 1 everywhere; σ_b = 0.5, 1 and 2 at three elevations: w_a = 0.2, 0.5 and 0.8. The optimum of a sample of n
    days has a standard deviation below 1/√n (here 0.02), so 0.06 is three of them; the sample's own optimum, from its
    second moments, is met to 0.02 (what is left is the descent).
    """
    days, sites = 2500, 3
    noise = np.random.default_rng(7).normal(size=(3, days, sites))
    truth, sigma = 5 * noise[0], np.array([0.5, 1.0, 2.0])
    a, b = truth + noise[1], truth + sigma * noise[2]
    forcing = {"x_a": jnp.asarray(a, jnp.float32), "x_b": jnp.asarray(b, jnp.float32)}
    inputs = Inputs(forcing, {"elevation": jnp.asarray([300, 800, 1300], jnp.float32)})
    recipe = ForcingRecipe(fuse={"x": ("x_a", "x_b")}, attributes=("elevation",), width=8)
    weights = descended(build_forcing(recipe, STATISTICS, key), inputs, jnp.asarray(truth, jnp.float32))
    expected = sigma**2 / (1 + sigma**2)
    np.testing.assert_allclose(weights[:, 0], expected, atol=0.06)
    e, f = a - truth, b - truth
    sample = ((f - e) * f).mean(0) / ((f - e) ** 2).mean(0)
    np.testing.assert_allclose(weights[:, 0], sample, atol=0.02)


def descended(model, inputs, truth, steps=400):
    """The weights [site, product] after Adam on the squared error of the fused variable."""
    optimiser = optax.adam(3e-2)
    weights, frozen = eqx.partition(model, trainable(model))

    @jax.grad
    def slope(weights):
        found = eqx.combine(weights, frozen)(inputs.forcing, inputs.attributes)["x"]
        return jnp.mean((found - truth) ** 2)

    @jax.jit
    def descend(weights):
        def step(now, _):
            with jax.numpy_dtype_promotion("standard"):
                updates, state = optimiser.update(slope(now[0]), now[1])
            return (optax.apply_updates(now[0], updates), state), None

        return jax.lax.scan(step, (weights, optimiser.init(weights)), None, length=steps)[0][0]

    return np.asarray(eqx.combine(descend(weights), frozen).weights(inputs)["x"][0])


def test_the_recipe_says_what_the_data_must_have():
    """Products, what is corrected without being fused, and what the networks read; not what fusion makes."""
    recipe = ForcingRecipe.model_validate({**RECIPE, "forcings": ("temperature", "vapour_pressure")})
    assert names(recipe) == (*PRODUCTS, "temperature", "vapour_pressure")
    assert made(recipe) == ("precipitation",)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"fuse": {}, "correct": {}}, "nothing is fused or corrected"),
        ({"fuse": {"precipitation": ("precipitation_a",) * 2}}, "at least one product, each once"),
        ({"correct": {"temperature": {"kind": "additive", "low": 1.0, "high": 3.0}}}, "low < 0 < high"),
        ({"correct": {"temperature": {"kind": "multiplicative", "low": 0.0, "high": 3.0}}}, "0 < low < 1 < high"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(changes, sentence):
    """One sentence each."""
    with pytest.raises(ValidationError, match=sentence):
        ForcingRecipe.model_validate({**RECIPE, **changes})


def test_one_product_alone_stands_for_the_variable(key):
    """A softmax of one number is 1: the product itself, bitwise."""
    inputs = weather()
    model = shaken(fresh(key, fuse={"precipitation": PRODUCTS[:1]}, correct={}), key)
    np.testing.assert_array_equal(corrected(model, inputs)["precipitation"], inputs.forcing[PRODUCTS[0]])


def test_a_missing_product_is_named(key):
    """Where it is missed, and what is near."""
    inputs = weather()
    without = {name: series for name, series in inputs.forcing.items() if name != "precipitation_b"}
    with pytest.raises(DgeoError, match="lack 'precipitation_b', which the forcing section fuses; did you mean"):
        fresh(key)(without, inputs.attributes)
    with pytest.raises(DgeoError, match="lack 'temperature', which the forcing section corrects"):
        fresh(key)({name: inputs.forcing[name] for name in PRODUCTS}, inputs.attributes)
    with pytest.raises(DgeoError, match="No statistics are known for 'elevatio'"):
        fresh(key, attributes=("elevatio",))
