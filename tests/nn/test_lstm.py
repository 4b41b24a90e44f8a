import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.nn import LSTM

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
