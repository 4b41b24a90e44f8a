"""The streams beside Ogata and Banks, Streeter and Phelps, a relaxing temperature and the moments of a cloud."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.analytic import advection_dispersion as exact
from dgeo.check import gradient_kit
from dgeo.check.gradient_ranges import of_precision
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.models import Oxygen, Solute, StreamTemperature, Transport, Values, line

CASES = Cases("transport")
DAY = 86400.0


def rows() -> Iterator[KernelRow]:
    """All cases of transport in a stream."""
    yield from front()
    yield from cloud()
    yield from oxygen()
    yield from temperature()
    yield from kit()


def front() -> Iterator[KernelRow]:
    """Ogata–Banks after a day with v = 1e-5 m s⁻¹, D = 1e-6 m² s⁻¹: C/C₀ = 0.5911781 at 0.864 m.

    3 m in 50 and 100 cells, in 50 and 100 steps: the front is 0.6 m wide and the scheme errs by its third derivative,
    (Δx/0.6)²/10, a few 1e-4 of C₀; its derivative by ln v, which is as steep again, by more. The order is between one
    and a half and two: the limiter is of first order where the front begins, and so is the scheme in the beginning,
    when the front is narrower than a cell. Only the first half is compared: the formula's line does not end.
    """
    numbers = tuple(jnp.asarray(x) for x in (DAY, 1e-5, 1e-6))
    values = {name: jnp.asarray(x) for name, x in (("retardation", 1.0), ("decay", 0.0), ("dispersion", 1e-6))}
    errors = []
    for cells in (50, 100):
        middle = jnp.asarray((np.arange(cells) + 0.5) * 3 / cells)

        def profile(velocity: jax.Array, cells: int = cells) -> jax.Array:
            given, forcing = {**values, "velocity": velocity}, {"solute_inflow": jnp.ones(())}
            return _run(Solute(line(3.0, cells)), forcing, given, DAY / cells, cells)["concentration"]

        def formula(velocity: jax.Array, middle: jax.Array = middle) -> jax.Array:
            return exact.ogata_banks(middle, numbers[0], velocity, numbers[2])

        (found, slope), (wanted, by_hand) = (
            map(np.asarray, jax.jit(lambda v, run=run: jax.jvp(run, (v,), (v,)))(numbers[1]))
            for run in (profile, formula)
        )
        errors.append(np.sqrt(np.mean((found - wanted)[: cells // 2] ** 2)))
    at = int(0.864 / 0.03)
    yield CASES.value("Ogata–Banks, 0.855 m after a day", found[at], float(wanted[at]), 2e-3)
    yield CASES.gradient("Ogata–Banks, ∂C/∂ln v there", slope[at], float(by_hand[at]), 1e-2)
    yield CASES.order("Ogata–Banks, 100 cells for 50, rms", errors, [1 / 50, 1 / 100], 2.0, 0.5)
    published = jax.jit(exact.ogata_banks)(jnp.asarray(0.864), *numbers)
    yield CASES.value("Ogata–Banks' own formula at 0.864 m", published, 0.5911781, 1e-6)


def cloud() -> Iterator[KernelRow]:
    """A cloud that starts as a Gaussian: its mass decays by e^{−λt}, it moves by vt/R and widens by 2Dt/R.

    Mass is exact to rounding, as the reaction is linear and the line long enough. Its place and variance are those of a
    smooth cloud, five cells wide: the limiter trims its top, which counts as dispersion of ½ %.
    """
    model = Solute(line(2600.0, 130))
    middle = (np.arange(130) + 0.5) * 20
    start = {"solute": jnp.asarray(20 * 2 * np.exp(-(((middle - 700) / 100) ** 2) / 2))}
    numbers = {"velocity": 0.5, "dispersion": 5.0, "retardation": 2.0, "decay": 4e-4}
    values = {name: jnp.asarray(x) for name, x in numbers.items()}
    run = jax.jit(lambda start: _run(model, {"solute_inflow": jnp.zeros(())}, values, 40.0, 60, start))
    c = np.asarray(run(start)["concentration"])
    mass, time = 2 * 20 * np.sum(c), 2400.0
    place = np.sum(c * middle) / np.sum(c)
    variance = np.sum(c * (middle - place) ** 2) / np.sum(c)
    left = float(np.sum(start["solute"]) * np.exp(-4e-4 * time / 2))
    yield CASES.value("mass of a decaying cloud [g m-2]", mass, left, 1e-9)
    yield CASES.value("its place [m]", place, 700 + 0.5 * time / 2, 1e-3)
    yield CASES.value("its variance [m2]", variance, 100.0**2 + 2 * 5.0 * time / 2, 1e-2)


def oxygen() -> Iterator[KernelRow]:
    """Streeter–Phelps: k_d = 0.3, k_a = 0.7 d⁻¹, L₀ = 20, D₀ = 1 g m⁻³: after 1.945762 d the deficit is 4.781267.

    Steady flow of 0.1 m s⁻¹ with next to no dispersion, 4 days long in 80 cells: the time of travel is what counts, and
    the order of the scheme is two, so (1/20)² of it is left.
    """
    velocity, cells = 0.1, 80
    model = Oxygen(line(4 * DAY * velocity, cells))
    known = {"velocity": velocity, "dispersion": 1e-6, "deoxygenation": 0.3 / DAY, "reaeration": 0.7 / DAY}
    values = {name: jnp.asarray(x) for name, x in known.items()}
    forcing = {"demand_store_inflow": 20.0, "oxygen_store_inflow": 9.0, "saturation": 10.0}
    series = {name: jnp.asarray(x) for name, x in forcing.items()}
    found = jax.jit(lambda values: _run(model, series, values, DAY / 20, 160))(values)
    end = {name: np.asarray(x) for name, x in found.items()}
    travel = jnp.asarray((np.arange(cells) + 0.5) * 4 / cells)
    numbers = (jnp.asarray(x) for x in (0.3, 0.7, 20.0, 1.0))
    demand, deficit = map(np.asarray, jax.jit(exact.streeter_phelps)(travel, *numbers))
    at = int(1.945762 * cells / 4)
    yield CASES.value("Streeter–Phelps, demand at the sag [g m-3]", end["demand"][at], float(demand[at]), 2e-3)
    sag = 10 - end["dissolved_oxygen"][at]
    yield CASES.value("Streeter–Phelps, deficit at the sag [g m-3]", sag, float(deficit[at]), 2e-3)
    yield CASES.value("the greatest deficit [g m-3]", np.max(10 - end["dissolved_oxygen"]), 4.781267, 2e-3)


def temperature() -> Iterator[KernelRow]:
    """T = Te + (T₀ − Te)·e^{−x/Lc}, Lc = ρ·c·h·v/K = 27 906.7 m: 13.01163 °C 10 km below water of 10 °C, Te = 20.

    Compared in the middle of the last but two of 40 cells, for the last has no slope. ∂T/∂ln K is
    (Te − T₀)·(x/Lc)·e^{−x/Lc}.
    """
    model = StreamTemperature(line(10_000.0, 40))
    numbers = {"velocity": 0.4, "dispersion": 1e-6, "depth": 0.5}
    values = {name: jnp.asarray(x) for name, x in numbers.items()}
    forcing = {"heat_inflow": jnp.asarray(10.0), "air_temperature": jnp.asarray(20.0)}

    def end(coefficient: jax.Array) -> jax.Array:
        given = {**values, "exchange_coefficient": coefficient}
        return _run(model, forcing, given, 500.0, 100)["temperature"][-3]

    found, slope = jax.jit(lambda k: jax.jvp(end, (k,), (k,)))(jnp.asarray(30.0))
    x, length = 10_000.0 - 625, 4.186e6 * 0.5 * 0.4 / 30
    relaxation = jax.jit(exact.relaxation)
    wanted = float(relaxation(*(jnp.asarray(v) for v in (x, 10.0, 20.0, length))))
    yield CASES.value("relaxing temperature, 9375 m [degC]", found, wanted, 1e-4)
    yield CASES.gradient("its derivative by ln K", slope, (20 - wanted) * x / length, 1e-3)
    formula = relaxation(*(jnp.asarray(v) for v in (10_000.0, 10.0, 20.0, length)))
    yield CASES.value("its formula at 10 km [degC]", formula, 13.01163, 1e-6)


def kit() -> Iterator[KernelRow]:
    """Oxygen over three cells at a Courant number above and one below 1: budget and gradients."""
    model = Oxygen(line(3000.0, 3))
    numbers = {"velocity": 0.5, "dispersion": 20.0, "deoxygenation": 1e-4, "reaeration": 2e-4}
    values = {name: jnp.asarray(x) for name, x in numbers.items()}
    start = {"demand_store": jnp.asarray([8e3, 3e3, 5e3]), "oxygen_store": jnp.asarray([5e3, 9e3, 8e3])}
    forcing = {"demand_store_inflow": 20.0, "oxygen_store_inflow": 9.0, "saturation": 10.0}
    series = {name: jnp.asarray(x) for name, x in forcing.items()}

    @jax.jit
    def run(start: Values, values: Values, forcing: Values) -> tuple[Values, Values]:
        here = of_precision(model, start)

        def step(state: Values, dt: jax.Array) -> tuple[Values, Values]:
            return here.step(state, forcing, values, dt)

        return jax.lax.scan(step, start, jnp.asarray([900.0, 5000.0, 900.0], start["demand_store"].dtype))

    end, fluxes = run(start, values, series)
    steps = jnp.asarray([900.0, 5000.0, 900.0])
    gain = steps @ (
        fluxes["oxygen_store_entering"]
        + jnp.sum(fluxes["oxygen_store_reaction"], axis=1)
        - fluxes["oxygen_store_leaving"]
    )
    there = jnp.sum(start["oxygen_store"])
    yield CASES.budget("oxygen of three cells", jnp.sum(end["oxygen_store"]) - there - gain, there, 1e-13)
    inputs = {"start": start, "values": values, "forcing": series}
    report = gradient_kit.gradients(run, inputs, key=jax.random.key(0), points=1, transformations=("checkpoint",))
    yield from CASES.gradients("oxygen of three cells", report)
    yield from (CASES.cost("gradient over forward", row.error) for row in report if row.kind == "cost" and row.error)


def _run(
    model: Transport, forcing: Values, values: Values, dt: float, steps: int, start: Values | None = None
) -> Values:
    """The fluxes of the last of some equal steps."""

    def step(state: Values, _: None) -> tuple[Values, Values]:
        return model.step(state, forcing, values, jnp.asarray(dt))

    _, fluxes = jax.lax.scan(step, start or model.initial_state(), None, length=steps)
    return {name: series[-1] for name, series in fluxes.items()}
