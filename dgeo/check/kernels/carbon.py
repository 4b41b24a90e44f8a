"""Pools of carbon beside their closed forms, in kg m⁻² and years: I = 0.3, k₁ = 1/3, k₂ = 1/100, h = 0.2."""

import math
from collections.abc import Iterator

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.analytic import pools as exact
from dgeo.check.gradient_kit import gradients
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.check.ledger import ledger
from dgeo.engine import Parameters, simulate
from dgeo.models import FixedParts, ImplicitEuler, Solver, Values
from dgeo.models.carbon import ecosystem, two_pools
from dgeo.physics.respiration import lloyd_taylor, q10

Scalar = Float[Array, ""]

CASES = Cases("carbon")
EXACT = 1e-12
NUMBERS = {"decay_rate_young": 1 / 3, "decay_rate_old": 1 / 100, "share_young_to_old": 0.2, "allocation_young": 1.0,
           "input": 0.3, "temperature_sensitivity": 2.0}  # fmt: skip
SITES, STEPS = 64, 10
EULER = FixedParts(diffrax.Euler(), parts=1)  # compiles quickest, where the solver is not what is checked


def rows() -> Iterator[KernelRow]:
    """Responses, steady states, the course towards them, derivatives, the budget."""
    yield from _responses()
    yield from _steady()
    yield from _course()
    yield from _budget()
    yield from _kit()


def _responses() -> Iterator[KernelRow]:
    # 1.0·1.5^{(25 − 15)/10}
    yield CASES.value("Q10 = 1.5, 10 K above", q10(jnp.asarray(25.0), jnp.asarray(1.5)), 1.5, EXACT)
    # eq. 11 of the paper: 308.56·(1/56.02 − 1/(T + 46.02)) in the exponent
    for degrees in (0.0, 20.0):
        number = math.exp(308.56 * (1 / 56.02 - 1 / (degrees + 46.02)))
        found = lloyd_taylor(jnp.asarray(degrees), jnp.asarray(308.56))
        yield CASES.value(f"Lloyd–Taylor, {degrees:g} over 10 °C", found, number, EXACT)


def _parameters(**changed: float) -> Values:
    return {name: jnp.full(1, number) for name, number in {**NUMBERS, **changed}.items()}


def _run(solver: Solver, parameters: Values, state: Values, dt: Scalar | float) -> Values:
    forcing = {"temperature": jnp.full((STEPS, 1), 15.0)}
    return simulate(two_pools(solver=solver), forcing, Parameters(parameters, {}), state, dt=dt, outputs=())[1]


def _steady() -> Iterator[KernelRow]:
    """Ten implicit steps of 2000 years, each of which leaves 1/(1 + k₂·dt) = 1/21 of the distance: 6e-14."""

    @jax.jit
    def after(parameters: Values) -> tuple[Values, dict[str, Values]]:
        empty = {"young": jnp.zeros(1), "old": jnp.zeros(1)}
        found, pull = jax.vjp(lambda p: _run(ImplicitEuler(), p, empty, 2000.0), parameters)
        ones = {pool: {name: jnp.full(1, float(name == pool)) for name in found} for pool in found}
        return found, {pool: pull(one)[0] for pool, one in ones.items()}

    found, slopes = after(_parameters())
    young, old = float(found["young"][0]), float(found["old"][0])
    # a balance of 0.3·2000 is solved to its roundings, 1e-13
    yield CASES.value("steady state, young = I/k₁", young, 0.9, EXACT)
    yield CASES.value("steady state, old = h·I/k₂", old, 6.0, EXACT)
    time = exact.transit_time(*map(jnp.asarray, (1 / 3, 1 / 100, 0.2)))
    yield CASES.value("mean transit time = stocks/input", (young + old) / 0.3, float(time), EXACT)
    # derivatives settle later than the state does: after n steps n·k₂·dt/21ⁿ⁺¹ is missing
    for pool, name, slope in (
        ("young", "decay_rate_young", -2.7), ("old", "decay_rate_old", -600.0), ("old", "share_young_to_old", 30.0),
    ):  # fmt: skip
        yield CASES.gradient(f"steady state, d{pool}/d{name}", slopes[pool][name][0], slope, 1e-10)
    unmoved = slopes["old"]["decay_rate_young"][0]
    yield CASES.gradient("steady state, dold/ddecay_rate_young", unmoved, 0.0, 1e-10, relative=False)


def _course() -> Iterator[KernelRow]:
    start = {"young": jnp.full(1, 0.3), "old": jnp.full(1, 4.0)}
    lengths = [0.02, 0.01]
    march = jax.jit(lambda dt: _run(FixedParts(parts=1), _parameters(), start, dt)["old"][0])
    given = tuple(map(jnp.asarray, (0.3, 4.0, 0.3, 1 / 3, 1 / 100, 0.2)))
    course = exact.two_pools(STEPS * jnp.asarray(lengths), *given)[1]
    ends = [march(jnp.asarray(dt)) for dt in lengths]
    errors = [abs(float(end - at)) for end, at in zip(ends, course, strict=True)]
    # ten steps whatever their length, each off by dt³ and a hundredth of that: third order
    yield CASES.order("old carbon after ten of Heun's steps", errors, lengths, 3.0, 0.1)
    tiny = march(jnp.asarray(1e-4))
    # ten times (k₁·dt)³/6·h·k₁
    yield CASES.value(
        "old carbon after ten small steps", tiny, float(exact.two_pools(jnp.asarray([1e-3]), *given)[1][0]), EXACT
    )

    # without input nothing but k and dt has a unit of time: faster decay is more time
    @jax.jit
    def late(speed: Scalar, dt: Scalar) -> tuple[Scalar, Scalar]:
        def old(speed: Scalar, dt: Scalar) -> Scalar:
            numbers = _parameters(input=0.0)
            faster = {name: speed * x if name.startswith("decay") else x for name, x in numbers.items()}
            return _run(EULER, faster, start, dt)["old"][0]

        return jax.grad(old, argnums=(0, 1))(speed, dt)

    by_speed, by_time = late(jnp.asarray(1.0), jnp.asarray(1.0))
    yield CASES.gradient("time-scaling identity, d/dln k = d/dln t", by_speed, float(by_time), EXACT)


def _budget() -> Iterator[KernelRow]:
    model = ecosystem(solver=EULER)
    day = jnp.arange(20.0)[:, None]
    forcing = {"temperature": 10 + 15 * jnp.sin(day / 6), "absorbed_radiation": 8 + 7 * jnp.sin(day / 5),
               "vapour_pressure_deficit": 800 + 700 * jnp.sin(day / 4)}  # fmt: skip
    numbers = {name: jnp.full(1, p.default) for name, p in model.parameters.items()}
    before = {pool: jnp.full(1, 500.0) for pool in model.pools}
    fluxes, after = jax.jit(lambda f, p: simulate(model, f, Parameters(p, {}), before))(forcing, numbers)
    account = ledger(model, before, after, fluxes)
    gross = account.initial_storage[0] + account.gross_inflow[0]
    # some hundred roundings of float64
    yield CASES.budget("five pools, twenty days", account.residual[0], gross, 1e-13)


def _kit() -> Iterator[KernelRow]:
    @jax.jit
    def late(parameters: Values, state: Values) -> Values:
        forcing = {"temperature": jnp.full((5, SITES), 15.0, state["young"].dtype)}
        return simulate(two_pools(solver=EULER), forcing, Parameters(parameters, {}), state)[1]

    parameters = {name: jnp.full(SITES, number) for name, number in NUMBERS.items()}
    state = {"young": jnp.full(SITES, 0.3), "old": jnp.full(SITES, 4.0)}
    dead = ("parameters/temperature_sensitivity", "parameters/allocation_young")  # at 15 °C; one pool takes all
    report = gradients(
        late, {"parameters": parameters, "state": state}, key=jax.random.key(0), name="pools", points=1,
        transformations=("checkpoint",), dead=dead,
    )  # fmt: skip
    yield from CASES.gradients(f"{SITES} pairs of pools", report)
    ratio = next(row.error for row in report if row.kind == "cost")
    yield CASES.cost(f"gradient / forward, {SITES} pairs, 5 steps", ratio or math.nan)
