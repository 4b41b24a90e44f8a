"""Five models that share nothing but the contract, each with parameters, forcing and a state to start from."""

from collections.abc import Callable
from dataclasses import dataclass

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dgeo.engine import Engine, Fused, Parameters
from dgeo.models import FixedParts, Layers, Model, River, Values, exphydro, hbv, reaches, richards
from tests.contracts.laws import learned_law, own_network

SITES, STEPS, COMPONENTS, LAYERS, REACHES = 3, 20, 2, 6, 5


@dataclass(frozen=True)
class Case:
    """All that `simulate` needs; `zeros` is the state in which powers, roots and minima have their kinks."""

    model: Model
    forcing: Values
    parameters: Parameters
    state: Values
    zeros: Values
    dt: float = 1.0
    engine: Engine = "scan"
    has_jvp: bool = True


def drawn(model: Model, shape: tuple[int, ...], random: np.random.Generator) -> Values:
    """Parameters from the middle eight tenths of their bounds."""
    fractions = {name: random.uniform(0.1, 0.9, shape) for name in model.parameters}
    bounds = {name: parameter.bounds for name, parameter in model.parameters.items()}
    return {name: jnp.asarray(b.low + (b.high - b.low) * fractions[name]) for name, b in bounds.items()}


def everywhere(value: float, names: tuple[str, ...], *shape: int) -> Values:
    """The same state at every site."""
    return {name: jnp.full((SITES, *shape), value) for name in names}


def weather(random: np.random.Generator) -> Values:
    """A warm spell and a cold one, with dry days between wet ones."""
    shape = (STEPS, SITES)
    season = np.broadcast_to(np.sin(np.arange(STEPS) / 3)[:, None], shape)
    series = {
        "precipitation": random.exponential(8, shape) * random.integers(0, 2, shape),
        "temperature": 8 * season + random.normal(0, 3, shape),
        "potential_evapotranspiration": 2 + season,
        "day_length": 3600 * (12 + 2 * season),
    }
    return {name: jnp.asarray(values) for name, values in series.items()}


def bucket(random: np.random.Generator) -> Case:
    """HBV with two components and one parameter that moves in time."""
    return _bucket(hbv("1.1p"), random)


def _bucket(model: Model, random: np.random.Generator, engine: Engine = "scan", has_jvp: bool = True) -> Case:
    static = drawn(model, (SITES, COMPONENTS), random)
    dynamic = {"beta": static.pop("beta")[None] * jnp.asarray(random.uniform(0.8, 1.2, (STEPS, SITES, COMPONENTS)))}
    states = (everywhere(value, tuple(model.states), COMPONENTS) for value in (10.0, 0.0))
    parameters = Parameters(static, dynamic, components=True)
    return Case(model, weather(random), parameters, *states, engine=engine, has_jvp=has_jvp)


def ode(random: np.random.Generator) -> Case:
    """EXP-HYDRO through diffrax, with a network as its evaporation."""
    model = exphydro(solver=FixedParts(diffrax.Euler(), parts=8))
    law = own_network(model, "evaporation", ("snow_water_equivalent", "soil_moisture", "temperature"), random)
    model = model.with_laws({"evaporation": law})
    states = (everywhere(value, tuple(model.states)) for value in (20.0, 0.0))
    return Case(model, weather(random), Parameters(drawn(model, (SITES,), random), {}), *states)


def column(random: np.random.Generator) -> Case:
    """Richards: layers of unequal thickness, bursts of rain, steps of an hour and a half."""
    model = richards(Layers(jnp.array([0.05, 0.05, 0.1, 0.1, 0.2, 0.2])))
    parameters = drawn(model, (SITES,), random)
    forcing = {"precipitation": weather(random)["precipitation"] / 1000}
    states = (jax.vmap(model.at_head)(jnp.full((SITES, LAYERS), head), parameters) for head in (-1.0, 0.0))
    return Case(model, forcing, Parameters(parameters, {}), *states, dt=1 / 16)


def network(random: np.random.Generator) -> Case:
    """Five reaches, the last a reservoir: 0 and 1 meet in 2, 2 and 3 in 4; every site is a network of that shape."""
    length, dam = random.uniform(1e3, 1e4, REACHES), np.arange(REACHES) == 4
    model = River(reaches([2, 2, 4, 4, -1], length, np.full(REACHES, 1e-3), dam))
    forcing = {"lateral_inflow": jnp.asarray(random.exponential(1.0, (STEPS, SITES, REACHES)))}
    states = (everywhere(value, ("volume",), REACHES) for value in (1e4, 0.0))
    return Case(
        model, forcing, Parameters(drawn(model, (SITES, REACHES), random), {}), *states, dt=3600.0, engine="auto"
    )


def kernel(random: np.random.Generator) -> Case:
    """HBV with a network as its evaporation, in a kernel: blocks of two sites, one half empty."""
    law = learned_law(hbv(), "evaporation", random)
    return _bucket(hbv(evaporation=law), random, Fused(lanes=4, interpret=True), has_jvp=False)


MAKERS: tuple[Callable[[np.random.Generator], Case], ...] = (bucket, ode, column, network, kernel)
CASES = {maker.__name__: maker for maker in MAKERS}


def made(name: str, key: jax.Array, dtype: type) -> Case:
    """A case with all its floating-point numbers in one precision."""
    case = CASES[name](np.random.default_rng(np.asarray(jax.random.key_data(key))))
    parts = (case.model, case.forcing, case.parameters, case.state, case.zeros)
    cast = jax.tree.map(lambda x: jnp.asarray(np.asarray(x, dtype)) if eqx.is_inexact_array_like(x) else x, parts)
    return Case(*cast, case.dt, case.engine, case.has_jvp)
