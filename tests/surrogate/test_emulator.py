"""An emulator that has learned a black box: its skill, its slope, its limits, its file."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.models import Budget
from dgeo.numerics import trainable, write_tree
from dgeo.surrogate import emulator_outputs, load_emulator, sample_runs, save_emulator
from tests.surrogate.cases import black_box, emulated, reservoir, weather

SITES = 6


def runoff(model, recession, rain):
    """The emulator's runoff [time, site]."""
    outputs, _ = simulate(model, {"precipitation": rain}, Parameters({"recession": recession}, {}))
    return outputs["runoff"]


def test_the_emulator_learns_a_reservoir():
    """A linear store of one parameter is easy: 0.95 on runs with parameters and weather of their own. Of a network that
    learned nothing about the parameter the skill would be that of the mean recession, and lower."""
    assert np.median(emulated().skill["runoff"]) > 0.95


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def test_the_slope_of_the_emulator_is_that_of_the_black_box():
    """A difference of the black box over most of its bounds, against the emulator's gradient averaged over them.

    The average of the gradient dy/dk over an interval, by Gauss-Legendre quadrature, times its length is the difference
    of the emulator's own ends (fundamental theorem of calculus). So, by the triangle inequality, it misses the
    difference of the black box by no more than the emulator's errors at the two ends together; 1 % is for quadrature
    and single precision. These errors must be well below the difference, or the statement says nothing: half of it.
    """
    model = emulated().model
    rain = weather(60, SITES, seed=9)["precipitation"]
    low, high = 0.15, 0.45
    with jax.enable_x64(False):
        single = jnp.asarray(rain, jnp.float32)
        tangent = jnp.ones(SITES, jnp.float32)
        both = jax.jit(lambda k: jax.jvp(lambda k: runoff(model, k, single), (k,), (tangent,)))
        nodes, weights = np.polynomial.legendre.leggauss(8)
        slopes = [np.asarray(both(0.3 * tangent + 0.15 * float(node) * tangent)[1]) for node in nodes]
        ends = [np.asarray(both(k * tangent)[0])[20:] for k in (low, high)]
    mean = sum(w / 2 * slope for w, slope in zip(weights, slopes, strict=True))[20:]
    truth = [reservoir({"precipitation": rain}, {"recession": np.full(SITES, k)})["runoff"][20:] for k in (low, high)]
    error = sum(rms(found - expected) for found, expected in zip(ends, truth, strict=True))
    difference = truth[1] - truth[0]
    assert error < 0.5 * rms(difference)
    assert rms(mean * (high - low) - difference) < 1.01 * error


def test_the_emulator_is_never_negative_and_knows_that_it_conserves_nothing():
    """Ten times the rain it was trained on, and parameters at and beyond their bounds."""
    model = emulated().model
    assert model.budget == Budget({})
    with jax.enable_x64(False):
        rain = jnp.asarray(10 * weather(60, SITES)["precipitation"], jnp.float32)
        series = runoff(model, jnp.asarray([0.0, 0.1, 0.3, 0.5, 0.6, 1.0], jnp.float32), rain)
    assert np.isfinite(series).all()
    assert (np.asarray(series) >= 0).all()


def test_freezing_keeps_outputs_and_gradients_and_leaves_nothing_to_train():
    model = emulated().model
    with jax.enable_x64(False):
        rain = jnp.asarray(weather(30, 2)["precipitation"], jnp.float32)
        k = jnp.asarray([0.2, 0.4], jnp.float32)
        for value in (runoff, jax.grad(lambda *given: jnp.sum(runoff(*given)), argnums=1)):
            np.testing.assert_array_equal(value(model, k, rain), value(model.frozen(), k, rain))
    assert any(jax.tree.leaves(trainable(model)))
    assert not any(jax.tree.leaves(trainable(model.frozen())))


def test_the_same_seed_makes_the_same_emulator():
    """Bitwise, by a second training."""
    once, twice = (jax.tree.leaves(emulated(again).model) for again in (0, 1))
    for a, b in zip(once, twice, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_file_holds_all_of_an_emulator(tmp_path):
    """Outputs after loading are bitwise those before, and its names, units and bounds are back."""
    model = emulated().model
    save_emulator(tmp_path / "e.safetensors", model)
    with jax.enable_x64(False):
        again = load_emulator(tmp_path / "e.safetensors")
        runs = sample_runs(black_box(), weather(), 4, 60)
        found, expected = (emulator_outputs(m, runs)["runoff"] for m in (again, model))
    np.testing.assert_array_equal(found, expected)
    assert again.interface == model.interface


def test_another_file_is_no_emulator(tmp_path):
    write_tree(tmp_path / "other.safetensors", {"a": jnp.zeros(2)}, {})
    with pytest.raises(DgeoError, match=r"other.safetensors is no file of an emulator"):
        load_emulator(tmp_path / "other.safetensors")
