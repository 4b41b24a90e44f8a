"""The partially monotone network: the sign of its derivative, what it can fit, and that both ways to write it agree."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, strategies as st

from dgeo.nn import PartiallyMonotone

SIGNS = (1, 0, -1)


def network(key, signs=SIGNS, **options):
    return PartiallyMonotone.create(signs, width=8, depth=2, key=key, **options)


@pytest.fixture(scope="module")
def anything():
    """The shape of a network, to be filled with numbers."""
    return network(jax.random.key(0))


@eqx.filter_jit
def slopes(net, x):
    return jax.grad(lambda x: net(x))(x)


@given(
    x=st.lists(st.floats(-50, 50, width=32), min_size=3, max_size=3),
    size=st.floats(0.01, 100),
    seed=st.integers(0, 2**31 - 1),
)
def test_derivative_has_its_sign_everywhere(anything, x, size, seed):
    """∂z/∂x₁ ≥ 0 and ∂z/∂x₃ ≤ 0 for weights of any sign and size, at any place: sums of products of numbers ≥ 0."""
    random = np.random.default_rng(seed)
    drawn = jax.tree.map(lambda leaf: jnp.asarray(size * random.normal(size=leaf.shape), leaf.dtype), anything)
    rising, free, falling = slopes(drawn, jnp.asarray(x))
    assert rising >= 0 >= falling
    assert np.isfinite(free)


def test_free_input_bends_both_ways(key):
    """What the constraint does not bind is free: over 64 random networks the free slope has both signs."""
    found = jax.jit(jax.vmap(lambda k: slopes(network(k), jnp.ones(3))))(jax.random.split(key, 64))
    assert np.min(found[:, 1]) < 0 < np.max(found[:, 1])
    assert np.mean(found[:, 0] > 1e-3) > 0.9  # and the bound ones are alive


@pytest.mark.parametrize(
    "wanted",
    [lambda x: jnp.tanh(10 * (x - 1)), lambda x: jnp.sqrt(x), lambda x: jnp.minimum(x**3, 1.0)],
    ids=["step", "concave", "convex then flat"],
)
def test_fits_monotone_functions_of_any_curvature(wanted, key):
    """Within 3 % of the range (root mean square), where the best straight line misses by 10 % or more of the step's.

    The bound is that of the training (600 steps), not of the network.
    """
    x = jnp.linspace(0.0, 2.0, 101)
    net, y = network(key, (1,)), wanted(x)

    def error(net):
        return jnp.sqrt(jnp.mean((jax.vmap(lambda x: net((x,)))(x) - y) ** 2))

    optimiser = optax.adam(optax.cosine_decay_schedule(0.03, 600, 0.01))

    def advance(carry, _):
        net, memory = carry
        slopes = jax.grad(lambda net: error(net) ** 2)(net)
        with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by integers
            updates, memory = optimiser.update(slopes, memory)
        return (optax.apply_updates(net, updates), memory), None

    net, _ = jax.jit(lambda net: jax.lax.scan(advance, (net, optimiser.init(net)), None, length=600)[0])(net)
    assert error(net) <= 0.03 * (y.max() - y.min())


def test_without_a_hidden_layer_it_is_refused(key):
    with pytest.raises(ValueError, match="no hidden layer"):
        PartiallyMonotone.create((0,), width=8, depth=0, key=key)
