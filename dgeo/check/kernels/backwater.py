"""The diffusive wave beside the steady curve above a weir, and the linear theory of flood waves."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.analytic import advection_dispersion, open_channel
from dgeo.check.gradient_run import median_time
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.models import DiffusiveRiver, Values, reaches

CASES = Cases("backwater")
HOUR, YEAR = 3600.0, 3.15e7
ROUGHNESS, REACHES = 0.03, 40
WEIR, RUNOFF, LEVEL, WIDE, ABOVE = 4.0, 1.0, 1e-4, 1e6, 8e3  # [m], [m2 s-1], [1], [m], [m]
STEEP, WIDTH, FLOW, LENGTH, STEP = 1e-3, 50.0, 50.0, 250.0, 120.0  # [1], [m], [m3 s-1], [m], [s]


def rows() -> Iterator[KernelRow]:
    """All cases of the diffusive wave."""
    yield from weir()
    yield from flood_wave()
    yield from network()


def weir() -> Iterator[KernelRow]:
    """The curve M1: 1 m² s⁻¹ above 4 m of water, uniform flow being 1.93 m deep, in reaches of 500 and 250 m.

    Banks of a channel 1e6 m wide count for 1e-6, and a step of a year is steady. A face half way between two depths
    makes it second order, and so does w: what it lacks of ½ is |Δη|/(2.4·h), a fiftieth, and goes as the length. By the
    exact curve x(y, yₙ), in which yₙ goes as n^{3/5}, ∂y/∂ln n = −(3/5)·yₙ·(∂x/∂yₙ)/(∂x/∂y) at a place.
    """
    solve = _jit(jax.value_and_grad(steady_depths, argnums=1, has_aux=True))
    errors = []
    for length in (500.0, 250.0):
        place = int(ABOVE / length)
        (depth, depths), slope = solve(jnp.asarray(length), jnp.asarray(ROUGHNESS), jnp.asarray(place))
        exact = depths_above_weir((np.arange(place + 1) + 0.5) * length)
        errors.append(np.sqrt(np.mean((np.asarray(depths)[: place + 1] - exact) ** 2)))
    yield CASES.value("depth 8 km above a weir of 4 m [m]", depth, float(exact[-1]), 1e-4)
    yield CASES.order("depths above a weir, rms", errors, [500.0, 250.0], 2.0, 0.2)
    numbers = (jnp.asarray(x) for x in (WEIR, exact[-1], uniform_depth(), LEVEL))
    by_depth, by_uniform = jax.jit(jax.grad(open_channel.backwater_distance, (1, 2)))(*numbers)
    closed = -0.6 * uniform_depth() * float(by_uniform / by_depth)
    yield CASES.gradient("depth 8 km above a weir, ∂y/∂ln n", slope * ROUGHNESS, closed, 2e-3)


def steady_depths(length: jax.Array, roughness: jax.Array, place: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The depth at a place, and all depths from the weir up, in steady flow."""
    model = _chain(length, LEVEL, "stage")
    forcing = {"lateral_inflow": jnp.zeros(REACHES).at[0].set(RUNOFF * WIDE), "stage": jnp.full(REACHES, WEIR)}
    channel = _channel(REACHES, roughness, WIDE)
    full = {"volume": jnp.full(REACHES, WEIR * WIDE * length)}
    after, _ = model.step(full, forcing, channel, jnp.asarray(YEAR))
    depths = model.depth(after["volume"], channel)[::-1]
    return depths[place], depths


def depths_above_weir(distance: np.ndarray) -> np.ndarray:
    """Depths of the exact curve, by a table of distances."""
    depth = np.linspace(1.05 * uniform_depth(), WEIR, 100_001)[::-1]
    numbers = (jnp.asarray(x) for x in (WEIR, depth, uniform_depth(), LEVEL))
    return np.interp(distance, np.asarray(jax.jit(open_channel.backwater_distance)(*numbers)), depth)


def uniform_depth() -> float:
    """Without a weir [m]."""
    return float(jax.jit(open_channel.uniform_depth)(*(jnp.asarray(x) for x in (RUNOFF, ROUGHNESS, LEVEL))))


def flood_wave() -> Iterator[KernelRow]:
    """The linear response of uniform flow to a pulse half way down a chain, as the derivative by the inflow.

    A chain that does not end answers with λ(s)^k at its k-th face, exactly, so the pulse is late by k·L/c and has the
    variance 2·D·k·L/c³ with D = Q/(2·B·S) + c·L·(½ − w) + c²Δt/2, of which the last two are the grid's. The end of the
    chain reaches up by e^{−c·x/D} = 1e-5, and as much of the pulse comes after the last step. Hayami's step response
    with that D has another skewness, for the grid's part: 1 % of rms leaves room for it.
    """
    response, depth, speed = response_of_chain()
    time, distance = STEP * np.arange(len(response)), REACHES // 2 * LENGTH
    late = np.sum(response * time)
    spread = np.sum(response * (time - late) ** 2) * speed**3 / 2 / distance
    felt = 0.6 * depth / (STEEP * LENGTH)
    dispersion = FLOW / (2 * WIDTH * STEEP) + speed * LENGTH / 2 / (1 + felt) + speed**2 * STEP / 2
    exact = (jnp.asarray(distance), jnp.asarray(time + STEP / 2), jnp.asarray(speed), jnp.asarray(dispersion))
    hayami = np.asarray(jax.jit(advection_dispersion.ogata_banks)(*exact))
    away = np.sqrt(np.mean((np.cumsum(response) - hayami) ** 2))
    yield CASES.value("kinematic celerity [m s-1]", distance / late, speed, 1e-4)
    yield CASES.value("dispersion of a flood wave [m2 s-1]", spread, dispersion, 1e-3)
    yield CASES.value("step response beside Hayami's, rms", away, 0.0, 1e-2, relative=False)


def response_of_chain(steps: int = 110) -> tuple[np.ndarray, float, float]:
    """dQ(t)/dI(0) half way down a chain in uniform flow, its depth, and the celerity dQ/dA by hand."""
    depth = _depth_of_flow()
    perimeter = WIDTH + 2 * depth
    speed = FLOW / (depth * WIDTH) * (5 / 3 - 4 / 3 * depth / perimeter)
    model, channel = _chain(jnp.asarray(LENGTH), STEEP, "uniform"), _channel(REACHES, jnp.asarray(ROUGHNESS), WIDTH)

    def outlet(inflow: jax.Array) -> jax.Array:
        def step(state: Values, first: jax.Array) -> tuple[Values, jax.Array]:
            lateral = {"lateral_inflow": jnp.zeros(REACHES).at[0].set(first)}
            state, fluxes = model.step(state, lateral, channel, jnp.asarray(STEP))
            return state, fluxes["discharge"][REACHES // 2 - 1]

        return jax.lax.scan(step, {"volume": jnp.full(REACHES, depth * WIDTH * LENGTH)}, inflow)[1]

    steady = jnp.full(steps, FLOW)
    response = _jit(lambda: jax.jvp(outlet, (steady,), (jnp.zeros(steps).at[0].set(1.0),))[1])()
    return np.asarray(response), depth, speed


def _depth_of_flow() -> float:
    """Of uniform flow in the rectangular channel, by bisection."""
    low, high = 0.0, 100.0
    for _ in range(100):
        depth = (low + high) / 2
        found = (depth * WIDTH) ** (5 / 3) * (WIDTH + 2 * depth) ** (-2 / 3) * STEEP**0.5 / ROUGHNESS
        low, high = (depth, high) if found < FLOW else (low, depth)
    return depth


def network() -> Iterator[KernelRow]:
    """Two branches, a reservoir at their confluence and a reach below, in a flood: budget, gradients, identity.

    If Manning's n and k grow as 1/I and with Δt, the same volumes move more slowly, Q/I unchanged, so
    n·∂Q/∂n + k·∂Q/∂k + Δt·∂Q/∂Δt − I·∂Q/∂I = −Q, to what the search leaves. Backward mode stores the states alone
    (`jax.checkpoint`); what it makes of a step that stores all is `weir`'s.
    """
    chain = reaches([2, 2, 3, -1], np.array([3e3, 5e3, 1e3, 4e3]), np.full(4, LEVEL), np.arange(4) == 2)
    model = DiffusiveRiver(chain)
    hours = np.arange(12.0)[:, None] / 12
    forcing = jnp.asarray((1 + 20 * np.exp(-(((hours - 0.3) / 0.1) ** 2))) * np.asarray([[1.0, 2.0, 0.5, 0.1]]))
    channel = {**_channel(4, jnp.asarray(ROUGHNESS), 10.0), "residence_time": jnp.full(4, 5 * HOUR)}
    given = (forcing, channel, jnp.asarray(HOUR), {"volume": jnp.full(4, 3e4)})

    def flow(inflow: jax.Array, channel: Values, dt: jax.Array, start: Values) -> tuple:
        def step(state: Values, now: jax.Array) -> tuple[Values, Values]:
            return model.step(state, {"lateral_inflow": now}, channel, dt)

        end, fluxes = jax.lax.scan(jax.checkpoint(step), start, inflow)
        return jnp.sum(fluxes["discharge"]), (end, fluxes)

    run, back = _jit(flow), _jit(jax.value_and_grad(flow, (0, 1, 2, 3), has_aux=True))
    (total, (end, fluxes)), slopes = jax.tree.map(np.asarray, back(*given))
    entered = HOUR * np.sum(fluxes["inflow"])
    residual = np.sum(end["volume"]) - 12e4 - entered + HOUR * np.sum(fluxes["outflow"])
    yield CASES.budget("a flood through two branches and a reservoir", residual, 12e4 + entered, 1e-13)
    slower = sum(np.vdot(channel[name], slopes[1][name]) for name in ("manning_roughness", "residence_time"))
    identity = slower + HOUR * slopes[2] - np.vdot(forcing, slopes[0])
    yield CASES.gradient("n ∂Q/∂n + k ∂Q/∂k + Δt ∂Q/∂Δt − I ∂Q/∂I = −Q", identity, -float(total), 1e-10)
    random = np.random.default_rng(0)
    along = jax.tree.map(lambda x: jnp.asarray(np.asarray(x) * random.normal(size=x.shape)), given)
    forward = _jit(lambda x, v: jax.jvp(lambda *x: flow(*x)[0], x, v)[1])(given, along)
    backward = sum(jax.tree.leaves(jax.tree.map(np.vdot, slopes, along)))
    yield CASES.gradient("a flood, dot product: forward mode beside backward", forward, float(backward), 1e-9)
    moved = [
        run(*jax.tree.map(lambda x, v, e=e: jnp.asarray(np.asarray(x) + e * np.asarray(v)), given, along))[0]
        for e in (-1e-6, 1e-6)
    ]
    # central differences err by 1e-12 of the third derivative, and relatively by 1e-16/1e-6
    yield CASES.gradient("a flood, beside central differences", forward, float(moved[1] - moved[0]) / 2e-6, 1e-6)
    yield CASES.cost("gradient over forward", _seconds(back, given) / _seconds(run, given))


def _chain(length: jax.Array, slope: float, tail: str) -> DiffusiveRiver:
    chain = reaches([*range(1, REACHES), -1], np.ones(REACHES), np.full(REACHES, slope))
    return DiffusiveRiver(replace(chain, length=jnp.full(REACHES, length)), tail=tail)


def _channel(count: int, roughness: jax.Array, width: float) -> Values:
    return {
        "manning_roughness": jnp.full(count, roughness),
        "bottom_width": jnp.full(count, width),
        "side_slope": jnp.zeros(count),
    }


def _jit(function: Callable) -> Callable:
    """Compiled in haste, as each runs once."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def _seconds(function: Callable, x: tuple) -> float:
    return median_time(lambda: jax.block_until_ready(function(*x)))
