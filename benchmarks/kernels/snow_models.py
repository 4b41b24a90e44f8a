"""The snow of HBV with any melt law, and an LSTM in the place of everything."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from snow_data import DAYS

from dgeo.engine import Parameters, simulate
from dgeo.models import Formula, hbv
from dgeo.nn import LSTM
from dgeo.numerics import Thresholds
from dgeo.physics import degree_day

ROUNDED = (("thresholds", Thresholds(0.5)),)


def degree_days(melt: Any = None) -> Any:
    """HBV, of which only the snow is looked at."""
    laws = {"snow_fraction": Formula(degree_day.snow_fraction, options=ROUNDED)}
    return hbv(**laws, melt=melt or Formula(degree_day.melt, options=ROUNDED))


def forcing_of(years: dict[str, np.ndarray]) -> dict[str, jax.Array]:
    """What the models read."""
    series = {name: jnp.asarray(years[name]) for name in ("temperature", "precipitation", "sun")}
    return {**series, "potential_evapotranspiration": jnp.zeros_like(series["sun"])}


def snow_of(model: Any, unbounded: dict[str, jax.Array], years: dict[str, np.ndarray]) -> jax.Array:
    """Frozen and liquid water [day, year] of a degree-day model with the numbers of each site."""
    known = {name: parameter.default for name, parameter in model.parameters.items()}
    numbers = {name: model.parameters[name].bounds.from_unbounded(z)[years["site"]] for name, z in unbounded.items()}
    full = {name: numbers.get(name, jnp.full(years["site"].size, x)) for name, x in known.items()}
    outputs = ("snow_water_equivalent", "snow_liquid_water")
    found, _ = simulate(model, forcing_of(years), Parameters(full, {}), outputs=outputs)
    return found[outputs[0]] + found[outputs[1]]


class Memory(eqx.Module):
    """An LSTM in the place of everything."""

    network: LSTM

    def __call__(self, years: dict[str, np.ndarray]) -> jax.Array:
        site = np.broadcast_to(np.eye(3, dtype=np.float32)[years["site"]], (DAYS, years["site"].size, 3))
        season = np.broadcast_to(np.linspace(0, 1, DAYS, dtype=np.float32)[:, None], years["sun"].shape)
        scaled = (years["temperature"] / 10, years["precipitation"] / 10, years["sun"] / 20, season)
        inputs = jnp.concatenate([jnp.stack(scaled, axis=-1), site], axis=-1)
        output, _ = self.network(inputs, self.network.initial_carry(years["site"].size))
        return 300 * jax.nn.softplus(output[..., 0] - 1)
