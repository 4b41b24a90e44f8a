"""Forcings, parameters and stores for `dgeo.check.cases`: at and beyond the edge of what the world offers."""

import jax.numpy as jnp
import numpy as np

from dgeo.check.gradient_ranges import ATTRIBUTES, SHARE, numbers, ranges_of
from dgeo.models import Model, Values

SITES = 8
Random = np.random.Generator


def extreme(shape: tuple[int, int], random: Random) -> Values:
    """Every site in a climate of its own: storms to 500 mm d⁻¹, a drought, −40 to 45 °C, days that hop over 0 °C."""
    wet = (random.random(shape) < random.uniform(0, 1, shape[1])) & ~_drought(shape, random)
    storms = np.minimum(random.exponential(10 ** random.uniform(-1, 2.5, shape[1]), shape), 500.0)
    season = np.clip(random.uniform(-25, 30, shape[1]) + random.normal(0, 8, shape), -40, 45)
    hopping = random.random(shape[1]) < 0.25
    series = {
        "precipitation": np.where(wet, storms, 0.0),
        "temperature": np.where(hopping, random.integers(-1, 2, shape), season),
        "potential_evapotranspiration": random.uniform(0, 12, shape) * (random.random(shape) < 0.9),
        "day_length": 86400 * random.uniform(0, 1, shape),
    }
    return {name: jnp.asarray(values, float) for name, values in series.items()}


def _drought(shape: tuple[int, int], random: Random) -> np.ndarray:
    """A fifth of the record without rain, at each site."""
    start = random.integers(0, shape[0], shape[1])
    time = np.arange(shape[0])[:, None]
    return (time >= start) & (time < start + shape[0] // 5)


def within(model: Model, shape: tuple[int, ...], random: Random) -> Values:
    """Parameters anywhere within their bounds, one in six on the lower and one on the upper; attributes besides."""
    fractions = {n: np.clip(random.uniform(-0.25, 1.25, shape), 0, 1) for n in model.parameters}
    values = {n: p.bounds.from_fraction(jnp.asarray(fractions[n])) for n, p in model.parameters.items()}
    return values | {n: jnp.asarray(numbers(ATTRIBUTES.get(n, SHARE), shape, random)) for n in model.attributes}


def stores(model: Model, random: Random) -> Values:
    """From 1e-4 to 300 mm, evenly over the decades; one in eight is exactly empty."""
    shapes = {name: (SITES, *np.shape(one)) for name, one in model.initial_state().items()}
    depths = {name: 10 ** random.uniform(-4, 2.5, shape) for name, shape in shapes.items()}
    return {name: jnp.asarray(np.where(random.random(x.shape) < 0.125, 0.0, x)) for name, x in depths.items()}


def cells(model: Model, steps: int, random: Random, shape: tuple[int, ...] = ()) -> tuple[Values, Values, Values]:
    """Forcing, parameters and state about typical sizes, per cell of a `shape`; rain on half of the steps."""
    known, names = ranges_of(model), (*model.forcings, *model.law_forcings)
    series = {name: numbers(known.get(name, SHARE), (steps, SITES, *shape), random) for name in names}
    if "precipitation" in series:
        series["precipitation"] = 2 * series["precipitation"] * (random.random((steps, SITES, *shape)) < 0.5)
    parameters = {name: numbers(known[name], (SITES, *shape), random) for name in model.parameters}
    state = {name: jnp.broadcast_to(one, (SITES, *np.shape(one))) for name, one in model.initial_state().items()}
    forcing, static = ({name: jnp.asarray(x) for name, x in part.items()} for part in (series, parameters))
    return forcing, static, state
