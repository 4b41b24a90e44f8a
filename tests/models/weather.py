"""Parameters, stores and weather at and beyond the edge of what the world offers."""

import numpy as np

from dgeo.models import Model


def parameters(model: Model, shape, random) -> dict[str, np.ndarray]:
    """Anywhere within the bounds; one in six lies on the lower bound, one in six on the upper. Attributes besides."""
    bounds = {name: parameter.bounds for name, parameter in model.parameters.items()}
    fractions = {name: np.clip(random.uniform(-0.25, 1.25, shape), 0, 1) for name in bounds}
    attributes = {"area": 10 ** random.uniform(0.5, 4, shape), "elev_mean": random.uniform(0, 4000, shape)}
    values = {name: b.low + (b.high - b.low) * fractions[name] for name, b in bounds.items()}
    return values | {name: attributes[name] for name in model.attributes}


def stores(model: Model, shape, random) -> dict[str, np.ndarray]:
    """From 1e-4 to 300 mm, evenly over the decades; one in eight is exactly empty."""
    depths = {name: 10 ** random.uniform(-4, 2.5, shape) for name in model.states}
    return {name: np.where(random.random(shape) < 0.125, 0.0, depth) for name, depth in depths.items()}


def extreme(shape, random) -> dict[str, np.ndarray]:
    """Each site (last axis) in a climate of its own: 0…500 mm d-1, −40…45 °C, droughts, switches at 0 °C.

    Time is the first axis. Rain comes in spells, with droughts of a fifth of the record; where the climate is
    mild, the temperature hops between −1, exactly 0 and 1 °C; one day in ten has no evaporative demand.
    """
    wet = (random.random(shape) < random.uniform(0, 1, shape[-1])) & ~drought(shape, random)
    storms = np.minimum(random.exponential(10 ** random.uniform(-1, 2.5, shape[-1]), shape), 500.0)
    season = random.uniform(-25, 30, shape[-1]) + random.normal(0, 8, shape)
    mild = random.random(shape[-1]) < 0.25
    temperature = np.where(mild, random.integers(-1, 2, shape), np.clip(season, -40, 45))
    demand = random.uniform(0, 12, shape) * (random.random(shape) < 0.9)
    return {
        "precipitation": np.where(wet, storms, 0.0),
        "temperature": temperature.astype(float),
        "potential_evapotranspiration": demand,
    }


def drought(shape, random) -> np.ndarray:
    """One spell without rain at each site."""
    start, length = random.integers(0, shape[0], shape[-1]), shape[0] // 5
    time = np.arange(shape[0])[:, None]
    return (time >= start) & (time < start + length)
