"""Snow beside closed forms: the rounded degree-day, a melting surface, and the books of a season.

- *rounded degree-day*: f·s·ln(1 + e^{(T − Tm)/s}) is f·s·ln 2 at T = Tm: 2.7726 mm for f = 4, s = 1.
- *melting surface*: a ripe pack in windless air of 0 °C whose vapour is that of ice at 0 °C gains (1 − α)·S +
  ε·(R − σ·273.15⁴) + ground, all of which melts c·dt·0.0864/0.334 mm in a day, c = W/(W + 5 mm); the same equation
  gives the derivatives by S and by fresh albedo. Snow as fresh as it can be keeps its albedo to the end of the step.
- *warming*: a pack of −19 °C in milder air, in 8 and 16 steps a day beside 2048: implicit Euler is of first order.
- *season*: 200 days of snowfall and melt; water and heat are stores that close each by itself.
"""

import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.check.gradient_run import median_time
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.check.ledger import ledger
from dgeo.engine import Parameters, Segment, simulate
from dgeo.models import Values, snowpack
from dgeo.numerics import Thresholds
from dgeo.physics import degree_day

SNOW = Cases("snow")
DAYS = 200
CALM = {"precipitation": 0.0, "temperature": 0.0, "shortwave_radiation": 250.0, "longwave_radiation": 300.0,
        "wind_speed": 0.0, "vapour_pressure": 611.2}  # fmt: skip


def rows() -> Iterator[KernelRow]:
    """All cases."""
    zero = jnp.asarray(0.0)
    melt = degree_day.melt(zero, zero, jnp.asarray(4.0), thresholds=Thresholds(1.0))
    yield SNOW.value("rounded degree-day at its threshold [mm/d]", melt, 4 * math.log(2), 1e-12)
    yield from _melting()
    yield _warming()
    yield from _season()


def _melting() -> Iterator[KernelRow]:
    """A ripe pack of 100 mm that holds no water, in sunshine."""
    pack = snowpack()
    numbers = {name: jnp.asarray(parameter.default) for name, parameter in pack.parameters.items()}
    numbers |= {"water_holding_capacity": jnp.asarray(0.0)}
    state = {"snow_water_equivalent": jnp.asarray(100.0), "snow_heat": jnp.asarray(0.0),
             "albedo": numbers["fresh_albedo"], "surface_temperature": jnp.asarray(0.0)}  # fmt: skip

    def melted(shortwave: jax.Array, albedo: jax.Array) -> jax.Array:
        forcing = {**{name: jnp.asarray(x) for name, x in CALM.items()}, "shortwave_radiation": shortwave}
        fresh = {**numbers, "fresh_albedo": albedo}
        _, fluxes = pack.step({**state, "albedo": albedo}, forcing, fresh, jnp.asarray(1.0))
        return fluxes["outflow"]

    found, (by_shortwave, by_albedo) = _jit(jax.value_and_grad(melted, argnums=(0, 1)))(
        jnp.asarray(250.0), numbers["fresh_albedo"]
    )
    to_melt = 100 / 105 * 0.0864 / 0.334
    gain = 0.15 * 250 + 0.98 * (300 - 5.670e-8 * 273.15**4) + 2.0
    yield SNOW.value("melting surface [mm/d]", found, to_melt * gain, 1e-9)
    yield SNOW.gradient("melting surface, d melt / d shortwave", by_shortwave, to_melt * 0.15, 1e-9)
    yield SNOW.gradient("melting surface, d melt / d albedo", by_albedo, -to_melt * 250, 1e-9)


def _warming() -> KernelRow:
    pack = snowpack()
    numbers = {name: jnp.asarray(parameter.default) for name, parameter in pack.parameters.items()}
    forcing = {name: jnp.asarray(x) for name, x in {**CALM, "temperature": -4.0, "shortwave_radiation": 40.0}.items()}
    state = {"snow_water_equivalent": jnp.asarray(200.0), "snow_heat": jnp.asarray(-8.0),
             "albedo": jnp.asarray(0.8), "surface_temperature": jnp.asarray(-19.0)}  # fmt: skip

    @_jit
    def heat(steps: jax.Array) -> jax.Array:
        dt = 1 / steps.astype(float)
        return jax.lax.fori_loop(0, steps, lambda _, s: pack.step(s, forcing, numbers, dt)[0], state)["snow_heat"]

    coarse, fine, exact = (float(heat(jnp.asarray(steps))) for steps in (8, 16, 2048))
    return SNOW.order("a cold pack that warms for a day", [coarse - exact, fine - exact], [1 / 8, 1 / 16], 1.0, 0.1)


def _season() -> Iterator[KernelRow]:
    pack = snowpack()
    one = {name: jnp.asarray([parameter.default]) for name, parameter in pack.parameters.items()}
    day = np.arange(DAYS)
    weather = {
        "precipitation": np.where(day % 5 == 0, 20.0, 0.0),
        "temperature": -10 + 20 * (day / DAYS) ** 2 + 3 * np.sin(day),
        "shortwave_radiation": 60 + 200 * day / DAYS, "longwave_radiation": 230 + 70 * day / DAYS,
        "wind_speed": 2 + np.cos(day), "vapour_pressure": 250 + 350 * day / DAYS,
    }  # fmt: skip
    forcing = {name: jnp.asarray(x)[:, None] for name, x in weather.items()}
    before = {name: jnp.zeros(1) for name in pack.states}

    def run(logarithm: jax.Array) -> tuple[Values, Values]:
        rougher = {**one, "roughness_length": one["roughness_length"] * jnp.exp(logarithm)}
        return simulate(pack, forcing, Parameters(rougher, {}), before, outputs=(*pack.fluxes, *pack.states))

    def snow_days(logarithm: jax.Array, segment: Segment = None) -> jax.Array:
        rougher = {**one, "roughness_length": one["roughness_length"] * jnp.exp(logarithm)}
        outputs = ("snow_water_equivalent",)
        series, _ = simulate(pack, forcing, Parameters(rougher, {}), before, outputs=outputs, segment=segment)
        return jnp.mean(series["snow_water_equivalent"])

    still = jnp.asarray(0.0)
    value, gradient = _jit(run), _jit(jax.grad(snow_days))
    fluxes, after = value(still)
    books = ledger(pack, before, after, fluxes).store_residuals
    for store, inflow in (("snow_water_equivalent", "snowfall"), ("snow_heat", "net_heat")):
        yield SNOW.budget(f"season, {store}", books[store][0], jnp.sum(jnp.abs(fluxes[inflow])), 1e-12)
    mean = [jnp.mean(value(jnp.asarray(x))[0]["snow_water_equivalent"]) for x in (-1e-4, 1e-4)]
    slope = gradient(still)
    # central differences over 2e-4 err by 1e-8 of the third derivative, and where a day begins to melt or not
    yield SNOW.gradient("season, d SWE / d ln z0 beside differences", slope, float((mean[1] - mean[0]) / 2e-4), 1e-5)
    checkpointed = _jit(jax.grad(lambda x: snow_days(x, "sqrt")))(still)
    yield SNOW.gradient("season, d SWE / d ln z0, checkpointed beside not", checkpointed, float(slope), 1e-12)
    forward = _jit(lambda x: jax.jvp(snow_days, (x,), (jnp.ones_like(x),))[1])(still)
    yield SNOW.gradient("season, d SWE / d ln z0, forward mode beside backward", forward, float(slope), 1e-10)
    yield SNOW.cost("season, gradient / forward", _seconds(gradient, still) / _seconds(value, still))


def _jit(function: Any) -> Any:
    """Compiled in haste, as each runs once."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def _seconds(function: Any, x: jax.Array) -> float:
    return median_time(lambda: jax.block_until_ready(function(x)))
