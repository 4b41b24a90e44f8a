"""Solvers of models in continuous time, on a linear reservoir whose solution is known.

S' = P − k·S has S(dt) = P/k + (S₀ − P/k)·e^{−k·dt}, and its mean outflow is P − (S(dt) − S₀)/dt.
"""

from typing import ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.models import Adaptive, Budget, ContinuousModel, FixedParts, Parameter, Variable
from dgeo.numerics import Bounds


class Reservoir(ContinuousModel):
    """One store, linear outflow."""

    forcings: ClassVar = {"precipitation": Variable("mm d-1", "rain")}
    states: ClassVar = {"storage": Variable("mm", "water")}
    fluxes: ClassVar = {name: Variable("mm d-1", name) for name in ("precipitation", "outflow", "runoff")}
    all_parameters: ClassVar = {"k": Parameter("d-1", "recession coefficient", Bounds(0.0, 1e4), 1.0)}
    budget = Budget({"precipitation": (None, "storage"), "outflow": ("storage", None)}, sums={"runoff": ("outflow",)})

    def initial_state(self):
        return {"storage": jnp.asarray(10.0)}

    def rates(self, state, forcing, parameters):
        return {"precipitation": forcing["precipitation"], "outflow": parameters["k"] * state["storage"]}


def stepped(solver, k, dt=1.0):
    """Storage after a step from 10 mm under 2 mm d⁻¹, and the fluxes."""
    state, forcing = {"storage": jnp.asarray(10.0)}, {"precipitation": jnp.asarray(2.0)}
    after, fluxes = Reservoir(solver=solver).step(state, forcing, {"k": k}, jnp.asarray(dt))
    return after["storage"], fluxes


def exact(k, dt=1.0):
    """The closed form."""
    return 2 / k + (10 - 2 / k) * jnp.exp(-k * dt)


@pytest.mark.parametrize(
    ("solver", "tolerance"),
    [
        # Heun's local error is (kh)³/6 of 8 mm, twenty times over: 20·8·0.05³/6 = 3e-3
        (FixedParts(parts=20), 4e-3),
        # Euler's is (kh)²/2 of 8 mm, two hundred times over: 200·8·0.005²/2 = 2e-2
        (FixedParts(diffrax.Euler(), parts=200), 2e-2),
        (Adaptive(controller=diffrax.PIDController(rtol=1e-5, atol=1e-5)), 1e-4),
    ],
    ids=["heun", "euler", "adaptive"],
)
def test_solution_and_derivative(solver, tolerance):
    """The step and its derivative in k are those of the closed form, to the order of the method."""
    k = jnp.asarray(1.0)
    value, slope = eqx.filter_jit(jax.value_and_grad(lambda k: stepped(solver, k)[0]))(k)
    np.testing.assert_allclose(value, exact(k), atol=tolerance)
    np.testing.assert_allclose(slope, jax.grad(exact)(k), atol=3 * tolerance)


@pytest.mark.parametrize(
    "solver",
    [
        FixedParts(parts=1),
        Adaptive(controller=diffrax.PIDController(rtol=0.5, atol=1.0)),
        Adaptive(diffrax.Kvaerno3(), controller=diffrax.PIDController(rtol=1e-2, atol=1e-2)),
    ],
    ids=["one part", "careless", "implicit"],
)
def test_ledger_closes_however_bad_the_solution(solver):
    """S(dt) − S₀ = dt·(P̄ − Q̄) to rounding: an error of the solver moves water between terms and makes none."""
    after, fluxes = eqx.filter_jit(stepped)(solver, jnp.asarray(1.5), 0.5)
    residual = after - 10 - 0.5 * (fluxes["precipitation"] - fluxes["outflow"])
    assert abs(residual) <= 20 * jnp.finfo(after.dtype).eps * 10
    np.testing.assert_array_equal(fluxes["runoff"], fluxes["outflow"])


def test_stiff_reservoir_needs_an_implicit_solver():
    """k·dt = 1000: L-stable Kvaerno3 gives the equilibrium P/k = 0.002 mm within its 64 parts."""
    solver = Adaptive(diffrax.Kvaerno3(), controller=diffrax.PIDController(rtol=1e-3, atol=1e-4))
    after, _ = eqx.filter_jit(stepped)(solver, jnp.asarray(1e3))
    np.testing.assert_allclose(after, 0.002, atol=1e-3)
