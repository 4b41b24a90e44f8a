"""The cascade against its closed form, the gamma distribution.

A millimetre put into the first of n reservoirs at t = 0 has left the last by the time t to the share F(t), the
distribution function of a gamma variable of shape n and scale 1/K. Under rain p from t = 0 on, runoff is p·F(t).
"""

import diffrax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import gamma

from dgeo.engine import Parameters
from dgeo.errors import DgeoError
from dgeo.models import Adaptive, FixedParts, Formula, ImplicitEuler, cascade
from tests.models.runs import run

DAYS = 30
K = np.array([0.1, 0.5, 0.9])


def runoff(model, rain, first):
    """Mean runoff of every day [day, site] at three sites, from `first` [mm] in the first reservoir."""
    state = {name: jnp.full(3, first if name == "reservoir_1" else 0.0) for name in model.states}
    forcing = {"precipitation": jnp.full((DAYS, 3), rain)}
    outputs, _ = run(model, forcing, Parameters({"k": jnp.asarray(K)}, {}), state, outputs=("runoff", "solver_failure"))
    assert not np.any(outputs["solver_failure"])
    return np.asarray(outputs["runoff"])


def impulse(n):
    """F(j + 1) − F(j), the share that leaves on the day j."""
    ends = np.arange(DAYS + 1)[:, None]
    return np.diff(gamma.cdf(ends, n, scale=1 / K), axis=0)


def mean_distribution(n):
    """The mean of F over each day: ∫F dt = t·F_n(t) − (n/K)·F_{n+1}(t), by parts."""
    ends = np.arange(DAYS + 1)[:, None]
    integral = ends * gamma.cdf(ends, n, scale=1 / K) - n / K * gamma.cdf(ends, n + 1, scale=1 / K)
    return np.diff(integral, axis=0)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_impulse_and_step_response(n):
    """Heun's local error in a part of h = 1/20 d is (K·h)³/6 ≤ 1.5e-5, twenty times a day: 3e-4 of a millimetre."""
    model = cascade(n, solver=FixedParts(parts=20))
    np.testing.assert_allclose(runoff(model, 0.0, 1.0), impulse(n), atol=3e-4)
    np.testing.assert_allclose(runoff(model, 1.0, 0.0), mean_distribution(n), atol=3e-4)


@pytest.mark.x64
def test_errors_fall_with_the_order_of_the_solver():
    """Twice the parts: half the error of Euler, a quarter of Heun's, to a tenth (the next term of the series)."""
    for solver, factor in ((diffrax.Euler(), 2), (diffrax.Heun(scan_kind="bounded"), 4)):
        errors = [
            np.max(np.abs(runoff(cascade(solver=FixedParts(solver, parts=parts)), 0.0, 1.0) - impulse(3)))
            for parts in (32, 64)
        ]
        np.testing.assert_allclose(errors[0] / errors[1], factor, rtol=0.1)


@pytest.mark.parametrize(
    ("solver", "tolerance"),
    [
        # Euler backwards: K·h/2 = 0.45 of the decay of a day, which spreads the wave by about as much
        (ImplicitEuler(), 0.15),
        # rtol 1e-3, thirty days and three reservoirs
        (Adaptive(), 2e-3),
    ],
    ids=["implicit", "adaptive"],
)
def test_other_solvers_on_the_same_reservoirs(solver, tolerance):
    """Each to its own accuracy."""
    np.testing.assert_allclose(runoff(cascade(solver=solver), 0.0, 1.0), impulse(3), atol=tolerance)


def test_one_law_stands_in_all_reservoirs():
    """Half of what is there leaves each reservoir in a day, whatever k: the parameter is then no longer asked for."""
    model = cascade(2, outflow=Formula(lambda storage: 0.5 * storage))
    assert model.parameters == {}
    state = {"reservoir_1": jnp.asarray(8.0), "reservoir_2": jnp.asarray(4.0)}
    found = model.rates(state, {"precipitation": jnp.asarray(1.0)}, {})
    assert {name: float(x) for name, x in found.items()} == {"precipitation": 1.0, "flow_1": 4.0, "runoff": 2.0}
    with pytest.raises(DgeoError, match="storage"):
        cascade(2, outflow=Formula(lambda soil_moisture: soil_moisture))
