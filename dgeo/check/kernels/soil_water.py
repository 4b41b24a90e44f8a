"""Richards' equation and Green–Ampt beside published columns, exact profiles and identities.

- *Haverkamp's sand* and the *New Mexico soil* of Celia, Bouloutas & Zarba (1990). The exact heads are those of an
  independent program with nodes instead of layers, on 0.1 cm and 0.1 s (sand), extrapolated here from two grids and
  steps of our own; what is left is the front, 16 cm of head for every cm, so 0.1 cm of head is 0.06 mm of front.
- *Gardner*: the steady profile under a recharge of a tenth of Ks, in closed form.
- *hydrostatic*: a closed column above a water table keeps ψ = −z, flows and all, to rounding.
- *time scaling*: nothing in ∂θ/∂t = ∇·K(∇ψ + 1) but Ks has the unit of time, so that d/d ln Ks = d/d ln t, also in
  the implicit Euler scheme, for boundaries of fixed head.
- *Green–Ampt*: Example 4.3.1 and the ponding times of Chow, Maidment & Mays (1988), to the digits of our own program.
"""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.analytic.unsaturated import steady_head
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.check.gradient_run import median_time
from dgeo.check.ledger import ledger
from dgeo.engine import Parameters, Segment, simulate
from dgeo.models import Formula, Values
from dgeo.models.column import Layers
from dgeo.models.richards import Richards, richards
from dgeo.physics import green_ampt, soil_hydraulics

SOIL = Cases("soil water")
SECOND, CM = 1 / 86400, 0.01  # [d], [m]
SAND = {
    "retention_constant": 1.611e6 * CM**3.96, "retention_exponent": 3.96, "conductivity_constant": 1.175e6 * CM**4.74,
    "conductivity_exponent": 4.74, "saturated_water": 0.287, "residual_water": 0.075,
    "saturated_conductivity": 0.00944 * CM / SECOND, "specific_storage": 0.0,
}  # fmt: skip
LOAM = {
    "alpha": 3.35, "n": 2.0, "saturated_water": 0.368, "residual_water": 0.102,
    "saturated_conductivity": 0.00922 * CM / SECOND, "specific_storage": 0.0,
}  # fmt: skip
GARDNER = {"sorptive_number": 1.0, "saturated_conductivity": 1.0, "saturated_water": 0.4, "residual_water": 0.1,
           "specific_storage": 0.0}  # fmt: skip

TWO_METRES_UP = -1.505971  # [m] ln(0.1 + 0.9·e^{−2})


def rows() -> Iterator[KernelRow]:
    """All cases."""
    yield from _sand()
    yield from _loam()
    yield from _gardner()
    yield from _green_ampt()


def _run(
    column: Richards, parameters: dict[str, float], heads: tuple[float, float, float], dt: float, steps: int
) -> tuple[Values, Values, Values]:
    """A column from one head between two others: its fluxes, its state before and after."""
    first, top, bottom = heads
    one = {name: jnp.asarray([value]) for name, value in parameters.items()}
    forcing = {"surface_head": jnp.full((steps, 1), top), "bottom_head": jnp.full((steps, 1), bottom)}
    before = jax.vmap(column.at_head)(jnp.full((1, column.layers.thickness.size), first), one)
    fluxes, after = _jit(lambda p: simulate(column, forcing, Parameters(p, {}), before, dt=dt))(one)
    return fluxes, before, after


def _sand() -> Iterator[KernelRow]:
    laws = {
        "saturation": Formula(soil_hydraulics.haverkamp_saturation),
        "conductivity": Formula(soil_hydraulics.haverkamp_conductivity),
    }
    column = richards(Layers.even(0.4, 160), top="head", bottom="head", **laws)
    fluxes, before, after = _run(column, SAND, (-0.615, -0.207, -0.615), SECOND, 360)
    for depth, exact in ((0.05, -21.943), (0.10, -25.074), (0.15, -37.109)):
        found = np.interp(depth, column.layers.centre, after["pressure_head"][0]) / CM
        # 1 s steps lag the front by 0.03 cm of head where it is flat and by 0.1 where it is steep
        yield SOIL.value(f"sand of Celia, head at {depth:.2f} m [cm]", found, exact, 2e-3)
    closed = ledger(column, before, after, fluxes, SECOND)
    gross = closed.initial_storage + closed.gross_inflow
    yield SOIL.budget("sand of Celia", np.max(np.abs(closed.residual)), np.max(gross), 1e-13)
    # the textbook grid's storage leaves out the half cell at the boundary, 0.05 mm of 0.17: 2.3734 + 0.0085 cm
    infiltrated = float(jnp.sum(fluxes["infiltration"])) * SECOND / CM
    yield SOIL.value("sand of Celia, infiltration [cm]", infiltrated, 2.3734 + 0.0085, 2e-3)
    yield from _sand_gradients(richards(Layers.even(0.4, 40), top="head", bottom="head", **laws))


def _loam() -> Iterator[KernelRow]:
    laws = {"conductivity": Formula(soil_hydraulics.van_genuchten_conductivity)}
    column = richards(Layers.even(0.6, 120), top="head", bottom="head", **laws)
    _, _, after = _run(column, LOAM, (-10.0, -0.75, -10.0), 1 / 288, 288)
    for depth, exact in ((0.10, -76.87), (0.20, -80.28), (0.30, -86.73), (0.40, -100.46)):
        found = np.interp(depth, column.layers.centre, after["pressure_head"][0]) / CM
        yield SOIL.value(f"New Mexico soil, head at {depth:.2f} m [cm]", found, exact, 5e-3)


def _gardner() -> Iterator[KernelRow]:
    (coarse, _), (head, slope) = _steady(20), _steady(40)
    errors = [abs(coarse - TWO_METRES_UP), abs(head - TWO_METRES_UP)]
    # layers of 7.5 cm err by their square
    yield SOIL.value("recharge of Ks/10, head 2 m above a water table [m]", head, TWO_METRES_UP, 2e-4)
    yield SOIL.order("recharge of Ks/10, heads", errors, [1 / 20, 1 / 40], 2.0, 0.1)
    closed = jax.grad(lambda ln_q: steady_head(jnp.asarray(2.0), 0.1 * jnp.exp(ln_q), jnp.asarray(1.0)))(0.0)
    yield SOIL.gradient("recharge of Ks/10, d head / d ln recharge", slope, closed, 1e-3)


def _steady(layers: int) -> tuple[float, float]:
    """The head 2 m above a water table, and its derivative by ln(recharge), after three steps of a thousand years."""
    laws = {
        "saturation": Formula(soil_hydraulics.gardner_saturation),
        "conductivity": Formula(soil_hydraulics.gardner_conductivity),
    }
    column = richards(Layers.even(3.0, layers), top="flux", bottom="head", **laws)
    one = {name: jnp.asarray([value]) for name, value in GARDNER.items()}
    before = jax.vmap(column.at_head)(-(3.0 - column.layers.centre)[None], one)

    def head(ln_recharge: jax.Array) -> jax.Array:
        forcing = {"surface_flux": jnp.full((3, 1), 0.1) * jnp.exp(ln_recharge), "bottom_head": jnp.zeros((3, 1))}
        _, after = simulate(column, forcing, Parameters(one, {}), before, dt=365e3)
        return jnp.interp(1.0, column.layers.centre, after["pressure_head"][0])

    value, slope = _jit(jax.value_and_grad(head))(jnp.asarray(0.0))
    return float(value), float(slope)


def _sand_gradients(column: Richards) -> Iterator[KernelRow]:
    one = {name: jnp.asarray([value]) for name, value in SAND.items()}
    forcing = {"surface_head": jnp.full((36, 1), -0.207), "bottom_head": jnp.full((36, 1), -0.615)}
    before = jax.vmap(column.at_head)(jnp.full((1, 40), -0.615), one)

    def infiltrated(logarithms: jax.Array, segment: Segment = None) -> jax.Array:
        faster = {**one, "saturated_conductivity": one["saturated_conductivity"] * jnp.exp(logarithms[0])}
        dt = 10 * SECOND * jnp.exp(logarithms[1])
        fluxes, after = simulate(column, forcing, Parameters(faster, {}), before, dt=dt, segment=segment)
        return jnp.concatenate([after["pressure_head"][0], dt * jnp.sum(fluxes["infiltration"], axis=0)])

    still, random = jnp.zeros(2), np.random.default_rng(0)
    weights, direction = jnp.asarray(random.normal(size=41)), jnp.asarray(random.normal(size=2))
    forward = _jit(lambda x, v: jax.jvp(infiltrated, (x,), (v,))[1])
    pushed = float(jnp.vdot(weights, forward(still, direction)))
    for segment in (None, "sqrt"):
        pull = _jit(jax.grad(lambda x, s=segment: jnp.vdot(weights, infiltrated(x, s))))
        slope = pull(still)
        name = "all states kept" if segment is None else "checkpointed"
        # the same derivative in two orders of summation, through 36 solves
        yield SOIL.gradient(f"sand, dot product, {name}", jnp.vdot(slope, direction), pushed, 1e-10)
    yield SOIL.gradient("sand, time scaling: d/d ln Ks beside d/d ln t", slope[0], float(slope[1]), 1e-10)
    value, gradient = _jit(infiltrated), _jit(jax.grad(lambda x: jnp.vdot(weights, infiltrated(x))))
    yield SOIL.cost("sand, gradient / forward", _seconds(gradient, still) / _seconds(value, still))


def _green_ampt() -> Iterator[KernelRow]:
    """Silt loam: K = 0.65 cm h⁻¹, ψ = 16.68 cm, Δθ = 0.3402; the book prints 3.17, 1.81, 0.17 h, 0.85 and 10.5."""
    soil = jnp.asarray(0.65), jnp.asarray(16.68), jnp.asarray(0.3402)

    def after(hours: jax.Array) -> jax.Array:
        return green_ampt.infiltrated_of_ponded(hours, *soil)

    infiltrated, slope = jax.value_and_grad(after)(jnp.asarray(1.0))
    rate = green_ampt.capacity(infiltrated, *soil)
    yield SOIL.value("Green–Ampt, Chow 4.3.1, infiltrated [cm]", infiltrated, 3.166, 2e-4)
    yield SOIL.value("Green–Ampt, Chow 4.3.1, capacity [cm/h]", rate, 1.815, 3e-4)
    yield SOIL.gradient("Green–Ampt, dF/dt is the capacity", slope, float(rate), 1e-12)
    for rain, hours, depth in ((5.0, 10.175 / 60, 0.848), (1.0, 10.54, 10.54)):
        ponding = green_ampt.infiltrated_at_ponding(jnp.asarray(rain), *soil)
        yield SOIL.value(f"Green–Ampt, rain of {rain:g} cm/h, at ponding [cm]", ponding, depth, 5e-4)
        yield SOIL.value(f"Green–Ampt, rain of {rain:g} cm/h, ponds after [h]", ponding / rain, hours, 5e-4)


def _jit(function: Any) -> Any:
    """Compiled in haste, as each runs once."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def _seconds(function: Any, x: jax.Array) -> float:
    return median_time(lambda: jax.block_until_ready(function(x)))
