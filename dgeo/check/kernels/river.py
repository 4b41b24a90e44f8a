"""The river network beside textbook routing, uniform flow, and the linear theory of flood waves."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.analytic import advection_dispersion
from dgeo.check import gradient_kit
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.models import Reaches, River, Values, reaches
from dgeo.physics import muskingum

CASES = Cases("river")
HOUR = 3600.0
SLOPE, ROUGHNESS, WIDTH, FLOW = 1e-3, 0.03, 50.0, 50.0

# Chow, Maidment & Mays (1988) Applied Hydrology, Example 8.4.1 and Table 8.4.1 [ft³ s⁻¹], K = 2.3 h, X = 0.15
INFLOW = (93, 137, 208, 320, 442, 546, 630, 678, 691, 675, 634, 571, 477, 390, 329, 247, 184, 134, 108, 90)
OUTFLOW = (85, 91, 114, 159, 233, 324, 420, 509, 578, 623, 642, 635, 603, 546, 479, 413, 341, 274, 215, 170)


def rows() -> Iterator[KernelRow]:
    """All cases of the river network."""
    yield textbook()
    yield from uniform_flow()
    yield from flood_wave()
    yield from network()


def textbook() -> KernelRow:
    """Linear storage V = K·Q' with the weight X + Δt/2K; V₀ holds the first pair of the table.

    The table is rounded to 1 at every step, and 642 of its peak is known to ½: errors stay below 1.
    """
    k, x = 2.3, 0.15
    x_here = x + 1 / (2 * k)

    def step(volume: jax.Array, inflow: jax.Array) -> tuple[jax.Array, jax.Array]:
        arguments = (volume, inflow, jnp.asarray(x_here), jnp.asarray(1.0))
        flow = muskingum.outflow(lambda v, k: v / k, jnp.asarray(k), *arguments)
        return volume + inflow - flow, flow

    start = jnp.asarray(k * (x_here * INFLOW[0] + (1 - x_here) * OUTFLOW[0]))
    _, flow = jax.lax.scan(step, start, jnp.asarray(INFLOW[1:], float))
    worst = jnp.max(jnp.abs(flow - jnp.asarray(OUTFLOW[1:], float)))
    return CASES.value("largest difference from Chow's Table 8.4.1 [ft3 s-1]", worst, 0.0, 1.0, relative=False)


def uniform_flow() -> Iterator[KernelRow]:
    """Steady flow in a wide channel: h = (q·n/√S)^{3/5}, so dh/dn = (3/5)·h/n.

    The banks of a channel 1e6 times as wide as deep add 1e-6 to its perimeter; Newton is exact to rounding.
    """
    model = River(reaches([-1], [1000.0], [SLOPE]))
    width = 1e6

    def depth(roughness: jax.Array) -> jax.Array:
        inflow = jnp.full((40, 1), width)
        end, _ = model.march(*_start(model), {"lateral_inflow": inflow}, _channel(1, roughness, width), {}, _dt(), ())
        return end["volume"][0] / 1000.0 / width

    value, slope = jax.jit(jax.value_and_grad(depth))(jnp.asarray(ROUGHNESS))
    exact = (ROUGHNESS / SLOPE**0.5) ** 0.6
    yield CASES.value("depth of uniform flow, q = 1 m2 s-1 [m]", value, exact, 2e-6)
    yield CASES.gradient("its derivative by Manning's n", slope, 0.6 * exact / ROUGHNESS, 2e-6)


def flood_wave() -> Iterator[KernelRow]:
    """The linear response of uniform flow to a pulse, as the derivative by the inflow, of 20 and 40 reaches on 20 km.

    It is late by Σ L/c and has the variance 2·D·x/c³ with D = Q/(2·B·S), both exactly, whatever Δx and Δt: that is what
    Cunge's weight is for. The sums end so late that e^{−20} of the pulse is missing. As Δx and Δt vanish together, the
    scheme tends to ∂Q/∂t + c·∂Q/∂x = −(D/c)·∂²Q/∂x∂t, a pulse of which has the transform e^{−(x/c)·s/(1 + Ds/c²)}:
    its third moment is 6·D²·x/c⁵, reached in second order, and half of that in Hayami's theory. So beside Hayami's step
    response ½ % remains, at which the half of the skewness shows.
    """
    errors = []
    for count, dt in ((20, 300.0), (40, 150.0)):
        response, celerity, dispersion = _response(count, 20e3 / count, dt)
        time = dt * jnp.arange(len(response))
        late = jnp.sum(response * time)
        third = jnp.sum(response * (time - late) ** 3)
        errors.append(third * celerity**5 / (6 * dispersion**2 * 20e3) - 1)
    spread = jnp.sum(response * (time - late) ** 2)
    hayami = advection_dispersion.ogata_banks(jnp.asarray(20e3), time + dt / 2, celerity, dispersion)
    away = jnp.sqrt(jnp.mean((jnp.cumsum(response) - hayami) ** 2))
    yield CASES.value("kinematic celerity [m s-1]", 20e3 / late, float(celerity), 1e-6)
    yield CASES.value("dispersion of a flood wave [m2 s-1]", spread * celerity**3 / 40e3, float(dispersion), 1e-5)
    yield CASES.order("third moment of a flood wave, 40 reaches for 20", errors, [1 / 20, 1 / 40], 2.0, 0.1)
    yield CASES.value("step response beside Hayami's, rms", away, 0.0, 5e-3, relative=False)


def _response(count: int, length: float, dt: float) -> tuple[jax.Array, jax.Array, jax.Array]:
    """dQ(t)/dI(0) at the end of a chain in uniform flow, the celerity there and the dispersion."""
    model = _chain(count, length)
    parameters = _channel(count, jnp.asarray(ROUGHNESS), WIDTH)
    steady = jnp.zeros((int(40e3 / dt), count)).at[:, 0].set(FLOW)
    area, speed = _uniform(FLOW)
    start = {"volume": jnp.full(count, area * length)}

    def outlet(inflow: jax.Array) -> jax.Array:
        forcing = {"lateral_inflow": inflow}
        return model.march(start, forcing, parameters, {}, jnp.asarray(dt), ("discharge",))[1]["discharge"][:, -1]

    pulse = jnp.zeros_like(steady).at[0, 0].set(1.0)
    response = jax.jit(lambda x, dx: jax.jvp(outlet, (x,), (dx,))[1])(steady, pulse)
    return response, jnp.asarray(speed), jnp.asarray(FLOW / (2 * WIDTH * SLOPE))


def _uniform(flow: float) -> tuple[float, float]:
    """Wetted area and celerity dQ/dA of uniform flow in the rectangular channel, by bisection and by hand.

    Q = A^{5/3}·P^{−2/3}·√S/n with P = B + 2A/B, so dQ/dA = (Q/A)·(5/3 − (2/3)·A·(2/B)/P).
    """
    low, high = 0.0, 1e4
    for _ in range(100):
        area = (low + high) / 2
        perimeter = WIDTH + 2 * area / WIDTH
        found = area ** (5 / 3) * perimeter ** (-2 / 3) * SLOPE**0.5 / ROUGHNESS
        low, high = (area, high) if found < flow else (low, area)
    return area, flow / area * (5 / 3 - 2 / 3 * area * 2 / WIDTH / perimeter)


def network() -> Iterator[KernelRow]:
    """Two branches, a reservoir at their confluence and a reach below, in a flood: budget, gradients, identity.

    If Manning's n and k grow as 1/I and with Δt, the same volumes move more slowly, Q/I unchanged, so
    n·∂Q/∂n + k·∂Q/∂k + Δt·∂Q/∂Δt − I·∂Q/∂I = −Q, to rounding.
    """
    model = River(reaches([2, 2, 3, -1], np.array([3e3, 5e3, 1e3, 4e3]), np.full(4, SLOPE), np.arange(4) == 2))
    hours = jnp.arange(24.0)[:, None] / 24
    forcing = (1 + 20 * jnp.exp(-(((hours - 0.3) / 0.1) ** 2))) * jnp.asarray([1.0, 2.0, 0.5, 0.1])
    channel = {**_channel(4, jnp.asarray(ROUGHNESS), 10.0), "residence_time": jnp.full(4, 5 * HOUR)}
    start = {"volume": jnp.full(4, 1e4)}

    def run(inflow: jax.Array, channel: Values, start: Values, dt: jax.Array) -> tuple[Values, Values]:
        return model.march(start, {"lateral_inflow": inflow}, channel, {}, dt, tuple(model.fluxes))

    end, fluxes = jax.jit(run)(forcing, channel, start, _dt())
    entered = HOUR * jnp.sum(fluxes["inflow"])
    residual = jnp.sum(end["volume"]) - 4e4 - entered + HOUR * jnp.sum(fluxes["outflow"])
    yield CASES.budget("a flood through two branches and a reservoir", residual, 4e4 + entered, 1e-13)

    def flow(inflow: jax.Array, channel: Values, dt: jax.Array) -> jax.Array:
        return jnp.sum(run(inflow, channel, start, dt)[1]["discharge"])

    total, slopes = jax.jit(jax.value_and_grad(flow, (0, 1, 2)))(forcing, channel, _dt())
    slower = sum(jnp.sum(channel[name] * slopes[1][name]) for name in ("manning_roughness", "residence_time"))
    identity = slower + HOUR * slopes[2] - jnp.sum(forcing * slopes[0])
    yield CASES.gradient("n ∂Q/∂n + k ∂Q/∂k + Δt ∂Q/∂Δt − I ∂Q/∂I = −Q", identity, -float(total), 1e-10)

    def kit(inflow: jax.Array, channel: Values, start: Values) -> tuple[Values, Values]:
        return run(inflow, channel, start, jnp.asarray(HOUR, inflow.dtype))

    inputs = {"inflow": forcing, "channel": channel, "start": start}
    report = gradient_kit.gradients(kit, inputs, key=jax.random.key(0), points=1, transformations=("checkpoint",))
    yield from CASES.gradients("a flood through a network", report)
    yield from (CASES.cost("gradient over forward", row.error) for row in report if row.kind == "cost" and row.error)


def _chain(count: int, length: float) -> River:
    chain: Reaches = reaches([*range(1, count), -1], np.full(count, length), np.full(count, SLOPE))
    return River(chain)


def _channel(count: int, roughness: jax.Array, width: float) -> Values:
    return {
        "manning_roughness": jnp.full(count, roughness),
        "bottom_width": jnp.full(count, width),
        "side_slope": jnp.zeros(count),
    }


def _start(model: River) -> tuple[Values]:
    return (model.initial_state(),)


def _dt() -> jax.Array:
    return jnp.asarray(HOUR)
