"""A short run of HBV at three sites, for laws to stand in."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dgeo.engine import Parameters
from dgeo.models import Model
from tests.hybrid.cases import weather

DAYS, SITES = 60, 3
STATISTICS = {"frac_forest": (0.5, 0.3), "day_length": (43200.0, 7000.0)}


def forcing(days: int = DAYS) -> dict:
    """Rain, frost and sun, and a forcing that the model does not read."""
    series = weather(days, SITES).forcing
    day_length = 43200 + 10000 * np.sin(np.arange(days) / 10)[:, None] * np.ones((1, SITES))
    return {**series, "day_length": jnp.asarray(day_length, jnp.float32)}


def parameters(model: Model, key_numbers: np.random.Generator) -> Parameters:
    """Numbers from the middle six tenths of their bounds, the forest of each site among them."""
    bounds = {name: parameter.bounds for name, parameter in model.all_parameters.items()}
    drawn = {name: b.low + (b.high - b.low) * key_numbers.uniform(0.2, 0.8, SITES) for name, b in bounds.items()}
    forest = {"frac_forest": np.linspace(0, 1, SITES)}
    return Parameters({name: jnp.asarray(x, jnp.float32) for name, x in {**drawn, **forest}.items()}, {})


def single(model: Model) -> Model:
    """The model with its numbers in single precision, as those of the run are."""
    return jax.tree.map(lambda x: x.astype(jnp.float32) if eqx.is_inexact_array(x) else x, model)


def half_full(given: Parameters) -> dict:
    """Stores as they may be in the middle of a wet season, so that a short run visits what laws are for."""
    depths = {"snow_water_equivalent": 20.0, "snow_liquid_water": 1.0, "upper_zone": 20.0, "lower_zone": 40.0}
    full = {name: jnp.full(SITES, depth, jnp.float32) for name, depth in depths.items()}
    return {**full, "soil_moisture": 0.5 * given.static["field_capacity"]}
