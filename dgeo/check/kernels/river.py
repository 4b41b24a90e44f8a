"""The river network beside textbook routing, uniform flow, and the linear theory of flood waves."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.analytic import advection_dispersion
from dgeo.check import gradient_kit
from dgeo.check.gradient_ranges import of_precision
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.models import River, Values, reaches
from dgeo.physics import muskingum

CASES = Cases("river")
HOUR = 3600.0
SLOPE, ROUGHNESS, WIDTH, FLOW, REACHES = 1e-3, 0.03, 50.0, 50.0, 20

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
    worst = np.max(np.abs(np.asarray(flow) - OUTFLOW[1:]))
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
    """The linear response of uniform flow to a pulse, as the derivative by the inflow, of 20 reaches of 1 and ½ km.

    It is late by Σ L/c and has the variance 2·D·x/c³ with D = Q/(2·B·S), both exactly, whatever Δx and Δt: that is what
    Cunge's weight is for. The sums end so late that e^{−20} of the pulse is missing. As Δx and Δt vanish together, the
    scheme tends to ∂Q/∂t + c·∂Q/∂x = −(D/c)·∂²Q/∂x∂t, a pulse of which has the transform e^{−(x/c)·s/(1 + Ds/c²)}:
    its third moment is 6·D²·x/c⁵, reached in second order, and half of that in Hayami's theory. So beside Hayami's step
    response ½ % remains, at which the half of the skewness shows.
    """
    outlet, errors = response_of_chain(), []
    speed, dispersion = celerity(), FLOW / (2 * WIDTH * SLOPE)
    for length, dt in ((1000.0, 300.0), (500.0, 150.0)):
        response = np.asarray(outlet(jnp.asarray(length), jnp.asarray(dt)))
        time, distance = dt * np.arange(float(len(response))), REACHES * length
        late = np.sum(response * time)
        third = np.sum(response * (time - late) ** 3)
        errors.append(third * speed**5 / (6 * dispersion**2 * distance) - 1)
    spread = np.sum(response * (time - late) ** 2)
    exact = (jnp.asarray(distance), jnp.asarray(time + dt / 2), jnp.asarray(speed), jnp.asarray(dispersion))
    hayami = np.asarray(jax.jit(advection_dispersion.ogata_banks)(*exact))
    away = np.sqrt(np.mean((np.cumsum(response) - hayami) ** 2))
    yield CASES.value("kinematic celerity [m s-1]", distance / late, speed, 1e-6)
    yield CASES.value("dispersion of a flood wave [m2 s-1]", spread * speed**3 / 2 / distance, dispersion, 1e-5)
    yield CASES.order("third moment of a flood wave", errors, [1000.0, 500.0], 2.0, 0.1)
    yield CASES.value("step response beside Hayami's, rms", away, 0.0, 1e-2, relative=False)


def response_of_chain() -> Callable[[jax.Array, jax.Array], jax.Array]:
    """(length, Δt) → dQ(t)/dI(0) at the end of a chain in uniform flow."""
    area = _area()

    @jax.jit
    def response(length: jax.Array, dt: jax.Array) -> jax.Array:
        model = _chain(length)
        channel = _channel(REACHES, jnp.asarray(ROUGHNESS), WIDTH)

        def outlet(inflow: jax.Array) -> jax.Array:
            start, forcing = {"volume": jnp.full(REACHES, area * length)}, {"lateral_inflow": inflow}
            return model.march(start, forcing, channel, {}, dt, ("discharge",))[1]["discharge"][:, -1]

        steady = jnp.zeros((140, REACHES)).at[:, 0].set(FLOW)
        return jax.jvp(outlet, (steady,), (jnp.zeros_like(steady).at[0, 0].set(1.0),))[1]

    return response


def _area() -> float:
    """Wetted area of uniform flow in the rectangular channel, by bisection."""
    low, high = 0.0, 1e4
    for _ in range(100):
        area = (low + high) / 2
        found = area ** (5 / 3) * (WIDTH + 2 * area / WIDTH) ** (-2 / 3) * SLOPE**0.5 / ROUGHNESS
        low, high = (area, high) if found < FLOW else (low, area)
    return area


def celerity() -> float:
    """dQ/dA by hand: Q = A^{5/3}·P^{−2/3}·√S/n with P = B + 2A/B, so dQ/dA = (Q/A)·(5/3 − (4/3)·(A/B)/P)."""
    area = _area()
    return FLOW / area * (5 / 3 - 4 / 3 * (area / WIDTH) / (WIDTH + 2 * area / WIDTH))


def network() -> Iterator[KernelRow]:
    """Two branches, a reservoir at their confluence and a reach below, in a flood: budget, gradients, identity.

    If Manning's n and k grow as 1/I and with Δt, the same volumes move more slowly, Q/I unchanged, so
    n·∂Q/∂n + k·∂Q/∂k + Δt·∂Q/∂Δt − I·∂Q/∂I = −Q, to rounding.
    """
    model = River(reaches([2, 2, 3, -1], np.array([3e3, 5e3, 1e3, 4e3]), np.full(4, SLOPE), np.arange(4) == 2))
    hours = np.arange(24.0)[:, None] / 24
    forcing = jnp.asarray((1 + 20 * np.exp(-(((hours - 0.3) / 0.1) ** 2))) * np.asarray([[1.0, 2.0, 0.5, 0.1]]))
    channel = {**_channel(4, jnp.asarray(ROUGHNESS), 10.0), "residence_time": jnp.full(4, 5 * HOUR)}
    start = {"volume": jnp.full(4, 1e4)}

    @jax.jit
    def run(inflow: jax.Array, channel: Values, start: Values, dt: jax.Array) -> tuple[Values, Values]:
        return model.march(start, {"lateral_inflow": inflow}, channel, {}, dt, tuple(model.fluxes))

    end, fluxes = run(forcing, channel, start, _dt())
    end, fluxes = jax.tree.map(np.asarray, (end, fluxes))
    entered = HOUR * np.sum(fluxes["inflow"])
    residual = np.sum(end["volume"]) - 4e4 - entered + HOUR * np.sum(fluxes["outflow"])
    yield CASES.budget("a flood through two branches and a reservoir", residual, 4e4 + entered, 1e-13)

    def flow(inflow: jax.Array, channel: Values, dt: jax.Array) -> jax.Array:
        return jnp.sum(run(inflow, channel, start, dt)[1]["discharge"])

    total, slopes = jax.jit(jax.value_and_grad(flow, (0, 1, 2)))(forcing, channel, _dt())
    slower = sum(np.vdot(channel[name], slopes[1][name]) for name in ("manning_roughness", "residence_time"))
    identity = slower + HOUR * slopes[2] - np.vdot(forcing, slopes[0])
    yield CASES.gradient("n ∂Q/∂n + k ∂Q/∂k + Δt ∂Q/∂Δt − I ∂Q/∂I = −Q", identity, -float(total), 1e-10)

    @jax.jit
    def kit(inflow: jax.Array, channel: Values, start: Values) -> tuple[Values, Values]:
        dt = jnp.asarray(HOUR, inflow.dtype)
        return of_precision(model, inflow).march(start, {"lateral_inflow": inflow}, channel, {}, dt, (*model.fluxes,))

    inputs = {"inflow": forcing, "channel": channel, "start": start}
    report = gradient_kit.gradients(kit, inputs, key=jax.random.key(0), points=1, transformations=("checkpoint",))
    yield from CASES.gradients("a flood through a network", report)
    yield from (CASES.cost("gradient over forward", row.error) for row in report if row.kind == "cost" and row.error)


def _chain(length: jax.Array) -> River:
    chain = reaches([*range(1, REACHES), -1], np.ones(REACHES), np.full(REACHES, SLOPE))
    return River(replace(chain, length=jnp.full(REACHES, length)))


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
