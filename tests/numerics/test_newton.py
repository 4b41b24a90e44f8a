"""Newton's method on small systems: against NumPy, closed forms, finite differences, and where there is no root."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dgeo.numerics.newton import newton, solve

solved = jax.jit(jax.vmap(solve))


@pytest.mark.parametrize("size", [1, 2, 5, 8])
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_linear_systems_are_solved_as_by_numpy(size, seed):
    """Twenty matrices side by side: dense ones, columns dominated by their diagonals, and permutations of the latter,
    which have zeros on the diagonal and no solution without a search for pivots.

    A backward stable method solves (A + E)·x = b with |E| of some roundings of A; the bound is the 100 roundings that
    `solve` itself promises for its first way, and more than LAPACK's own for so small a matrix.
    """
    random = np.random.default_rng(seed)
    dense = random.normal(size=(20, size, size))
    dominated = np.eye(size) + dense * (random.random(dense.shape) < 0.4) * 0.5 / size
    swapped = np.roll(np.eye(size) * random.uniform(1, 9, (20, size, 1)), 1, axis=-1)
    for matrix in (dense, dominated, swapped):
        matrix, right = jnp.asarray(matrix), jnp.asarray(random.normal(size=(20, size)))
        found, a, b = (np.asarray(x, np.float64) for x in (solved(matrix, right), matrix, right))
        wanted = np.linalg.solve(a, b[..., None])[..., 0]
        condition = np.linalg.cond(a)[:, None] * np.abs(wanted).max(axis=1, keepdims=True)
        assert np.all(np.abs(found - wanted) <= 200 * size * jnp.finfo(right.dtype).eps * condition)


def test_a_singular_matrix_has_no_finite_solution():
    assert not np.all(np.isfinite(solve(jnp.ones((2, 2)), jnp.asarray([1.0, 2.0]))))


def reservoir(x, arguments):
    """Implicit step of a linear reservoir over 1 d: x − S₀ − P + k·x."""
    before, rain, k = arguments
    return x - before - rain + k * x


def found(function, start, arguments):
    return newton(function, start, arguments, tolerance=1e-9, iterations=50)


def test_step_of_a_linear_reservoir_in_closed_form():
    """S₁ = (S₀ + P)/(1 + k): value, gradient in all three arguments, and in forward mode, for five sites at once."""
    sites = (jnp.linspace(0, 40, 5), jnp.linspace(3, 0, 5), jnp.linspace(0.01, 2, 5))

    def step(arguments):
        return found(reservoir, jnp.ones(1), jax.tree.map(lambda x: x[None], arguments))[0][0]

    def closed(arguments):
        before, rain, k = arguments
        return (before + rain) / (1 + k)

    value, slope = jax.jit(jax.vmap(jax.value_and_grad(step)))(sites)
    wanted, wanted_slope = jax.vmap(jax.value_and_grad(closed))(sites)
    roundings = 1e2 * jnp.finfo(value.dtype).eps
    np.testing.assert_allclose(value, wanted, rtol=roundings)
    for a, b in zip(slope, wanted_slope, strict=True):
        np.testing.assert_allclose(a, b, rtol=roundings, atol=roundings)
    forward = jax.vmap(jax.jacfwd(step))(sites)
    for a, b in zip(forward, slope, strict=True):
        np.testing.assert_allclose(a, b, rtol=roundings, atol=roundings)


def bent(x, a):
    """Five unknowns in a ring, with a kink in each and a power."""
    return x + a[0] * jnp.maximum(x - 1, 0) + jnp.tanh(jnp.roll(x, 1)) * a[1] + x**3 * a[2] - a[3:]


@pytest.mark.x64
def test_gradient_through_time_is_that_of_finite_differences(key):
    """Ten steps in `lax.scan` with `jax.checkpoint`, each from the root of the last.

    Central differences with h = 1e-6 err by h² of the third derivative and 1e-16/h = 1e-10 by rounding; 1e-7 of the
    largest slope leaves room for ten steps.
    """
    a = jax.random.uniform(key, (8,), minval=0.2, maxval=3.0)

    @jax.jit
    def end(a):
        @jax.checkpoint
        def body(x, _):
            x, ok = found(lambda y, given: bent(y, given[1]) - 0.5 * given[0], x, (x, a))
            return x, ok

        x, ok = jax.lax.scan(body, jnp.zeros(5), None, length=10)
        return jnp.where(jnp.all(ok), jnp.sum(x**2), jnp.nan)

    slope = jax.grad(end)(a)
    h = 1e-6
    differences = [(end(a.at[i].add(h)) - end(a.at[i].add(-h))) / (2 * h) for i in range(a.size)]
    np.testing.assert_allclose(slope, differences, atol=1e-7 * np.abs(slope).max())
    np.testing.assert_allclose(jax.jacfwd(end)(a), slope, rtol=1e-12, atol=1e-12)


def test_an_overshoot_is_halved():
    """arctan(x) = a: undamped, Newton's method runs away from any start beyond 1.39."""
    a = jnp.asarray([-1.0, 0.0, 0.5, 1.4])
    root, ok = jax.jit(jax.vmap(lambda a: found(lambda x, a: jnp.arctan(x) - a, jnp.full(1, 5.0), a[None])))(a)
    assert ok.all()
    np.testing.assert_allclose(root[:, 0], jnp.tan(a), atol=1e-4, rtol=1e-4)


def test_a_kink_between_start_and_root():
    """x + 200·min(x, 1) = a has the root a/201 below the kink and a − 200 above: the first step from 0 lands in the
    flat part for every a > 201, and from 400 below zero for every a < 201."""
    a = jnp.asarray([0.0, 20.0, 200.0, 201.0, 202.0, 500.0])
    wanted = jnp.where(a < 201, a / 201, a - 200)
    for start in (0.0, 400.0):
        root, ok = jax.jit(
            jax.vmap(
                lambda a, start=start: found(lambda x, a: x + 200 * jnp.minimum(x, 1) - a, jnp.full(1, start), a[None])
            )
        )(a)
        assert ok.all()
        np.testing.assert_allclose(root[:, 0], wanted, atol=1e-4)


def test_zeros_on_the_diagonal():
    """(y − a, x − b): no elimination in the given order."""
    root, ok = found(lambda x, a: x[::-1] - a, jnp.zeros(2), jnp.asarray([3.0, 4.0]))
    assert ok
    np.testing.assert_allclose(root, [4.0, 3.0])


@pytest.mark.parametrize("bad", [-1.0, jnp.nan, jnp.inf, 0.0])
def test_a_hopeless_site_is_told_and_harms_no_other(bad):
    """x² = a·w has no root at a < 0 and none that Newton's method can leave with a derivative at a = 0.

    The site says so, keeps its start and has a derivative of zero; the others, and a weight that all share, have
    dx/dw = √a/(2√w) at w = 1.
    """
    a, start = jnp.asarray([1.0, bad, 9.0]), jnp.asarray([2.0, 0.0 if bad == 0 else 2.0, 2.0])

    def roots(a, w):
        def one(a, start):
            return found(lambda x, given: x**2 - given[0] * given[1], start[None], (a, w))

        root, ok = jax.vmap(one)(a, start)
        return jnp.sum(root), (root[:, 0], ok)

    grad = jax.jit(jax.grad(roots, argnums=(0, 1), has_aux=True))
    (in_a, in_w), (root, ok) = grad(a, jnp.asarray(1.0))
    np.testing.assert_array_equal(ok, [True, False, True])
    np.testing.assert_allclose(root, [1.0, start[1], 3.0], rtol=1e-5)
    np.testing.assert_allclose(in_a, [0.5, 0.0, 1 / 6], rtol=1e-5)
    np.testing.assert_allclose(in_w, 2.0, rtol=1e-5)
    forward = jax.jvp(lambda w: roots(a, w)[0], (jnp.asarray(1.0),), (jnp.asarray(1.0),))[1]
    np.testing.assert_allclose(forward, 2.0, rtol=1e-5)
