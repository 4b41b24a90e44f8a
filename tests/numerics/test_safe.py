"""Safe arithmetic: numpy's values, and derivatives that are chosen where numpy's would be undefined."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.numerics import at_least, minimum, positive_part, power

numbers = st.floats(width=32, allow_nan=True, allow_infinity=True, allow_subnormal=False)
PAIRS = [("minimum", minimum, np.minimum), ("at_least", at_least, np.maximum)]


def f32(x):
    return jnp.asarray(x, jnp.float32)


@given(numbers, numbers)
@pytest.mark.parametrize(("name", "ours", "numpys"), PAIRS)
def test_values_are_those_of_numpy(name, ours, numpys, a, b):
    """Bitwise, NaN and infinities included: selecting rounds nothing."""
    np.testing.assert_array_equal(ours(f32(a), f32(b)), numpys(np.float32(a), np.float32(b)))


@given(numbers)
def test_positive_part_is_the_maximum_with_zero(a):
    np.testing.assert_array_equal(positive_part(f32(a)), np.maximum(np.float32(a), 0))


@pytest.mark.parametrize(
    ("function", "arguments", "derivative"),
    [
        (minimum, (1.0, 2.0), (1, 0)),
        (minimum, (2.0, 1.0), (0, 1)),
        (minimum, (0.0, 0.0), (0, 1)),  # at a tie the supply limits
        (at_least, (2.0, 1.0), (1, 0)),
        (at_least, (1.0, 2.0), (0, 1)),
        (at_least, (1.0, 1.0), (1, 0)),  # a floor that is only touched does not cut
        (positive_part, (3.0,), (1,)),
        (positive_part, (-3.0,), (0,)),
        (positive_part, (0.0,), (0,)),
    ],
)
def test_one_side_is_chosen(function, arguments, derivative):
    """Forward and backward mode agree, and at a tie the sum over both sides is 1, never twice ½."""
    places = tuple(range(len(arguments)))
    assert jax.jacrev(function, places)(*map(f32, arguments)) == derivative
    assert jax.jacfwd(function, places)(*map(f32, arguments)) == derivative


@given(st.floats(1e-7, 50.0), st.floats(0.1, 8.0))
def test_power_is_the_power(base, exponent):
    """exp(b·ln a) in float32: ln a ≤ 16 and b ≤ 8 round at 6e-8 of |b·ln a| < 130, 8e-6 of the result."""
    with np.errstate(under="ignore"):
        wanted = np.float64(np.float32(base)) ** np.float64(np.float32(exponent))
    np.testing.assert_allclose(power(f32(base), f32(exponent)), wanted, rtol=2e-5, atol=1e-37)


@pytest.mark.x64
@given(st.floats(1e-5, 10.0), st.floats(0.1, 8.0))
def test_derivatives_of_power_are_the_textbooks(base, exponent):
    """b·a^(b−1) and a^b·ln a, to float64 rounding of |b·ln a| < 100."""
    a, b = jnp.float64(base), jnp.float64(exponent)
    by_base, by_exponent = jax.grad(power, argnums=(0, 1))(a, b)
    np.testing.assert_allclose(by_base, exponent * base ** (exponent - 1), rtol=1e-12)
    np.testing.assert_allclose(by_exponent, base**exponent * np.log(base), rtol=1e-12, atol=1e-300)


@given(st.sampled_from([0.0, 1e-38, 1e-20, 1e-8, 1e-7]), st.floats(0.01, 8.0))
def test_power_is_tame_near_zero(base, exponent):
    """x**0.3 has an infinite derivative at 0; here 0 gives exactly 0, and all derivatives are finite."""
    value, gradient = jax.value_and_grad(power, argnums=(0, 1))(f32(base), f32(exponent))
    assert np.isfinite([value, *gradient]).all()
    assert (value == 0) == (base == 0) or value < 1e-37
    assert 0 <= value <= 1e-7**exponent * (1 + 1e-5)
