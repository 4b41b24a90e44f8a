"""Richards' equation and Green–Ampt beside published columns, exact profiles and identities.

- *Haverkamp's sand* and the *New Mexico soil* of Celia, Bouloutas & Zarba (1990). The exact heads are those of an
  independent program with nodes instead of layers, on 0.1 cm and 0.1 s (sand), so
  that what differs are our layers and steps: 0.1 cm of head in the front, which is 16 cm of head steep for every cm.
- *Gardner*: the steady profile under a recharge of a tenth of Ks, in closed form.
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
from dgeo.check.gradient_run import median_time
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.check.ledger import ledger
from dgeo.engine import Parameters, Segment, simulate
from dgeo.models import Formula, Layers, Richards, Values, richards
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


def _sand() -> Iterator[KernelRow]:
    laws: dict[str, Any] = {
        "saturation": Formula(soil_hydraulics.haverkamp_saturation),
        "conductivity": Formula(soil_hydraulics.haverkamp_conductivity),
    }
    column = richards(Layers.even(0.4, 80), top="head", bottom="head", **laws)
    run, before = _between_heads(column, SAND, (-0.615, -0.207, -0.615), 2.5 * SECOND, 144)
    still = jnp.zeros(2)
    value = _jit(run)
    fluxes, after = value(still)
    for depth, exact in ((0.05, -21.943), (0.10, -25.074), (0.15, -37.109)):
        # steps of 2.5 s and layers of 0.5 cm lag the front: by 0.1 cm of head where it is steepest
        yield SOIL.value(f"sand of Celia, head at {depth:.2f} m [cm]", _head_at(column, after, depth), exact, 3e-3)
    closed = ledger(column, before, after, fluxes, 2.5 * SECOND)
    yield SOIL.budget("sand of Celia", closed.residual[0], closed.initial_storage[0] + closed.gross_inflow[0], 1e-13)
    # the storage of that program leaves out the half cell at the surface, 0.05 cm that gain 0.17: 2.3734 + 0.0085 cm
    infiltrated = float(jnp.sum(fluxes["infiltration"])) * 2.5 * SECOND / CM
    yield SOIL.value("sand of Celia, infiltration [cm]", infiltrated, 2.3734 + 0.0085, 3e-3)
    weights = np.random.default_rng(0).normal(size=80)

    def weighted(logarithms: jax.Array, segment: Segment = None) -> jax.Array:
        return jnp.vdot(weights, run(logarithms, segment)[1]["pressure_head"])

    gradient = _jit(jax.grad(weighted))
    slope, checkpointed = gradient(still), _jit(jax.grad(lambda x: weighted(x, "sqrt")))(still)
    yield SOIL.gradient("sand, time scaling: d/d ln Ks beside d/d ln t", slope[0], float(slope[1]), 1e-10)
    yield SOIL.gradient("sand, d/d ln Ks, checkpointed beside not", checkpointed[0], float(slope[0]), 1e-12)
    along = jnp.asarray([0.7, -0.4])
    forward = _jit(lambda x: jax.jvp(weighted, (x,), (along,))[1])(still)
    yield SOIL.gradient("sand, dot product: forward mode beside backward", forward, float(slope @ along), 1e-10)
    # central differences over 1e-5 err by 1e-10 of the third derivative, and 1e-16/1e-5 of the value
    lower, upper = (np.vdot(weights, value(np.asarray([x, 0.0]))[1]["pressure_head"]) for x in (-1e-5, 1e-5))
    yield SOIL.gradient("sand, d/d ln Ks beside central differences", slope[0], float((upper - lower) / 2e-5), 1e-6)
    yield SOIL.cost("sand, gradient / forward", _seconds(gradient, still) / _seconds(value, still))


def _between_heads(
    column: Richards, parameters: dict[str, float], heads: tuple[float, float, float], dt: float, steps: int
) -> tuple[Any, Values]:
    """A run from one head between two others as a function of (ln Ks, ln t), both relative; and its first state."""
    first, top, bottom = heads
    one = {name: jnp.asarray([value]) for name, value in parameters.items()}
    forcing = {"surface_head": jnp.full((steps, 1), top), "bottom_head": jnp.full((steps, 1), bottom)}
    before = jax.jit(jax.vmap(column.at_head))(np.full((1, column.layers.thickness.size), first), one)

    def run(logarithms: jax.Array, segment: Segment = None) -> tuple[Values, Values]:
        faster = {**one, "saturated_conductivity": one["saturated_conductivity"] * jnp.exp(logarithms[0])}
        scaled = dt * jnp.exp(logarithms[1])
        return simulate(column, forcing, Parameters(faster, {}), before, dt=scaled, segment=segment)

    return run, before


def _head_at(column: Richards, state: Values, depth: float) -> float:
    """In cm, between the two nearest layers."""
    return float(np.interp(depth, column.layers.centre, state["pressure_head"].reshape(-1))) / CM


def _loam() -> Iterator[KernelRow]:
    laws: dict[str, Any] = {"conductivity": Formula(soil_hydraulics.van_genuchten_conductivity)}
    column = richards(Layers.even(0.6, 120), top="head", bottom="head", **laws)
    run, _ = _between_heads(column, LOAM, (-10.0, -0.75, -10.0), 1 / 288, 288)
    _, after = _jit(run)(jnp.zeros(2))
    for depth, exact in ((0.10, -76.87), (0.20, -80.28), (0.30, -86.73), (0.40, -100.46)):
        yield SOIL.value(f"New Mexico soil, head at {depth:.2f} m [cm]", _head_at(column, after, depth), exact, 2e-3)


def _gardner() -> Iterator[KernelRow]:
    coarse = float(_jit(_steady(20))(0.0))
    head, slope = _jit(jax.value_and_grad(_steady(40)))(0.0)
    # layers of 7.5 cm err by their square
    yield SOIL.value("recharge of Ks/10, head 2 m above a water table [m]", head, TWO_METRES_UP, 2e-4)
    errors = [abs(coarse - TWO_METRES_UP), abs(float(head) - TWO_METRES_UP)]
    yield SOIL.order("recharge of Ks/10, heads", errors, [1 / 20, 1 / 40], 2.0, 0.1)
    here = jax.grad(lambda ln_q: steady_head(jnp.asarray(2.0), 0.1 * jnp.exp(ln_q), jnp.asarray(1.0)))
    closed = jax.jit(here)(0.0)
    yield SOIL.gradient("recharge of Ks/10, d head / d ln recharge", slope, float(closed), 1e-3)


def _steady(layers: int) -> Any:
    """The head 2 m above a water table as a function of ln(recharge), after one step of 30,000 years."""
    laws: dict[str, Any] = {
        "saturation": Formula(soil_hydraulics.gardner_saturation),
        "conductivity": Formula(soil_hydraulics.gardner_conductivity),
    }
    column = richards(Layers.even(3.0, layers), top="flux", bottom="head", **laws)
    parameters = {name: jnp.asarray(value) for name, value in GARDNER.items()}
    before = jax.jit(lambda: column.at_head(column.layers.centre - 3.0, parameters))()

    def head(ln_recharge: Any) -> jax.Array:
        forcing = {"surface_flux": 0.1 * jnp.exp(ln_recharge), "bottom_head": jnp.asarray(0.0)}
        after, _ = column.step(before, forcing, parameters, jnp.asarray(1e7))
        return jnp.interp(1.0, column.layers.centre, after["pressure_head"])

    return head


def _green_ampt() -> Iterator[KernelRow]:
    """Silt loam: K = 0.65 cm h⁻¹, ψ = 16.68 cm, Δθ = 0.3402; the book prints 3.17, 1.81, 0.17 h, 0.85 and 10.5."""
    soil = jnp.asarray(0.65), jnp.asarray(16.68), jnp.asarray(0.3402)

    def after(hours: jax.Array) -> jax.Array:
        return green_ampt.infiltrated_of_ponded(hours, *soil)

    infiltrated, slope = jax.jit(jax.value_and_grad(after))(jnp.asarray(1.0))
    rate = jax.jit(green_ampt.capacity)(infiltrated, *soil)
    yield SOIL.value("Green–Ampt, Chow 4.3.1, infiltrated [cm]", infiltrated, 3.166, 2e-4)
    yield SOIL.value("Green–Ampt, Chow 4.3.1, capacity [cm/h]", rate, 1.815, 3e-4)
    yield SOIL.gradient("Green–Ampt, dF/dt is the capacity", slope, float(rate), 1e-12)
    at_ponding = jax.jit(green_ampt.infiltrated_at_ponding)
    for rain, hours, depth in ((5.0, 10.175 / 60, 0.848), (1.0, 10.54, 10.54)):
        ponding = float(at_ponding(jnp.asarray(rain), *soil))
        yield SOIL.value(f"Green–Ampt, rain of {rain:g} cm/h, at ponding [cm]", ponding, depth, 5e-4)
        yield SOIL.value(f"Green–Ampt, rain of {rain:g} cm/h, ponds after [h]", ponding / rain, hours, 5e-4)


def _jit(function: Any) -> Any:
    """Compiled in haste, as each runs once."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def _seconds(function: Any, x: jax.Array) -> float:
    return median_time(lambda: jax.block_until_ready(function(x)))
