"""Reservoirs against the exact recession."""

import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.physics import linear_reservoir


def recession(coefficient, threshold, days, steps):
    """What explicit steps leave of 100 mm after some days."""
    dt, storage = days / steps, jnp.asarray(100.0)
    for _ in range(steps):
        storage = (
            storage - linear_reservoir.outflow_above(storage, jnp.asarray(coefficient), jnp.asarray(threshold)) * dt
        )
    return float(storage)


@pytest.mark.x64
@pytest.mark.parametrize("threshold", [0.0, 30.0])
def test_explicit_steps_converge_to_the_exponential(threshold):
    """dS/dt = −K·(S − UZL) has S = UZL + (S0 − UZL)·e^(−K·t). Explicit Euler errs by K²·t·dt/2 of what drains, at
    first order: for K = 0.2 d⁻¹ and t = 5 d, 64 steps err by 0.8 %, and half the step halves the error to within dt."""
    exact = threshold + (100 - threshold) * np.exp(-0.2 * 5)
    errors = np.array([recession(0.2, threshold, 5, steps) for steps in (64, 128)]) - exact
    assert abs(errors[0]) < 0.008 * (100 - threshold)
    np.testing.assert_allclose(errors[0] / errors[1], 2, rtol=0.01)


@pytest.mark.parametrize(("storage", "threshold", "flow"), [(80, 30, 10), (30, 30, 0), (10, 30, 0), (0, 0, 0)])
def test_nothing_leaves_below_the_threshold(storage, threshold, flow):
    """K·max(S − UZL, 0) with K = 0.2 d⁻¹."""
    arguments = (jnp.asarray(x, jnp.float32) for x in (storage, 0.2, threshold))
    np.testing.assert_allclose(linear_reservoir.outflow_above(*arguments), flow, rtol=1e-6)


def test_a_reservoir_without_a_threshold_is_linear():
    storage, coefficient = jnp.asarray(50.0), jnp.asarray(0.1)
    np.testing.assert_allclose(linear_reservoir.outflow(storage, coefficient), 5, rtol=1e-6)
