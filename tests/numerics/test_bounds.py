"""Bounds: from any number into the interval and back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.numerics import Bounds

LINEAR, LOGARITHMIC = Bounds(0.05, 0.9), Bounds(1e-3, 1e2, "logarithmic")
both = pytest.mark.parametrize("bounds", [LINEAR, LOGARITHMIC, Bounds(-2.5, 2.5), Bounds(50.0, 1000.0)])
# Beyond |z| = 17 the logistic function of float32 is 1; infinities are what a network that diverged gives.
anything = st.floats(width=32, allow_nan=False, allow_infinity=True)


@both
@given(z=anything)
def test_no_number_leads_outside(bounds, z):
    """Not by more than the rounding of low + (high − low)·1, one part in 2²³ of the larger bound."""
    value = float(bounds.from_unbounded(jnp.asarray(z, jnp.float32)))
    room = 2**-22 * max(abs(bounds.low), abs(bounds.high))
    assert bounds.low - room <= value <= bounds.high + room


@both
@given(z=st.floats(-8.0, 8.0, width=32), dz=st.floats(0.125, 4.0, width=32))
def test_larger_numbers_give_larger_parameters(bounds, z, dz):
    assert bounds.from_unbounded(jnp.float32(z)) < bounds.from_unbounded(jnp.float32(z + dz))


@pytest.mark.x64
@both
@given(z=st.floats(-9.0, 9.0))
def test_there_and_back(bounds, z):
    """z = ln f − ln(1 − f) with f = σ(z): f(1 − f) ≥ 1.2e-4 at |z| = 9, so rounding grows by 1e4 at most, and
    by (|low| + |high|)/(high − low) < 2 in the linear scale."""
    back = bounds.to_unbounded(bounds.from_unbounded(jnp.float64(z)))
    np.testing.assert_allclose(back, z, atol=1e-11)


@both
def test_the_middle_and_the_ends(bounds):
    """z = 0 is the arithmetic or the geometric mean; |z| = 4.6 lies one per cent (σ(4.6) = 0.990) inside."""
    middle = np.sqrt(bounds.low * bounds.high) if bounds.scale == "logarithmic" else (bounds.low + bounds.high) / 2
    np.testing.assert_allclose(bounds.from_unbounded(jnp.float32(0)), middle, rtol=1e-6)
    fractions = bounds.to_fraction(bounds.from_unbounded(jnp.asarray([-4.6, 4.6], jnp.float32)))
    np.testing.assert_allclose(fractions, [0.00995, 0.99005], atol=1e-5)


@both
def test_a_parameter_on_its_bound_has_a_number(bounds):
    """On a bound and beyond it counts as 1e-4 of the way inside: z = ∓ln(0.9999/0.0001) = ∓9.2102."""
    outside = jnp.asarray([bounds.low, bounds.low * 0.5 - 3, bounds.high, bounds.high * 2], jnp.float32)
    outside = jnp.where(bounds.scale == "logarithmic", jnp.maximum(outside, 1e-6), outside)
    np.testing.assert_allclose(bounds.to_unbounded(outside), 9.2102 * np.array([-1, -1, 1, 1]), rtol=1e-3)


@pytest.mark.x64
@both
@given(z=st.floats(-6.0, 6.0))
def test_derivative(bounds, z):
    """dθ/dz = (high − low)·f(1 − f), or θ·ln(high/low)·f(1 − f) on the logarithmic scale."""
    f = 1 / (1 + np.exp(-z))
    value = float(bounds.from_unbounded(jnp.float64(z)))
    slope = value * np.log(bounds.high / bounds.low) if bounds.scale == "logarithmic" else bounds.high - bounds.low
    np.testing.assert_allclose(jax.grad(bounds.from_unbounded)(jnp.float64(z)), slope * f * (1 - f), rtol=1e-12)


@pytest.mark.parametrize(("low", "high", "scale"), [(1, 1, "linear"), (2, 1, "linear"), (0, 1, "logarithmic")])
def test_an_interval_that_is_none_is_refused(low, high, scale):
    with pytest.raises(ValueError, match="not an interval"):
        Bounds(float(low), float(high), scale)
