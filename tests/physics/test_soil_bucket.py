"""A soil of one bucket: its laws at known points and what they may never exceed."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.physics import soil_bucket

wetness = st.floats(0.0, 1.5, width=32)
exponents = st.floats(0.25, 6.0, width=32)


def f32(x):
    return jnp.asarray(x, jnp.float32)


@pytest.mark.parametrize(
    ("moisture", "beta", "share"), [(0, 2, 0), (50, 1, 0.25), (100, 2, 0.25), (100, 3, 0.125), (200, 6, 1), (300, 2, 1)]
)
def test_recharge_fraction_by_hand(moisture, beta, share):
    """(SM/FC)^β for FC = 200 mm: a quarter full and linear passes ¼, half full with β = 2 also ¼; full, all."""
    found = soil_bucket.recharge_fraction(f32(moisture), f32(200), f32(beta))
    np.testing.assert_allclose(found, share, rtol=1e-6)


@pytest.mark.parametrize(
    ("moisture", "lp", "beta_et", "evaporation"), [(0, 0.5, 1, 0), (50, 0.5, 1, 2), (50, 0.5, 2, 1), (100, 0.5, 5, 4)]
)
def test_evaporation_by_hand(moisture, lp, beta_et, evaporation):
    """E = 4 mm/d, FC = 200: it is potential from LP·FC = 100 mm on; at half of that, ½ of it, or ½² with βET = 2."""
    arguments = map(f32, (moisture, 4, 200, lp, beta_et))
    np.testing.assert_allclose(soil_bucket.evaporation_with_shape(*arguments), evaporation, rtol=1e-6)


@given(wetness, st.floats(0.1875, 1.0, width=32))
def test_a_shape_of_one_is_the_linear_law(share, lp):
    """Two roads to one number; exp(ln x) differs from x by float32 rounding of ln x < 16."""
    arguments = tuple(map(f32, (share * 150, 3, 150, lp)))
    linear, shaped = soil_bucket.evaporation(*arguments), soil_bucket.evaporation_with_shape(*arguments, f32(1))
    np.testing.assert_allclose(shaped, linear, rtol=3e-6, atol=1e-6)


@given(wetness, st.floats(0.0, 12.0, width=32), st.floats(0.1875, 1.0, width=32), exponents)
def test_fractions_stay_fractions(share, demand, lp, exponent):
    """0 ≤ recharge fraction ≤ 1, 0 ≤ evaporation ≤ E, 0 ≤ capillary rise ≤ C·SLZ: to the last bit."""
    moisture, capacity = f32(share * 150), f32(150)
    passed = soil_bucket.recharge_fraction(moisture, capacity, f32(exponent))
    evaporated = soil_bucket.evaporation_with_shape(moisture, f32(demand), capacity, f32(lp), f32(exponent))
    risen = soil_bucket.capillary_rise(moisture, capacity, f32(40), f32(0.5))
    assert 0 <= passed <= 1
    assert 0 <= evaporated <= np.float32(demand)
    assert 0 <= risen <= 20


def test_capillary_rise_by_hand():
    """C·SLZ·(1 − SM/FC) = 0.1·40·(1 − ¼) = 3 mm/d; a soil at or above field capacity draws nothing."""
    for moisture, rise in ((50, 3), (200, 0), (250, 0)):
        found = soil_bucket.capillary_rise(f32(moisture), f32(200), f32(40), f32(0.1))
        np.testing.assert_allclose(found, rise, rtol=1e-6)
    assert soil_bucket.no_capillary_rise(f32(50)) == 0
