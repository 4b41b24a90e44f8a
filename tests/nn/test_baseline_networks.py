"""LSTM, EA-LSTM and MC-LSTM against other implementations, and the mass that the last one keeps."""

import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo import check
from dgeo.nn import EALSTM, MCLSTM, PlainLSTM

REFERENCES = json.loads((Path(__file__).parent / "network_references.json").read_text(encoding="utf-8"))
HIDDEN, CUT = 4, 5


def given_by(name):
    return {key: jnp.asarray(value) for key, value in REFERENCES[name].items()}


SERIES, SITE, MASS = (jnp.asarray(REFERENCES[name]) for name in ("series", "site", "mass"))
SIZES = (SERIES.shape[-1], SITE.shape[-1])


def with_weights(network, **weights):
    names = tuple(weights)
    return eqx.tree_at(lambda n: [getattr(n, name) for name in names], network, [weights[name] for name in names])


def in_two_pieces(network, *series):
    """A run that stops and continues from its carry."""
    first, carry = network(*(x[:CUT] for x in series), SITE, network.initial_carry(len(SITE)))
    second, carry = network(*(x[CUT:] for x in series), SITE, carry)
    return np.concatenate([first, second]), carry


@pytest.mark.x64
def test_lstm_is_that_of_torch(key):
    """torch has two biases, which add up. Both compute in double precision, a dozen steps of terms of order one."""
    reference = given_by("lstm")
    network = with_weights(
        PlainLSTM.create(*SIZES, hidden=HIDDEN, key=key),
        input_weight=reference["weight_ih_l0"],
        hidden_weight=reference["weight_hh_l0"],
        bias=reference["bias_ih_l0"] + reference["bias_hh_l0"],
    )
    hidden, (_, cell) = in_two_pieces(network, SERIES)
    np.testing.assert_allclose(hidden, reference["hidden"], atol=1e-12)
    np.testing.assert_allclose(cell, reference["cell"], atol=1e-12)


def thirds(weight):
    """Gates f, o, g of neuralhydrology as f, g, o of ours."""
    f, o, g = jnp.split(weight, 3)
    return jnp.concatenate([f, g, o])


@pytest.mark.x64
def test_ea_lstm_is_that_of_neuralhydrology(key):
    """The same numbers in another order; see above for the tolerance."""
    reference = given_by("ea_lstm")
    network = EALSTM.create(*SIZES, hidden=HIDDEN, key=key)
    network = with_weights(
        network,
        input_gate=with_weights(
            network.input_gate, weight=reference["input_gate.weight"], bias=reference["input_gate.bias"]
        ),
        input_weight=thirds(reference["dynamic_gates.weight_ih"].T),
        hidden_weight=thirds(reference["dynamic_gates.weight_hh"].T),
        bias=thirds(reference["dynamic_gates.bias"]),
    )
    hidden, _ = in_two_pieces(network, SERIES)
    np.testing.assert_allclose(hidden, reference["hidden"], atol=1e-12)
    output = hidden @ np.asarray(reference["head.net.0.weight"][0]) + float(reference["head.net.0.bias"][0])
    np.testing.assert_allclose(output, reference["output"], atol=1e-12)


@pytest.mark.x64
def test_mc_lstm_is_that_of_neuralhydrology(key):
    """There the gates read the mass itself, which is given to ours as one more input.

    What ours adds on the diagonal, 10⁻⁶ beside row sums of order 1, moves some 10⁻⁶ of the mass in a step.
    """
    reference = given_by("mc_lstm")
    gates = [f"mclstm.{gate}.fc" for gate in ("output_gate", "input_gate", "redistribution")]
    weight, bias = (jnp.concatenate([reference[f"{gate}.{part}"] for gate in gates]) for part in ("weight", "bias"))
    network = MCLSTM.create(SIZES[0] + 1, SIZES[1], cells=HIDDEN, key=key)
    network = with_weights(network, weight=weight, bias=bias)
    leaving, cells = in_two_pieces(network, MASS, jnp.concatenate([MASS[..., None], SERIES], axis=-1))
    np.testing.assert_allclose(leaving, reference["leaving"], atol=1e-5 * MASS.sum(0).max())
    np.testing.assert_allclose(cells, reference["cells"], atol=1e-5 * MASS.sum(0).max())


@pytest.mark.parametrize("kind", [PlainLSTM, EALSTM])
def test_the_memory_is_long_at_first(kind, key):
    """With a bias of 3 the forget gate is σ(3) = 0.95 before it sees anything, give or take the other initial bias."""
    network = kind.create(*SIZES, hidden=HIDDEN, key=key, forget_bias=3.0)
    forget = slice(HIDDEN, 2 * HIDDEN) if kind is PlainLSTM else slice(0, HIDDEN)
    others = np.delete(np.asarray(network.bias), np.arange(forget.start, forget.stop))
    assert np.abs(np.asarray(network.bias)[forget] - 3).max() <= HIDDEN**-0.5
    assert np.abs(others).max() <= HIDDEN**-0.5


@eqx.filter_jit
def run_cells(network, mass, series):
    return network(mass, series, SITE.astype(jnp.float32), network.initial_carry(len(SITE)))


@pytest.mark.parametrize("gates", ["rectified", "softmax"])
def test_mc_lstm_keeps_every_drop(gates, key):
    """Σ what left + Σ what is held = Σ what came, to 10⁻⁶, in single precision, whatever weights and inputs.

    Rows of R and the input gate sum to 1 within a rounding or two, 10⁻⁷, of numbers that are rounded independently from
    step to step. With large weights rows of R are all zeros and gates saturate.
    """
    network = MCLSTM.create(*SIZES, cells=HIDDEN, key=key, gates=gates)

    @given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-4, 3), st.integers(0, 2**31))
    def holds(weights, inputs, amount, seed):
        random = np.random.default_rng(seed)
        scaled = jax.tree.map(lambda leaf: leaf.astype(jnp.float32) * 10**weights, network)
        series = jnp.asarray(random.normal(size=SERIES.shape) * 10**inputs, jnp.float32)
        mass = jnp.asarray(random.exponential(size=MASS.shape) * 10**amount, jnp.float32)
        leaving, cells = run_cells(scaled, mass, series)
        out = np.asarray(leaving, float).sum((0, 2)) + np.asarray(cells, float).sum(1)
        np.testing.assert_allclose(out, np.asarray(mass, float).sum(0), rtol=1e-6)
        assert (np.asarray(leaving) >= 0).all()
        assert (np.asarray(cells) >= 0).all()

    holds()


@pytest.mark.parametrize("kind", [PlainLSTM, EALSTM, MCLSTM])
def test_gradients_of_the_cells(kind, key):
    """In every weight, the series, the attributes and the memory, by all checks of the kit at one random point."""
    size = {"cells": HIDDEN} if kind is MCLSTM else {"hidden": HIDDEN}
    network = kind.create(*SIZES, **size, key=key)
    weights, rest = eqx.partition(network, eqx.is_inexact_array)
    entering = {"mass": MASS[:4] + 0.5} if kind is MCLSTM else {}
    carry = jax.tree.map(lambda leaf: leaf + 0.5, network.initial_carry(len(SITE)))

    def run(weights, series, site, carry, mass=None):
        before = () if mass is None else (mass,)
        return eqx.combine(weights, rest)(*before, series, site, carry)

    inputs = {"weights": weights, "series": SERIES[:4], "site": SITE, "carry": carry, **entering}
    check.gradients(run, inputs, key=key, points=1, transformations=()).require()
