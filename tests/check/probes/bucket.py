"""A small model that behaves as water does, and one that does not for every probe."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.check.probes import External, Moment, Subject
from dgeo.hybrid import Inputs
from dgeo.models import Budget

SITES, DAYS = 4, 365
RAIN, HEAT, DEMAND = "precipitation", "temperature", "potential_evapotranspiration"


def weather() -> Inputs:
    """A year with showers, a winter, and demand that follows the warmth, at four sites from cold to warm."""
    day, site = np.arange(DAYS, dtype=float)[:, None], np.arange(SITES)[None]
    temperature = 6 + 3 * site + 12 * np.sin(2 * np.pi * (day - 210) / 365) + 3 * np.sin(0.8 * day + site)
    rain = np.maximum(14 * np.sin(1.7 * day + site) + 5 * np.sin(0.31 * day) - 6, 0)
    forcing = {RAIN: rain, HEAT: temperature, DEMAND: np.maximum(0.15 * (temperature + 5), 0.1)}
    attributes = {"area": np.array([50.0, 200.0, 900.0, 20.0]), "sand": np.array([0.1, 0.3, 0.5, 0.7])}
    with jax.enable_x64(True):
        return Inputs(jax.tree.map(jnp.asarray, forcing), jax.tree.map(jnp.asarray, attributes))


@dataclass
class Bucket(Subject):
    """Snow by a ramp about 0 °C and degree days; a soil that evaporates, leaks and drains, exact for each step.

    snow += snowfall − melt;   soil += rainfall + melt − evapotranspiration − leak − streamflow

    Every response is continuous and rises with what is stored, so that all probes must pass. A fault is a number: how
    much of a term goes wrong.
    """

    lost_melt: float = 0.0
    capacity: float = np.inf
    contrary_evaporation: bool = False
    evaporation_factor: float = 1.0
    overdraft: float = 0.0
    forgotten: float = 0.0
    days_only: bool = False
    perennial: bool = False
    siphon: bool = False
    bounded_rate: bool = True
    source: float = 0.0

    forcings = (RAIN, HEAT, DEMAND)
    attributes = ("area", "sand")
    outputs = ("streamflow", "evapotranspiration", "snowfall", "rainfall", "melt", "leak", "snow", "soil")
    budget = Budget(
        {
            "snowfall": (None, "snow"),
            "rainfall": (None, "soil"),
            "melt": ("snow", "soil"),
            "evapotranspiration": ("soil", None),
            "leak": (None, "soil"),
            "streamflow": ("soil", None),
        },
        exchanges=("leak",),
    )
    restarts = True
    divides = True

    def start(self, attributes: Any, sites: int, dt: float = 1.0) -> Moment:
        nothing = np.zeros(sites)
        return Moment((nothing, nothing), {"snow": nothing, "soil": nothing})

    def march(self, forcing: Any, attributes: Any, moment: Moment, dt: float = 1.0) -> tuple[Any, Moment]:
        snow, soil = moment.carry
        rows = []
        for rain, heat, demand in zip(*(forcing[name] for name in self.forcings), strict=True):
            fluxes, snow, soil = self.step(rain, heat, demand, attributes["sand"], snow, soil, dt)
            rows.append((*fluxes, snow, soil))
        series = dict(zip(self.outputs, np.stack(rows, axis=1), strict=True))
        return series, Moment((snow, soil * (1 - self.forgotten)), {"snow": snow, "soil": soil})

    def step(self, rain, heat, demand, sand, snow, soil, dt):
        """One step at all sites."""
        recession = 0.02 + 0.05 * np.clip(sand, 0, 1) if self.bounded_rate else 0.1 - 0.1 * sand
        snowfall = rain * np.clip(0.5 - heat / 4, 0, 1)
        snow = snow + snowfall * dt
        melt = np.minimum(2 * np.maximum(heat, 0) * dt * (not self.perennial), snow)
        snow = snow - melt
        soil = soil + (rain - snowfall) * dt + melt * (1 - self.lost_melt)
        soil = np.minimum(soil, self.capacity)
        wetness = np.minimum(soil / 200, 1)
        wetness = 1 / (1 + soil / 20) if self.contrary_evaporation else wetness
        wanted = demand * wetness * self.evaporation_factor * dt
        taken = np.minimum(demand * dt if self.overdraft else wanted, soil + self.overdraft)
        soil = soil - taken
        leak = self.source * dt if self.source else -0.002 * dt * soil
        soil = soil + leak
        available = np.where(soil > 60, soil, 0) if self.siphon else soil
        flow = available * (1 - np.exp(-recession * (1 if self.days_only else dt)))
        fluxes = flow, taken, snowfall * dt, (rain - snowfall) * dt, melt, leak + 0 * soil
        return tuple(flux / dt for flux in fluxes), snow, soil - flow


def stateless(flow: Callable[[Any], np.ndarray]) -> External:
    """A model whose flow is a formula of the forcings, with no stores."""
    return External(lambda forcing: {"streamflow": flow(forcing)}, (RAIN, HEAT, DEMAND))


def of_attributes(flow: Callable[[Any, Any], np.ndarray]) -> External:
    """The same with attributes."""
    return External(
        lambda forcing, attributes: {"streamflow": flow(forcing, attributes)}, (RAIN, HEAT), attributes=("area",)
    )
