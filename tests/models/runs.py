"""Runs of any model of the registry under any weather, for the tests of this folder."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dgeo.engine import Parameters, simulate
from dgeo.models import Model
from tests.models import weather

run = eqx.filter_jit(simulate)


def arrays(values, dtype):
    """The same arrays in one precision."""
    return {name: jnp.asarray(x, dtype) for name, x in values.items()}


def stores(model: Model, sites: int, random) -> dict[str, np.ndarray]:
    """From 1e-4 to 300 mm, evenly over the decades; one in eight is exactly empty. Stores may be arrays."""
    shapes = {name: (sites, *x.shape) for name, x in model.initial_state().items()}
    depths = {name: 10 ** random.uniform(-4, 2.5, shape) for name, shape in shapes.items()}
    return {name: np.where(random.random(x.shape) < 0.125, 0.0, x) for name, x in depths.items()}


def extreme(model: Model, shape: tuple[int, int], random) -> dict[str, np.ndarray]:
    """Weather at and beyond the edge of what the world offers; days from none to all of 24 h."""
    series = weather.extreme(shape, random) | {"day_length": 86400 * random.uniform(0, 1, shape)}
    return {name: series[name] for name in model.forcings}


def mild(model: Model, shape: tuple[int, int], random) -> dict[str, np.ndarray]:
    """Rain on two days in five, temperatures around freezing, none of them at a threshold."""
    series = {
        "precipitation": random.exponential(8, shape) * (random.random(shape) < 0.4),
        "temperature": random.normal(2, 6, shape),
        "potential_evapotranspiration": random.uniform(0.1, 4, shape),
        "day_length": 3600 * random.uniform(8, 16, shape),
    }
    return {name: series[name] for name in model.forcings}


def runoff_of(model: Model, forcing, state):
    """Total runoff, weighted so that no two days count the same, as a function of the parameters."""

    def total(parameters):
        outputs, _ = simulate(model, forcing, Parameters(parameters, {}), state, outputs=("runoff",))
        days = jnp.arange(1, outputs["runoff"].shape[0] + 1, dtype=outputs["runoff"].dtype)
        return jnp.sum(outputs["runoff"] * jnp.sin(days)[:, None])

    return jax.jit(jax.value_and_grad(total))
