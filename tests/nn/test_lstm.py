import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.nn import LSTM, linear

TIMES, SITES, INPUTS, HIDDEN, OUTPUTS = 12, 3, 4, 5, 2


@pytest.fixture
def network(key):
    return single(LSTM.create(INPUTS, OUTPUTS, hidden=HIDDEN, key=key, dropout=0.4))


@pytest.fixture
def series():
    return jnp.asarray(np.random.default_rng(1).normal(size=(TIMES, SITES, INPUTS)), jnp.float32)


def single(network):
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32), network)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_the_equations(network, series, input_weight=None, hidden_weight=None):
    """The equations of the module, gate by gate and day by day, in float64 numpy."""
    as_numpy = [np.asarray(leaf, float) for leaf in (network.encoder.weight, network.encoder.bias, network.bias)]
    encoder, encoder_bias, bias = as_numpy
    input_weight = np.asarray(network.input_weight if input_weight is None else input_weight, float)
    hidden_weight = np.asarray(network.hidden_weight if hidden_weight is None else hidden_weight, float)
    h, c, outputs = np.zeros((SITES, HIDDEN)), np.zeros((SITES, HIDDEN)), []
    for x in np.asarray(series, float):
        encoded = np.maximum(x @ encoder.T + encoder_bias, 0)
        gates = encoded @ input_weight.T + h @ hidden_weight.T + bias
        i, f, g, o = (gates[:, n * HIDDEN : (n + 1) * HIDDEN] for n in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h @ np.asarray(network.decoder.weight, float).T + np.asarray(network.decoder.bias, float))
    return np.stack(outputs), h, c


def test_lstm_is_the_equations_in_numpy(network, series):
    """Twelve steps of float32 against float64: each rounds numbers of order one by 6e-8, and gates contract."""
    outputs, (hidden, cell) = network(series, network.initial_carry(SITES))
    for found, expected in zip((outputs, hidden, cell), by_the_equations(network, series), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


def test_lstm_is_the_cell_of_equinox(network, series, key):
    """The same weights in another implementation of the cell, whose gates stand in the same order."""
    cell = single(eqx.nn.LSTMCell(HIDDEN, HIDDEN, key=key))
    weights = (network.input_weight, network.hidden_weight, network.bias)
    cell = eqx.tree_at(lambda c: (c.weight_ih, c.weight_hh, c.bias), cell, weights)
    outputs, _ = network(series, network.initial_carry(SITES))
    for site in range(SITES):
        state = (jnp.zeros(HIDDEN, jnp.float32), jnp.zeros(HIDDEN, jnp.float32))
        for t in range(TIMES):
            state = cell(jax.nn.relu(network.encoder(series[t, site])), state)
            np.testing.assert_allclose(outputs[t, site], network.decoder(state[0]), rtol=0, atol=2e-6)


def test_dropout_is_one_scaled_mask_for_all_steps(network, series, key):
    """The masks are read off the weights; numpy with these weights at *every* step gives the same series.

    A dropped weight is 0 and a kept one is w/(1 − p). Of 200 weights with p = 0.4, fewer than 70 or more than 170 kept
    have a probability below 1e-7.
    """
    dropped = network._weights(key)
    for weight, full in zip(dropped, (network.input_weight, network.hidden_weight), strict=True):
        kept = np.asarray(weight) != 0
        np.testing.assert_allclose(np.asarray(weight)[kept], np.asarray(full)[kept] / 0.6, rtol=1e-6)
    assert 70 < sum(int((np.asarray(weight) != 0).sum()) for weight in dropped) < 170
    outputs, _ = network(series, network.initial_carry(SITES), key)
    np.testing.assert_allclose(outputs, by_the_equations(network, series, *dropped)[0], rtol=0, atol=5e-6)


def test_dropout_needs_a_key(network, series):
    """Without one, the output is that of a network with no dropout, bitwise."""
    still = eqx.tree_at(lambda n: n.bias, network, network.bias)
    still = LSTM(still.encoder, still.input_weight, still.hidden_weight, still.bias, still.decoder, 0.0)
    carry = network.initial_carry(SITES)
    np.testing.assert_array_equal(network(series, carry)[0], still(series, carry)[0])


def test_gradients_are_finite_and_reach_every_weight(network, series, key):
    """No weight may be cut off, and forgetting over a long series may not overflow."""

    def loss(network):
        return jnp.sum(network(jnp.tile(series, (20, 1, 1)), network.initial_carry(SITES), key)[0] ** 2)

    for leaf in jax.tree.leaves(eqx.filter_grad(loss)(network)):
        assert np.isfinite(leaf).all()
        assert (np.asarray(leaf) != 0).any()


def by_another_cell(network, series, carry, key):
    """A scan over the cell of equinox with the layers mapped over sites, left to the compiler to differentiate."""
    weights = (*network._weights(key), network.bias)
    cell = eqx.nn.LSTMCell(HIDDEN, HIDDEN, key=jax.random.key(0))
    cell = eqx.tree_at(lambda c: (c.weight_ih, c.weight_hh, c.bias), cell, weights)

    def step(carry, x):
        encoded = jax.nn.relu(jax.vmap(network.encoder)(x))
        carry = jax.vmap(cell)(encoded, carry)
        return carry, jax.vmap(network.decoder)(carry[0])

    carry, outputs = jax.lax.scan(step, carry, series)
    return outputs, carry


def by_ours(network, series, carry, key):
    return network(series, carry, key)


def problem(key):
    """A network, series and memory, and a weight of every output and of the memory after, in double precision."""
    first, *keys = jax.random.split(key, 7)
    network = LSTM.create(INPUTS, OUTPUTS, hidden=HIDDEN, key=first, dropout=0.4)
    shapes = [(TIMES, SITES, INPUTS), *[(SITES, HIDDEN)] * 2, (TIMES, SITES, OUTPUTS), *[(SITES, HIDDEN)] * 2]
    series, *rest = (jax.random.normal(k, shape) for k, shape in zip(keys, shapes, strict=True))
    return (network, series, tuple(rest[:2])), (rest[2], tuple(rest[3:]))


def gradient(run, key):
    """The gradient in all weights, the series and the memory before, by the weights of outputs and memory after."""

    return lambda arguments, weights: jax.vjp(lambda *x: run(*x, key), *arguments)[1](weights)


def assert_same(found, expected, bound):
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=bound, atol=bound)


@pytest.mark.x64
def test_gradient_is_that_of_a_scan_over_another_cell(key, monkeypatch):
    """In all weights, the series and the memory, from outputs and the memory after, with dropout, however transformed.

    In double precision, where a sum of some hundred terms of order one rounds by 1e-14. Two members are mapped, the
    second with other weights; and the order of the work on an accelerator is tried on this processor.
    """
    arguments, weights = problem(key)
    members = arguments, problem(jax.random.fold_in(key, 1))[0]
    theirs, ours = jax.jit(gradient(by_another_cell, key)), gradient(by_ours, key)
    expected = [theirs(member, weights) for member in members]
    assert_same(jax.jit(ours)(arguments, weights), expected[0], 1e-10)
    assert_same(ours(arguments, weights), expected[0], 1e-10)
    assert_same(jax.jit(gradient(jax.checkpoint(by_ours), key))(arguments, weights), expected[0], 1e-10)
    both = jax.jit(jax.vmap(ours, in_axes=(0, None)))(jax.tree.map(lambda *x: jnp.stack(x), *members), weights)
    for place, member in enumerate(expected):
        assert_same(jax.tree.map(lambda leaf, place=place: leaf[place], both), member, 1e-10)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert_same(jax.jit(ours)(arguments, weights), expected[0], 1e-10)


@pytest.mark.x64
def test_forward_mode_is_the_transpose_of_the_gradient(key):
    """w·(J v) = (Jᵀ w)·v for a direction v of all weights, the series and the memory before."""
    arguments, weights = problem(key)
    along, _ = problem(jax.random.fold_in(key, 1))
    push = jax.jit(lambda at, along: jax.jvp(lambda *x: by_ours(*x, key), at, along))
    outputs, pushed = push(arguments, along)
    assert_same(outputs, by_another_cell(*arguments, key), 1e-10)
    slope = jax.jit(gradient(by_ours, key))(arguments, weights)
    np.testing.assert_allclose(dot(weights, pushed), dot(slope, along), rtol=1e-10)


def dot(left, right):
    return sum(float(jnp.sum(a * b)) for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True))


def rounded(x):
    """To 8 significant bits, half to even, by the bits of float32: those of bfloat16 are its upper half."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16).astype(np.uint32).view(np.float32).astype(float)


def test_a_bfloat16_product_and_its_gradient_round_their_operands(key):
    """Operands rounded by hand, multiplied in double precision: what is left is float32's rounding of sums of 40 terms.

    Without rounding, products are 1e-3 off, which the last line makes sure of.
    """
    layer = single(eqx.nn.Linear(40, 7, key=key))
    x, slope = (jax.random.normal(key, (9, n), jnp.float32) for n in (40, 7))
    outputs, pull = eqx.filter_vjp(lambda layer, x: linear(layer, x, "bfloat16"), layer, x)
    of_layer, of_x = pull(slope)
    weight = rounded(layer.weight)
    np.testing.assert_allclose(outputs, rounded(x) @ weight.T + np.asarray(layer.bias), rtol=0, atol=2e-5)
    np.testing.assert_allclose(of_layer.weight, rounded(slope).T @ rounded(x), rtol=0, atol=2e-5)
    np.testing.assert_allclose(of_x, rounded(slope) @ weight, rtol=0, atol=2e-5)
    assert np.abs(outputs - linear(layer, x)).max() > 1e-4


def test_bfloat16_keeps_memory_and_gradient_in_float32(network, series, key):
    """Each product is off by 2⁻⁹ of its terms' root sum of squares at most, about 2e-3 here, and gates contract: 2e-2
    leaves room for the twelve steps. Equal outputs would mean that the option does nothing.
    """
    rough = LSTM.create(INPUTS, OUTPUTS, hidden=HIDDEN, key=key, dropout=0.4, precision="bfloat16")
    rough = eqx.tree_at(jax.tree.leaves, rough, jax.tree.leaves(network))
    outputs, carry = rough(series, rough.initial_carry(SITES))
    assert {leaf.dtype for leaf in (outputs, *carry)} == {jnp.dtype("float32")}
    apart = np.abs(outputs - network(series, network.initial_carry(SITES))[0]).max()
    assert 1e-5 < apart < 2e-2
    slopes = eqx.filter_grad(lambda n: jnp.sum(n(series, n.initial_carry(SITES), key)[0] ** 2))(rough)
    assert {leaf.dtype for leaf in jax.tree.leaves(slopes)} == {jnp.dtype("float32")}
