"""The aquifer beside Theis, Thiem, Dupuit and the recession between rivers."""

from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.analytic import groundwater as exact
from dgeo.check import gradient_kit
from dgeo.check.gradient_ranges import of_precision
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.models import Aquifer, Values, grid

CASES = Cases("groundwater")
PUMPING, TRANSMISSIVITY, STORATIVITY = 864.0, 86.4, 1e-4
CELLS, MIDDLE = 41, 20
FIXED = 1e9  # [m2 d-1]: the conductance of a river that fixes the head


def rows() -> Iterator[KernelRow]:
    """All cases of the aquifer."""
    yield from transient_well()
    yield from steady_well()
    yield dupuit()
    yield from recession()
    yield from free_surface()


def transient_well() -> Iterator[KernelRow]:
    """Theis at 200 m, five cells from a well in a cell of 40 m, after 30 steps that grow with time.

    Backward Euler errs by half a step's share of the rise, each step being an eighth of the time so far, and the cell
    of the well by (Δx/r)²: 2 % in all. The edge is 800 m away, where s is 1e-3 of that here. ∂s/∂ln T is the small
    difference of two such numbers. If T and W grow, and time runs as much faster, heads are the same:
    T·∂s/∂T + W·∂s/∂W = Δt·∂s/∂Δt to the solver's end.
    """
    model, at = Aquifer(grid((CELLS, CELLS), 40.0)), (MIDDLE, MIDDLE + 5)
    steps = jnp.asarray(0.001 * np.diff(np.geomspace(1, 60, 31)))  # 0.06 days in all

    @jax.jit
    def drawdown(logarithms: jax.Array) -> jax.Array:
        transmissivity, storativity, pumping, dt = jnp.exp(logarithms)
        values = _parameters((CELLS, CELLS), transmissivity, storativity)
        forcing = _forcing((CELLS, CELLS)) | {"pumping": jnp.zeros((CELLS, CELLS)).at[MIDDLE, MIDDLE].set(pumping)}
        full = model.at_head(jnp.full((CELLS, CELLS), 1000.0), values)
        end, _ = jax.lax.scan(lambda s, step: (model.step(s, forcing, values, dt * step)[0], None), full, steps)
        return 1000.0 - model.head(end["water"], values)[at]

    given = jnp.log(jnp.asarray([TRANSMISSIVITY, STORATIVITY, PUMPING, 1.0]))
    found, slopes = jax.jit(jax.value_and_grad(drawdown))(given)
    r, t = jnp.asarray(200.0), jnp.sum(steps)
    s = float(jax.jit(exact.theis)(r, t, *(jnp.asarray(x) for x in (PUMPING, TRANSMISSIVITY, STORATIVITY))))
    front = PUMPING / (4 * np.pi * TRANSMISSIVITY) * float(jnp.exp(-(r**2) * STORATIVITY / (4 * TRANSMISSIVITY * t)))
    yield CASES.value("Theis, r = 200 m, t = 0.06 d [m]", found, s, 0.03)
    yield CASES.gradient("Theis, ∂s/∂ln T = −s + Q/(4πT)·e^−u", slopes[0], front - s, 0.05)
    yield CASES.gradient("Theis, ∂s/∂ln S = −Q/(4πT)·e^−u", slopes[1], -front, 0.03)
    yield CASES.gradient("T ∂s/∂T + W ∂s/∂W = Δt ∂s/∂Δt", slopes[0] + slopes[2], float(slopes[3]), 1e-8)


def steady_well() -> Iterator[KernelRow]:
    """Thiem between 5 cells and the edge, which is kept at the exact heads; and reciprocity of two wells.

    The five-point formula errs by (Δx/r)²/12·…, 1/300 of the curvature at r = 5 cells and less beyond: 0.5 % of s.
    The matrix is symmetric, so the drawdown here of a well there is that there of a well here, to the solver's end.
    """
    shape = (CELLS, CELLS)
    model = Aquifer(grid(shape, 10.0))
    y, x = np.meshgrid(*(10.0 * (np.arange(float(CELLS)) - MIDDLE),) * 2, indexing="ij")
    edge = (abs(x) == 200) | (abs(y) == 200)
    radius, thiem = np.sqrt(x**2 + y**2), jax.jit(exact.thiem)
    numbers = (jnp.asarray(200.0), jnp.asarray(PUMPING), jnp.asarray(TRANSMISSIVITY))
    stage = np.where(edge, -np.asarray(thiem(np.maximum(radius, 1.0), *numbers)), 0.0)
    values = {**_parameters(shape, TRANSMISSIVITY, STORATIVITY), "conductance": jnp.asarray(np.where(edge, FIXED, 0.0))}

    @jax.jit
    def head(pumping: jax.Array, stage: jax.Array) -> jax.Array:
        forcing = _forcing(shape) | {"pumping": pumping, "stage": stage}
        return model.steady_head(forcing, values, jnp.zeros(shape))

    def well(row: int, column: int) -> np.ndarray:
        pumping = np.zeros(shape)
        pumping[row, column] = PUMPING
        return pumping

    found = -np.asarray(head(well(MIDDLE, MIDDLE), stage))[MIDDLE, MIDDLE + 5]
    yield CASES.value("Thiem, r = 50 m of 200 m [m]", found, float(thiem(jnp.asarray(50.0), *numbers)), 5e-3)
    here, there = (np.asarray(head(well(*a), 0 * stage))[b] for a, b in (((5, 9), (30, 22)), ((30, 22), (5, 9))))
    yield CASES.value("reciprocity of two wells [m]", here, float(there), 1e-8)


def dupuit() -> KernelRow:
    """h² is a parabola, of which second differences are exact; 1e9 m² d⁻¹ of conductance leave 1e-9 at the rivers."""
    shape = (1, CELLS)
    model = Aquifer(grid(shape, 5.0), confined=False, iterations=10)
    values = _parameters(shape, 8.64, 0.1) | {"conductance": _at_ends(shape, FIXED)}
    forcing = _forcing(shape) | {"recharge": jnp.full(shape, 8.64e-4), "stage": jnp.full(shape, 5.0)}
    head = jax.jit(lambda guess: model.steady_head(forcing, values, guess))(jnp.full(shape, 5.0))
    numbers = (jnp.asarray(x) for x in (100.0, 200.0, 5.0, 8.64e-4, 8.64))
    return CASES.value("Dupuit, halfway of 200 m [m]", head[0, MIDDLE], float(jax.jit(exact.dupuit)(*numbers)), 1e-7)


def recession() -> Iterator[KernelRow]:
    """sin(πx/L) between two rivers falls by 1/(1 + Δt/τ) a step, with a τ that second differences find to (πΔx/L)²/12.

    With 40 cells that is 5e-4, and four times as much with half of them.
    """
    errors = []
    tau = float(exact.recession_time(*(jnp.asarray(x) for x in (100.0, 86.4, 0.1))))
    for cells in (21, 41):
        shape = (1, cells)
        model = Aquifer(grid(shape, 100.0 / (cells - 1)))
        values = _parameters(shape, 86.4, 0.1) | {"conductance": _at_ends(shape, FIXED)}
        start = 10 + jnp.sin(jnp.linspace(0, jnp.pi, cells))[None]
        forcing = _forcing(shape) | {"stage": jnp.full(shape, 10.0)}
        step = jax.jit(partial(_one_step, model, forcing, values))
        first = step(model.at_head(start, values))
        before, after = (model.head(s["water"], values)[0, cells // 2] - 10 for s in (first, step(first)))
        found = 0.01 / (before / after - 1)
        errors.append(abs(found - tau))
    yield CASES.value("time constant of the recession between rivers [d]", found, tau, 1e-3)
    yield CASES.order("time constant, 40 cells for 20", errors, [1 / 20, 1 / 40], 2.0, 0.05)


def free_surface() -> Iterator[KernelRow]:
    """A small free aquifer over an uneven bottom, with a river, a well and recharge: budget and gradients."""
    shape = (3, 4)
    bottom = np.array([[0.0, 0.2, 0.1, 0.0], [0.1, 0.3, 0.2, 0.1], [0.0, 0.1, 0.0, 0.2]])
    model = Aquifer(grid(shape, 50.0, bottom=bottom), confined=False)
    values = _parameters(shape, 5.0, 0.2) | {"conductance": _at_ends(shape, 50.0)}
    forcing = _forcing(shape) | {"recharge": jnp.full(shape, 2e-3), "stage": jnp.full(shape, 4.0)}
    forcing["pumping"] = forcing["pumping"].at[1, 2].set(60.0)
    start = model.at_head(jnp.full(shape, 5.0), values)

    @jax.jit
    def run(water: jax.Array, values: Values, forcing: Values) -> tuple[Values, Values]:
        here = of_precision(model, water)

        def step(state: Values, _: None) -> tuple[Values, Values]:
            return here.step(state, forcing, values, jnp.asarray(2.0, water.dtype))

        return jax.lax.scan(step, {"water": water}, None, length=4)

    end, fluxes = run(start["water"], values, forcing)
    came = 2.0 * sum(jnp.sum(fluxes[name]) for name in ("recharge", "seepage"))
    residual = jnp.sum(end["water"] - start["water"]) - came + 2.0 * jnp.sum(fluxes["pumping"])
    gross = jnp.sum(start["water"]) + 2.0 * jnp.sum(fluxes["recharge"])
    yield CASES.budget("a free surface with river and well", residual, gross, 1e-13)
    inputs = {"water": start["water"], "values": values, "forcing": forcing}
    report = gradient_kit.gradients(run, inputs, key=jax.random.key(0), points=1, transformations=("checkpoint",))
    yield from CASES.gradients("a free surface with river and well", report)
    yield from (CASES.cost("gradient over forward", row.error) for row in report if row.kind == "cost" and row.error)


def _one_step(model: Aquifer, forcing: Values, values: Values, state: Values) -> Values:
    return model.step(state, forcing, values, jnp.asarray(0.01))[0]


def _parameters(shape: tuple[int, int], conductivity: float | jax.Array, storativity: float | jax.Array) -> Values:
    numbers = {"conductivity": conductivity, "storativity": storativity, "conductance": 0.0}
    return {name: jnp.full(shape, value) for name, value in numbers.items()}


def _forcing(shape: tuple[int, int]) -> Values:
    return {name: jnp.zeros(shape) for name in ("recharge", "pumping", "stage")}


def _at_ends(shape: tuple[int, int], conductance: float) -> jax.Array:
    return jnp.zeros(shape).at[:, 0].set(conductance).at[:, -1].set(conductance)
