"""Limits: any number into a range of a given sign and size."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.numerics import Limits

ABOVE, BELOW = [Limits(0.0, scale=5.0), Limits(3.0, scale=0.1)], [Limits(high=0.0, scale=2.0)]
KINDS = [Limits(0.0, 1.0), Limits(-2.0, 5.0), *ABOVE, *BELOW]
ALL = [*KINDS, Limits(), Limits(scale=7.0)]
# Beyond |z| = 1e30 a scale of 7 leaves float32.
anything = st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)


def f32(x):
    return jnp.asarray(x, jnp.float32)


@pytest.mark.parametrize("limits", KINDS)
@given(z=anything)
def test_no_number_leads_outside(limits, z):
    """Not by more than the rounding of low + (high − low)·1."""
    value = float(limits.from_unbounded(f32(z)))
    assert math.isfinite(value)
    assert limits.low - 1e-6 <= value <= limits.high + 1e-6


@pytest.mark.parametrize("limits", ALL)
@given(z=st.floats(-8, 8, width=32), dz=st.floats(0.125, 4, width=32))
def test_larger_numbers_give_larger_values(limits, z, dz):
    assert limits.from_unbounded(f32(z)) < limits.from_unbounded(f32(z + dz))


@pytest.mark.parametrize(
    ("limits", "middle"),
    [
        (Limits(0.0, 1.0), 0.5),
        (Limits(-2.0, 5.0), 1.5),
        (Limits(0.0, scale=5.0), 5.0),
        (Limits(3.0, scale=0.1), 3.1),
        (Limits(high=0.0, scale=2.0), -2.0),
        (Limits(scale=7.0), 0.0),
    ],
)
def test_zero_is_the_middle(limits, middle):
    """Half of the range, or one `scale` away from the only limit: ln(1 + 1)/ln 2 = 1."""
    assert float(limits.from_unbounded(f32(0.0))) == pytest.approx(middle, rel=1e-6)


@pytest.mark.parametrize("limits", ALL)
@pytest.mark.parametrize("z", [-200.0, -90.0, -1.0, 0.0, 1.0, 90.0, 200.0])
def test_the_derivative_is_finite_and_not_negative(limits, z):
    """e^200 is beyond float32 and must not show."""
    slope = float(jax.grad(limits.from_unbounded)(f32(z)))
    assert math.isfinite(slope)
    assert slope >= 0


@pytest.mark.parametrize("limits", [*ABOVE, *BELOW])
def test_the_derivative_at_zero_is_the_textbooks(limits):
    """scale·σ(0)/ln 2. |z| has a kink where a network of zero weights begins, and that must not halve or stop it."""
    assert float(jax.grad(limits.from_unbounded)(f32(0.0))) == pytest.approx(limits.scale / (2 * math.log(2)), rel=1e-6)


@pytest.mark.x64
@pytest.mark.parametrize("limits", ALL)
def test_the_derivative_is_that_of_finite_differences(limits):
    """Central differences of h = 1e-5: h²·f‴/6, third derivatives below 10, against slopes above 1e-3·scale."""
    h, z = 1e-5, jnp.linspace(-6, 6, 49)
    slopes = (limits.from_unbounded(z + h) - limits.from_unbounded(z - h)) / (2 * h)
    np.testing.assert_allclose(jax.grad(lambda z: jnp.sum(limits.from_unbounded(z)))(z), slopes, rtol=1e-6, atol=1e-8)


@given(y=anything)
def test_contain_moves_only_what_lies_outside(y):
    found = float(Limits(-2.0, 5.0).contain(f32(y)))
    assert found == min(max(y, -2.0), 5.0)


@pytest.mark.parametrize(
    "wrong", [{"low": 1.0, "high": 1.0}, {"low": 2.0, "high": 1.0}, {"scale": 0.0}, {"scale": -1.0}]
)
def test_what_is_no_range_is_refused(wrong):
    with pytest.raises(ValueError, match="no range of numbers"):
        Limits(**wrong)
