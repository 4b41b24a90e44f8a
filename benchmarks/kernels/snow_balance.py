"""The energy balance of the snowpack at Col de Porte in 2005/06, hour by hour, with the default numbers."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from snow_models import degree_days

from dgeo.engine import Parameters, simulate
from dgeo.models import Formula, snowpack

OUTPUTS = ("snow_water_equivalent", "albedo", "surface_temperature", "outflow", "solver_failure")


def weather(folder: Path) -> dict[str, jax.Array]:
    """Hourly forcings [hour, 1], the share of snow in precipitation among them, as it was seen."""
    names = ["y", "m", "d", "h", "sw", "lw", "snow", "rain", "t", "rh", "u", "p"]
    hours = pd.read_csv(folder / "met_CdP_0506.txt.xz", sep=r"\s+", names=names)
    temperature = hours["t"] - 273.15
    saturated = 610.8 * np.exp(17.27 * temperature / (temperature + 237.3))
    share = hours["snow"] / (hours["snow"] + hours["rain"]).where(lambda x: x > 0)
    series = {
        "precipitation": (hours["snow"] + hours["rain"]) * 86400, "temperature": temperature,
        "shortwave_radiation": hours["sw"], "longwave_radiation": hours["lw"], "wind_speed": hours["u"],
        "vapour_pressure": hours["rh"] / 100 * saturated, "given_snow_fraction": share.fillna(0),
    }  # fmt: skip
    return {name: jnp.asarray(x.to_numpy(np.float32))[:, None] for name, x in series.items()}


def observed(folder: Path) -> dict[str, np.ndarray]:
    """Daily snow [mm], albedo and surface temperature [°C]; NaN where nothing was seen."""
    names = ["y", "m", "d", "albedo", "runoff", "depth", "swe", "ts", "soil"]
    table = pd.read_csv(folder / "obs_CdP_0506.txt", sep=r"\s+", names=names)
    return {name: table[name].where(table[name] > -90).to_numpy() for name in ("swe", "albedo", "ts")}


def by_energy(forcing: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """The snowpack's outputs, hour by hour."""
    given = Formula(lambda given: given, ("given_snow_fraction",), forcings=("given_snow_fraction",))
    pack = snowpack(snow_fraction=given)
    parameters = {name: jnp.full(1, p.default) for name, p in pack.parameters.items()}
    parameters |= {"air_pressure": jnp.full(1, 87400.0)}
    return jax.jit(lambda: simulate(pack, forcing, Parameters(parameters, {}), dt=1 / 24, outputs=OUTPUTS))()[0]


def by_degree_days(daily: dict[str, np.ndarray]) -> np.ndarray:
    """Snow by the default degree-day [mm]."""
    plain = degree_days()
    forcing = {name: jnp.asarray(daily[name])[:, None] for name in ("temperature", "precipitation")}
    forcing |= {"potential_evapotranspiration": jnp.zeros_like(forcing["temperature"])}
    numbers = {name: jnp.full(1, p.default) for name, p in plain.parameters.items()}
    outputs = ("snow_water_equivalent", "snow_liquid_water")
    found, _ = simulate(plain, forcing, Parameters(numbers, {}), outputs=outputs)
    return np.asarray(sum(found.values()))[:, 0]


def energy_balance(root: Path) -> dict[str, Any]:
    """Errors of both, and the series for the figure."""
    folder = root / "snow" / "col_de_porte"
    forcing, seen = weather(folder), observed(folder)
    found = by_energy(forcing)
    length = len(seen["swe"])

    def days(series: dict[str, jax.Array]) -> dict[str, np.ndarray]:
        return {name: np.asarray(x)[: 24 * length, 0].reshape(-1, 24).mean(axis=1) for name, x in series.items()}

    ours = days(found)
    snow, simple = ours["snow_water_equivalent"], by_degree_days(days(forcing))
    snowy = (seen["swe"] > 20) & (snow > 20)
    return {
        "rmse_mm": rmse(snow, seen["swe"]),
        "rmse_mm_degree_day": rmse(simple, seen["swe"]),
        "largest_mm": [float(snow.max()), float(np.nanmax(seen["swe"]))],
        "rmse_albedo": rmse(ours["albedo"][snowy], seen["albedo"][snowy]),
        "rmse_surface_temperature": rmse(ours["surface_temperature"][snowy], seen["ts"][snowy]),
        "failed_hours": float(np.asarray(found["solver_failure"]).sum()),
        "series": {"energy balance": snow, "observed": seen["swe"], "degree-day": simple},
    }


def rmse(ours: np.ndarray, seen: np.ndarray) -> float:
    """Root of the mean square error where something was seen."""
    return float(np.sqrt(np.nanmean((ours - seen) ** 2)))
