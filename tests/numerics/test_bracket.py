"""The bracketed root: where Newton alone would fail, and its derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.numerics.bracket import bracketed_root


def numbers(*values):
    return tuple(jnp.asarray(float(value)) for value in values)


@jax.jit
def flat_root(a, low, high, start):
    """arctan(a·(x − 1)) + (x − 1)³, on which Newton's method alone diverges from afar."""
    return bracketed_root(lambda x: jnp.arctan(a * (x - 1)) + (x - 1) ** 3, low, high, start)


@pytest.mark.x64
@given(st.floats(1e-2, 1e3), st.floats(-1e6, 0.9), st.floats(1.1, 1e6))
def test_it_finds_the_root_wherever_it_starts(a, low, high):
    """x = 1, to 4 roundings of x, which the slope of at least 1e-2 there turns into less than 1e-12."""
    root = flat_root(*numbers(a, low, high, low))
    np.testing.assert_allclose(root, 1.0, atol=1e-12)


@pytest.mark.x64
def test_derivatives_of_every_order_are_those_of_the_implicit_function():
    """x² = a: x' = 1/(2x) and x'' = −1/(4x³), forwards and backwards."""

    def root(a):
        return bracketed_root(lambda x: x * x - a, *numbers(0, 10, 3))

    (a,) = numbers(4)
    np.testing.assert_allclose(jax.grad(root)(a), 0.25, rtol=1e-14)
    np.testing.assert_allclose(jax.jvp(root, (a,), (jnp.ones(()),))[1], 0.25, rtol=1e-14)
    np.testing.assert_allclose(jax.grad(jax.grad(root))(a), -1 / 32, rtol=1e-14)


@pytest.mark.x64
def test_ends_kinks_and_broken_functions():
    """No turn of the sign: an end of the bracket; a kink: the root; NaN: NaN; a jump: its place, derivative 0."""

    @jax.jit
    def found(a):
        functions = (lambda x: x + 10, lambda x: x - 10, lambda x: jnp.maximum(x - 2, 5 * (x - 2)), lambda x: x * a)
        roots = [bracketed_root(f, *numbers(1, 3, 1.5)) for f in functions]
        return (*roots, bracketed_root(lambda x: a * jnp.where(x < 2, -1.0, 1.0), *numbers(1, 3, 1.5)))

    below, above, kink, _, jump = found(jnp.asarray(1.0))
    np.testing.assert_allclose([below, above, kink, jump], [1, 3, 2, 2], rtol=1e-14)
    assert np.isnan(found(jnp.asarray(jnp.nan))[3])
    assert jax.grad(lambda a: found(a)[4])(jnp.asarray(1.0)) == 0
