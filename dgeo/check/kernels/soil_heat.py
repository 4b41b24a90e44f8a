"""Heat in soil beside Fourier's damped wave and the freezing of still water.

- *damped wave*: a daily wave in a uniform soil with κ = 5e-7 m² s⁻¹, d = 0.1172646 m, from its exact state on, for a
  day. The implicit step is of first order, so the error halves with it.
- *Stefan, Neumann*: water at 0 °C below a surface at −10 °C freezes 35.391 cm in ten days without the heat capacity
  of ice, and 35.027 cm with it. Layers of 1 cm freeze one after the other, which makes the front a staircase whose
  steps are less than a hundredth of what there is.
- *time scaling*: nothing but the conductivity has the unit of time, so that d/d ln k = d/d ln t. (Water at 0 °C
  conducts nothing, whatever its conductivity.)
"""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.analytic import soil_temperature as exact
from dgeo.check.gradient_run import median_time
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.check.ledger import ledger
from dgeo.engine import Parameters, Segment, simulate
from dgeo.models import Layers, Values, soil_heat_column

HEAT = Cases("soil heat")
DAY = 86400.0  # [s]
LAST = 60  # steps of a twentieth of a day
DIFFUSIVITY, AMPLITUDE = 5e-7, 10.0  # [m2 s-1], [K]
SOIL = {"latent_heat": 0.0, "freezing_range": 0.0, "thawed_heat_capacity": 2.0, "frozen_heat_capacity": 2.0,
        "thawed_conductivity": 1.0, "frozen_conductivity": 1.0, "geothermal_flux": 0.0}  # fmt: skip
ICE = {"latent_heat": 917 * 0.334, "freezing_range": 0.0, "thawed_heat_capacity": 4.2,
       "frozen_heat_capacity": 917 * 2108e-6, "thawed_conductivity": 2.22, "frozen_conductivity": 2.22,
       "geothermal_flux": 0.0}  # fmt: skip


def rows() -> Iterator[KernelRow]:
    """All cases."""
    depth = jax.jit(exact.damping_depth)(jnp.asarray(DIFFUSIVITY), jnp.asarray(2 * np.pi / DAY))
    yield HEAT.value("damping depth of a day [m]", depth, 0.1172646, 1e-6)
    errors = [_wave(steps) for steps in (96, 192)]
    yield HEAT.value("damped wave, largest error over its amplitude", errors[1], 0.0, 0.01, relative=False)
    yield HEAT.order("damped wave, in time", errors, [1 / 96, 1 / 192], 1.0, 0.1)
    yield from _freezing()


def _wave(steps: int) -> float:
    """The largest error after a day over the amplitude, in layers of 1 cm to 1.2 m."""
    column = soil_heat_column(Layers.even(1.2, 120))
    one = {name: jnp.asarray([value]) for name, value in SOIL.items()}
    wave = (jnp.asarray(0.0), jnp.asarray(AMPLITUDE), jnp.asarray(DIFFUSIVITY), jnp.asarray(2 * np.pi / DAY))
    periodic = jax.jit(exact.periodic)
    first = np.asarray(periodic(column.layers.centre, jnp.asarray(0.0), *wave))
    before = jax.jit(jax.vmap(column.at_temperature))(first[None], one)
    share = np.arange(1.0, steps + 1) / steps
    forcing = {"surface_temperature": jnp.asarray(AMPLITUDE * np.sin(2 * np.pi * share)[:, None])}
    _, after = _jit(lambda p: simulate(column, forcing, Parameters(p, {}), before, dt=1 / steps))(one)
    last = np.asarray(periodic(column.layers.centre, jnp.asarray(DAY), *wave))
    return float(np.max(np.abs(np.asarray(after["temperature"])[0] - last))) / AMPLITUDE


def _freezing() -> Iterator[KernelRow]:
    column = soil_heat_column(Layers.even(0.5, 50))
    ice = (jnp.asarray(10 * DAY), jnp.asarray(10.0), jnp.asarray(2.22), jnp.asarray(917 * 3.34e5))
    capacity = jnp.asarray(917 * 2108.0)
    constant = jax.jit(exact.neumann_constant)(float(capacity) * 10 / float(ice[3]))
    yield HEAT.value("Neumann's constant for ice", constant, 0.1758178, 1e-6)
    yield HEAT.value("Stefan, ice after ten days [m]", jax.jit(exact.stefan_depth)(*ice), 0.35391, 2e-5)
    neumann = jax.jit(exact.neumann_depth)(*ice, capacity)
    yield HEAT.value("Neumann, ice after ten days [m]", neumann, 0.35027, 2e-5)
    run, before = frozen(column)
    value, still = _jit(run), jnp.zeros(2)
    _, depth, fluxes, after = value(still)
    yield HEAT.value("ice after ten days, model [m]", depth, float(neumann), 0.01)
    profile = np.asarray(jax.jit(exact.neumann_temperature)(column.layers.centre, *ice, capacity))
    error = np.max(np.abs(np.asarray(after["temperature"])[0] - profile)) / 10
    yield HEAT.value("ice after ten days, largest error over 10 K", error, 0.0, 0.02, relative=False)
    closed = ledger(column, before, after, fluxes, 0.05)
    yield HEAT.budget("ice", closed.residual[0], np.sum(np.abs(fluxes["ground_heat_flux"])) * 0.05, 1e-12)
    gradient = _jit(jax.grad(lambda x: run(x)[0]))
    slope = gradient(still)
    checkpointed = _jit(jax.grad(lambda x: run(x, "sqrt")[0]))(still)
    # a layer that freezes holds the front: in a mean over the five of the last three days a fifth of a tenth is left
    times = jnp.asarray(10 * DAY * np.linspace(0.7 + 1 / 200, 1.0, LAST))
    smooth = jax.grad(
        lambda ln_k: jnp.mean(exact.neumann_depth(times, ice[1], ice[2] * jnp.exp(ln_k), ice[3], capacity))
    )
    yield HEAT.gradient("ice, d depth / d ln k", slope[0], float(jax.jit(smooth)(0.0)), 0.04)
    yield HEAT.gradient("ice, time scaling: d/d ln k beside d/d ln t", slope[0], float(slope[1]), 1e-10)
    yield HEAT.gradient("ice, d depth / d ln k, checkpointed beside not", checkpointed[0], float(slope[0]), 1e-12)
    along = jnp.asarray([0.7, -0.4])
    forward = _jit(lambda x: jax.jvp(lambda x: run(x)[0], (x,), (along,))[1])(still)
    yield HEAT.gradient("ice, dot product: forward mode beside backward", forward, float(slope @ along), 1e-10)
    yield HEAT.cost("ice, gradient / forward", _seconds(gradient, still) / _seconds(value, still))


def frozen(column: Any) -> tuple[Any, Values]:
    """Ten days as a function of (ln k, ln t), both relative.

    Gives the frozen depth, as a mean of the last three days and at their end, the fluxes and the last state.
    """
    one = {name: jnp.asarray([value]) for name, value in ICE.items()}
    before = jax.jit(jax.vmap(column.at_temperature))(np.zeros((1, column.layers.thickness.size)), one)
    forcing = {"surface_temperature": jnp.asarray(np.full((200, 1), -10.0))}

    def run(logarithms: jax.Array, segment: Segment = None) -> tuple[jax.Array, jax.Array, Values, Values]:
        faster = {name: x * jnp.exp(logarithms[0]) if "conductivity" in name else x for name, x in one.items()}
        dt = 0.05 * jnp.exp(logarithms[1])
        outputs = (*column.fluxes, "heat")
        series, after = simulate(
            column, forcing, Parameters(faster, {}), before, dt=dt, segment=segment, outputs=outputs
        )
        share = jnp.clip(-series["heat"][-LAST:, 0] / (0.01 * ICE["latent_heat"]), 0.0, 1.0)
        depth = 0.01 * jnp.sum(share, axis=-1)
        return jnp.mean(depth), depth[-1], series, after

    return run, before


def _jit(function: Any) -> Any:
    """Compiled in haste, as each runs once."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def _seconds(function: Any, x: jax.Array) -> float:
    return median_time(lambda: jax.block_until_ready(function(x)))
