"""What the contract promises of any model, held by five that share nothing else.

A bucket model, an ODE, a column, a network and a kernel go through the one `simulate`. The sizes are small, since no
promise depends on them.
"""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AbstractDevice, AbstractMesh, use_abstract_mesh

from dgeo.check import ledger
from dgeo.engine import Fused, simulate
from tests.contracts.cases import CASES, STEPS, Case, made

all_cases = pytest.mark.parametrize("name", CASES)


def everything(case: Case):
    """All floating-point inputs of a run, and the run as a function of them."""
    inputs = (case.model, case.forcing, case.parameters, case.state)
    variable, fixed = eqx.partition(inputs, eqx.is_inexact_array)

    @jax.jit
    def function(variable):
        return simulate(*eqx.combine(variable, fixed), dt=case.dt, engine=case.engine)

    return variable, function


def random_like(key, tree):
    """Standard normal numbers in the shape of a tree."""
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    return jax.tree.map(lambda x: np.asarray(random.normal(size=x.shape), x.dtype), tree)


@pytest.mark.x64
@all_cases
def test_gradient_is_the_transposed_derivative(name, key):
    """For random v (relative to the inputs) and w: (⟨w, F(x+εv)⟩ − ⟨w, F(x−εv)⟩)/2ε = ⟨Fᵀw, v⟩ = ⟨w, F'v⟩.

    Central differences with ε = 1e-6 err by ε²F''' and, relatively, 1e-16/ε: 1e-6 leaves room for a large F''' and for
    cancellation among the terms. The two modes differ by rounding alone.
    """
    first, second, third = jax.random.split(key, 3)
    case = made(name, first, jnp.float64)
    variable, function = everything(case)
    direction = jax.tree.map(np.multiply, variable, random_like(second, variable))
    weights = random_like(third, jax.eval_shape(function, variable))

    def projected(x):
        return sum(jax.tree.leaves(jax.tree.map(jnp.vdot, weights, function(x))))

    def moved(step):
        return jax.tree.map(lambda x, v: np.asarray(x) + step * v, variable, direction)

    both = jax.jit(jax.value_and_grad(projected))
    slope = sum(jax.tree.leaves(jax.tree.map(np.vdot, both(variable)[1], direction)))
    np.testing.assert_allclose((both(moved(1e-6))[0] - both(moved(-1e-6))[0]) / 2e-6, slope, rtol=1e-6)
    if case.has_jvp:
        pushed = jax.jit(lambda x, v: jax.jvp(projected, (x,), (v,))[1])(variable, direction)
        np.testing.assert_allclose(pushed, slope, rtol=1e-9)


@all_cases
def test_gradient_is_finite_where_nothing_is(name, key):
    """No rain, no heat, empty stores (a column: at saturation, where its functions have their kinks), in float32."""
    case = made(name, key, jnp.float32)
    case = replace(case, forcing=jax.tree.map(jnp.zeros_like, case.forcing), state=case.zeros)
    variable, function = everything(case)

    def total(x):
        return sum(jnp.sum(y) for y in jax.tree.leaves(function(x)))

    results = jax.jit(jax.value_and_grad(total))(variable)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(results))


@eqx.filter_jit
def march(model, forcing, parameters, state, dt, engine):
    return simulate(model, forcing, parameters, state, dt=dt, engine=engine)


def run(case: Case, steps=slice(None), state=None):
    """`simulate` on some of the steps, compiled."""
    series = (case.forcing, case.parameters.dynamic)
    forcing, dynamic = jax.tree.map(lambda x: jnp.asarray(np.asarray(x)[steps]), series)
    parameters = replace(case.parameters, dynamic=dynamic)
    return march(case.model, forcing, parameters, case.state if state is None else state, case.dt, case.engine)


@all_cases
def test_ledger_closes(name, key):
    """Every store gains what its fluxes bring, to 1e-5 of what was there and came in: 20 steps of a few roundings."""
    case = made(name, key, jnp.float32)
    fluxes, end = run(case)
    account = ledger(case.model, case.state, end, fluxes, case.dt)
    turnover = account.initial_storage + account.gross_inflow
    assert np.max(account.relative_residual) <= 1e-5
    assert all(np.max(np.abs(residual) / turnover) <= 1e-5 for residual in account.store_residuals.values())
    assert np.min(account.gross_inflow) > 0


@all_cases
def test_restart_is_bitwise(name, key):
    """All steps at once are one half and then, from its carry, the other, to the last bit."""
    case = made(name, key, jnp.float32)
    whole, end = run(case)
    first, middle = run(case, slice(None, STEPS // 2))
    second, restarted = run(case, slice(STEPS // 2, None), middle)
    for flux, series in whole.items():
        np.testing.assert_array_equal(np.concatenate([first[flux], second[flux]]), series)
    jax.tree.map(np.testing.assert_array_equal, end, restarted)


@all_cases
def test_simulate_is_the_step_in_a_loop(name, key):
    """Nothing but `Model.step`, called for one component of one site after the other, step by step.

    float32; the tolerance is that of sums in another order, carried through 20 steps.
    """
    case = made(name, key, jnp.float32)
    fluxes, end = jax.tree.map(np.asarray, run(case))
    step = eqx.filter_jit(case.model.step)
    for place in np.ndindex(jax.tree.leaves(case.parameters.static)[0].shape[: 1 + case.parameters.components]):
        static, state = jax.tree.map(lambda x, at=place: np.asarray(x)[at], (case.parameters.static, case.state))
        for t in range(STEPS):
            dynamic = {parameter: np.asarray(x)[(t, *place)] for parameter, x in case.parameters.dynamic.items()}
            forcing = {variable: np.asarray(x)[t, place[0]] for variable, x in case.forcing.items()}
            state, now = step(state, forcing, {**static, **dynamic}, np.float32(case.dt))
            for flux, series in fluxes.items():
                np.testing.assert_allclose(series[(t, *place)], now[flux], rtol=1e-4, atol=1e-5)
        for store, value in state.items():
            np.testing.assert_allclose(end[store][place], value, rtol=1e-4, atol=1e-5)


def test_column_holds_what_its_heads_say(key):
    """The water carried from step to step is θ(ψ)·Δz of the heads carried beside it: the iteration has converged.

    To ten roundings of a content of 1, as flows, which round by their own size, come into it.
    """
    case = made("column", key, jnp.float32)
    _, end = run(case)
    water = jax.vmap(case.model.water)(end["pressure_head"], case.parameters.static)
    thickness = np.asarray(case.model.layers.thickness)
    np.testing.assert_allclose(
        np.asarray(end["soil_water"]) / thickness, np.asarray(water) / thickness, rtol=0, atol=1e-6
    )


def test_kernel_compiles_for_a_gpu(key):
    """Forward and backward lower to Triton where no GPU is; that they run there is for a machine that has one."""
    case = replace(made("kernel", key, jnp.float32), engine=lambda *run: Fused()(*run))
    variable, function = everything(case)
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(function(x)[0]["runoff"])))
    gpu = AbstractDevice(device_kind="NVIDIA H200", num_cores=132, platform="gpu")
    with use_abstract_mesh(AbstractMesh((), (), abstract_device=gpu)):
        lowered = gradient.trace(variable).lower(lowering_platforms=("cuda",)).as_text()
    assert lowered.count("__gpu$xla.gpu.triton") == 2
