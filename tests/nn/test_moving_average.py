import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.nn import MovingAverages

MEMORIES = (1.0, 3.0, 40.0)


def series(days, sites=2, variables=3):
    return jnp.asarray(np.random.default_rng(days).normal(size=(days, sites, variables)), jnp.float32)


def test_averages_have_geometric_weights():
    """a_t = Σ_k (1/τ)(1 − 1/τ)^k x_{t−k}, the solution of the recursion from 0; float32 rounds each step by 1e-7."""
    x, networks = series(50), MovingAverages(MEMORIES)
    averages, _ = networks(x, networks.initial_carry(2, 3))
    averages = np.asarray(averages).reshape(50, 2, 3, len(MEMORIES))
    for m, memory in enumerate(MEMORIES):
        weights = (1 - 1 / memory) ** np.arange(50) / memory
        for t in (0, 1, 7, 49):
            expected = np.einsum("k,ksv->sv", weights[: t + 1], np.asarray(x, float)[t::-1])
            np.testing.assert_allclose(averages[t, :, :, m], expected, rtol=0, atol=2e-6)


def test_the_present_is_included_and_a_memory_of_one_step_is_the_present():
    """a + (x − a)·1 is x but for one rounding of a number of order one."""
    x, networks = series(5), MovingAverages((1.0,))
    averages, last = networks(x, networks.initial_carry(2, 3))
    np.testing.assert_allclose(averages, x.reshape(5, 2, 3), rtol=0, atol=5e-7)
    np.testing.assert_array_equal(last.reshape(2, 3), averages[-1])


@pytest.mark.parametrize("cut", [1, 13, 29])
def test_a_series_cut_in_two_is_the_whole_bitwise(cut):
    """The carry is all that a recursion remembers, so the same additions are made in the same order."""
    x, networks = series(30), MovingAverages(MEMORIES)
    run = jax.jit(networks.__call__)
    whole, end = run(x, networks.initial_carry(2, 3))
    first, carry = run(x[:cut], networks.initial_carry(2, 3))
    second, last = run(x[cut:], carry)
    np.testing.assert_array_equal(whole, np.concatenate([first, second]))
    np.testing.assert_array_equal(end, last)
