"""Small hybrids of every kind and the weather they run on, shared by the tests of this folder."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dgeo.hybrid import Hybrid, Inputs, Recipe, build

SITES, COMPONENTS, DAYS = 3, 2, 60
ATTRIBUTES = ("aridity", "elevation")
FORCINGS = ("precipitation", "temperature", "potential_evapotranspiration")
STATISTICS = {
    "aridity": (1.0, 0.5),
    "elevation": (800.0, 500.0),
    "precipitation": (3.0, 6.0),
    "temperature": (6.0, 9.0),
    "potential_evapotranspiration": (2.0, 1.5),
}
STATIC = {"attributes": ATTRIBUTES, "components": COMPONENTS, "static": {"width": 8, "depth": 1}, "routing_days": 6}
DYNAMIC = {"width": 6, "memories": (1, 5, 30), "dropout": 0.3}
KINDS = {
    "static": None,
    "moving_average": {**DYNAMIC, "network": "moving_average"},
    "lstm": {**DYNAMIC, "network": "lstm", "logarithmic": ("precipitation",)},
}


def recipe(kind: str = "static", **changes) -> Recipe:
    """A recipe with static parameters, or with a dynamic head of the kind named."""
    return Recipe.model_validate({**STATIC, "dynamic": KINDS[kind], **changes})


def hybrid(kind: str = "static", seed: int = 0, **changes) -> Hybrid:
    """A model of that recipe with fresh weights."""
    return build(recipe(kind, **changes), STATISTICS, jax.random.key(seed))


def weather(days: int = DAYS, sites: int = SITES, seed: int = 3) -> Inputs:
    """Rain on two days in five, a season of temperature that crosses zero, evaporation that follows it."""
    random = np.random.default_rng(seed)
    rain = random.exponential(8.0, (days, sites)) * (random.random((days, sites)) < 0.4)
    season = 6 + 8 * np.sin(np.arange(days) / 10)[:, None]
    temperature = season + random.normal(0, 3, (days, sites))
    forcing = dict(zip(FORCINGS, (rain, temperature, np.maximum(temperature / 4, 0.1)), strict=True))
    attributes = {"aridity": random.uniform(0.3, 2, sites), "elevation": random.uniform(10, 2000, sites)}
    single = {name: jnp.asarray(value, jnp.float32) for name, value in {**forcing, **attributes}.items()}
    return Inputs({name: single[name] for name in FORCINGS}, {name: single[name] for name in ATTRIBUTES})


def cut(inputs: Inputs, first: int, last: int) -> Inputs:
    """The days from `first` up to `last`."""
    forcing = {name: series[first:last] for name, series in inputs.forcing.items()}
    return Inputs(forcing, inputs.attributes, inputs.index)


OUTPUTS = ("streamflow", "evapotranspiration", "snow_water_equivalent", "lower_zone")


@eqx.filter_jit
def run(model, inputs, carry=None, outputs=OUTPUTS, dt=1.0, key=None):
    """The model, compiled once for each shape."""
    return model(inputs, carry, outputs=outputs, dt=dt, key=key)


def as_double(tree):
    """The same model or inputs in double precision."""
    return jax.tree.map(lambda x: x.astype(jnp.float64) if eqx.is_inexact_array(x) else x, tree)
