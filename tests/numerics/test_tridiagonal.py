"""Newton's method on a tridiagonal system, against dense algebra and a root known in closed form."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.numerics.tridiagonal import newton_tridiagonal, tridiagonal_jacobian


def coupled(x, source):
    """x³ + x plus a third of the difference to each neighbour, less a source."""
    padded = jnp.pad(x, 1, mode="edge")
    return x**3 + x + (2 * x - padded[:-2] - padded[2:]) / 3 - source


@pytest.mark.parametrize("size", [2, 3, 7])
def test_jacobian_is_that_of_all_columns(size):
    """Three derivatives show what `jax.jacfwd` finds with one for every column."""
    x = jnp.linspace(-1, 2, size)
    value, (below, on, above) = jax.jit(tridiagonal_jacobian, static_argnums=0)(lambda x: coupled(x, 0 * x), x)
    dense = jax.jit(jax.jacfwd(coupled))(x, 0 * x)
    np.testing.assert_allclose(value, coupled(x, 0 * x))
    np.testing.assert_allclose(np.diag(below[1:], -1) + np.diag(on) + np.diag(above[:-1], 1), dense, atol=1e-6)
    assert below[0] == above[-1] == 0


@pytest.mark.x64
def test_root_and_its_derivatives(key):
    """A source made from a known root gives that root back, and dx = J⁻¹·d(source) with the dense Jacobian."""
    root = jax.random.normal(key, (6,))
    source = coupled(root, jnp.zeros(6))

    @jax.jit
    def solved(source):
        return newton_tridiagonal(coupled, jnp.zeros(6), source, iterations=20, largest_change=0.5)

    np.testing.assert_allclose(solved(source), root, atol=1e-12)
    inverse = np.linalg.inv(jax.jit(jax.jacfwd(coupled))(root, source))
    np.testing.assert_allclose(jax.jit(jax.jacrev(solved))(source), inverse, atol=1e-12)
    np.testing.assert_allclose(jax.jit(jax.jacfwd(solved))(source), inverse, atol=1e-12)


def test_limit_tames_an_overshoot():
    """arctan(x) = 0: Newton's method runs away from any start beyond 1.39, and does not if it may not jump."""

    @partial(jax.jit, static_argnums=0)
    def found(limit):
        return newton_tridiagonal(
            lambda x, _: jnp.arctan(x), jnp.full(3, 3.0), None, iterations=20, largest_change=limit
        )

    assert not np.allclose(found(jnp.inf), 0)
    np.testing.assert_allclose(found(0.5), 0, atol=1e-6)
