"""Snow by temperature index: numbers worked by hand, and the switch at the threshold."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.physics import degree_day

temperatures = st.floats(-40.0, 45.0, width=32, allow_subnormal=False)
thresholds = st.floats(-2.5, 2.5, width=32, allow_subnormal=False)
depths = st.floats(0.0, 500.0, width=32, allow_subnormal=False)


def f32(x):
    return jnp.asarray(x, jnp.float32)


@pytest.mark.parametrize(("temperature", "share"), [(-0.51, 1.0), (-0.5, 0.0), (-0.49, 0.0)])
def test_air_at_the_threshold_brings_rain(temperature, share):
    """Snow is P·[T < TT], rain P·[T ≥ TT]; here TT = −0.5 °C."""
    assert degree_day.snow_fraction(f32(temperature), f32(-0.5)) == share


def test_melt_and_refreezing_by_hand():
    """CFMAX = 3, TT = 1, CFR = 0.05: 4 °C melt 3·(4 − 1) = 9 mm/d, −4 °C freeze 0.05·3·5 = 0.75 mm/d."""
    np.testing.assert_allclose(degree_day.melt(f32(4), f32(1), f32(3)), 9)
    np.testing.assert_allclose(degree_day.refreezing(f32(-4), f32(1), f32(3), f32(0.05)), 0.75, rtol=1e-6)


@given(temperatures, thresholds)
def test_a_pack_melts_or_freezes_but_never_both(temperature, threshold):
    arguments = f32(temperature), f32(threshold), f32(3.0)
    melt, freezing = degree_day.melt(*arguments), degree_day.refreezing(*arguments, f32(0.05))
    assert melt >= 0
    assert freezing >= 0
    assert melt * freezing == 0
    assert (melt > 0) == (temperature > threshold)


@given(depths, depths, st.floats(0.0, 0.25, width=32, allow_subnormal=False))
def test_a_pack_lets_go_what_it_cannot_hold(ice, water, capacity):
    """What stays is min(W, CWH·S), to float32 rounding of either."""
    released = degree_day.released_water(f32(ice), f32(water), f32(capacity))
    held = min(np.float64(water), np.float64(np.float32(capacity)) * ice)
    np.testing.assert_allclose(water - np.float64(released), held, atol=1e-7 * (water + held) + 1e-35)


def test_the_switch_passes_no_gradient_and_melt_does():
    """d/dTT of the share of snow is 0 on both sides; of melt it is −CFMAX above the threshold, 0 below and at it."""
    for temperature, slope in ((3.0, -2.5), (-3.0, 0.0), (0.0, 0.0)):
        at = f32(temperature)
        assert jax.grad(degree_day.snow_fraction, 1)(at, f32(0)) == 0
        assert jax.grad(degree_day.melt, 1)(at, f32(0), f32(2.5)) == slope
