"""Several products of the weather of a virtual world, each wrong in a way that is known.

    P_i = b_i·n_i·P            on a day that the product sees,   n_i = exp(s_i ε − s_i²/2)
    P_i = 0                    on a wet day that it misses, with probability `missed`
    P_i ~ exponential          on a dry day that it takes for a wet one, with probability `false`
    T_i = T + c_i + σ_i ε

What is wrong hangs on the land and the climate, and can therefore be learned from attributes:

    b_i = (1 − undercatch·frac_snow)·exp(orographic·h)     h = elev_mean/1000 m − 0.7
    s_i = noise·exp(noise_elevation·tanh h + noise_aridity·tanh ln aridity)
    c_i = lapse·h

The mean of n_i is 1. Observed streamflow is that of the true weather, which stays in the dataset under its own name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from dgeo.errors import DgeoError
from dgeo.virtual.randomness import draw
from dgeo.virtual.weighting import optimal_weights
from dgeo.virtual.world import VirtualWorld

Series = Float[np.ndarray, "time basin"]
Site = Float[np.ndarray, " basin"]

FALSE_AMOUNT = 0.5  # mean of a false event over the mean precipitation of the basin


@dataclass(frozen=True)
class ProductErrors:
    """What is wrong with one product; all zeros is the truth."""

    undercatch: float = 0.0  # share of snow that is lost [1]
    orographic: float = 0.0  # change of ln P with elevation [km-1]
    noise: float = 0.0  # standard deviation of ln n at h = 0 and aridity 1 [1]
    noise_elevation: float = 0.0  # how that rises with elevation [1]
    noise_aridity: float = 0.0  # how that rises with aridity [1]
    missed: float = 0.0  # share of wet days [1]
    false: float = 0.0  # share of dry days [1]
    lapse: float = 0.0  # bias of temperature with elevation [degC km-1]
    temperature_noise: float = 0.0  # standard deviation [degC]

    def __post_init__(self) -> None:
        """Refuse shares and deviations that are none."""
        for name in ("undercatch", "missed", "false"):
            if not 0 <= getattr(self, name) < 1:
                raise DgeoError(f"The {name} of a product is {getattr(self, name)}; give a share from 0 to below 1.")
        for name in ("noise", "temperature_noise"):
            if not getattr(self, name) >= 0:
                raise DgeoError(f"The {name} of a product is {getattr(self, name)}; give a deviation of at least 0.")


ERRORS: dict[str, ProductErrors] = {
    "a": ProductErrors(undercatch=0.5, noise=0.3, noise_elevation=1.2, missed=0.02, lapse=1.5, temperature_noise=0.5),
    "b": ProductErrors(orographic=-0.25, noise=0.5, noise_aridity=-1.2, missed=0.05, false=0.05, temperature_noise=1.5),
    "c": ProductErrors(orographic=0.15, noise=0.6, noise_elevation=-1.0, false=0.10, lapse=-0.8, temperature_noise=1.0),
}
"""Gauges, good in lowlands and blind to snow; a radar, good where it is dry; a model that is good in mountains."""


class Products(NamedTuple):
    """What a modeller sees, and what is true.

    - `dataset`: that of the world, with `precipitation_<product>` and `temperature_<product>` [time, basin];
    - `truth` [basin, product]: `precipitation_bias`, `precipitation_noise`, `temperature_bias`, `temperature_noise` and
      `optimal_weight`, that of the daily precipitation (see `optimal_weights`).
    """

    dataset: xr.Dataset
    truth: xr.Dataset


def products(world: VirtualWorld, errors: Mapping[str, ProductErrors] | None = None, seed: int = 0) -> Products:
    """Products of the world's precipitation and temperature, `ERRORS` by default; the same for the same arguments.

    A product keeps its values when others are added, basins and years likewise. Raises `DgeoError` without products.
    """
    errors = ERRORS if errors is None else errors
    if not errors:
        raise DgeoError("No product is asked for; give at least one, such as {'a': ProductErrors(noise=0.3)}.")
    dataset = world.dataset
    made = {name: _product(dataset, name, error, seed) for name, error in errors.items()}
    series = {
        f"{variable}_{name}": (("time", "basin"), values, _like(dataset[variable], name))
        for name, product in made.items()
        for variable, values in product.items()
    }
    return Products(dataset.assign(series), _truth(dataset, errors, made))


def some_products(world: VirtualWorld, count: int, seed: int = 0) -> Products:
    """The first `count` products of `ERRORS`; raises `DgeoError` for more than there are."""
    if not 1 <= count <= len(ERRORS):
        raise DgeoError(f"There are 1 to {len(ERRORS)} virtual products, not {count}; give `products` errors of more.")
    return products(world, dict(list(ERRORS.items())[:count]), seed)


def _product(dataset: xr.Dataset, name: str, error: ProductErrors, seed: int) -> dict[str, Series]:
    """Precipitation and temperature as one product has them, float32."""
    rain, warmth = (dataset[variable].values.astype(np.float64) for variable in ("precipitation", "temperature"))
    known = _known(dataset, error)
    days, count = rain.shape
    noise = draw(seed, count, f"{name} noise", lambda generator: generator.standard_normal(days))
    spread = known["precipitation_noise"]
    seen = rain * known["precipitation_bias"] * np.exp(spread * noise - spread**2 / 2)
    chance = draw(seed, count, f"{name} detection", lambda generator: generator.random(days))
    amount = draw(seed, count, f"{name} false events", lambda generator: generator.standard_exponential(days))
    invented = np.where(chance < error.false, FALSE_AMOUNT * dataset["p_mean"].values * amount, 0)
    departure = draw(seed, count, f"{name} temperature", lambda generator: generator.standard_normal(days))
    return {
        "precipitation": np.where(rain > 0, np.where(chance < error.missed, 0, seen), invented).astype(np.float32),
        "temperature": (warmth + known["temperature_bias"] + error.temperature_noise * departure).astype(np.float32),
    }


def _known(dataset: xr.Dataset, error: ProductErrors) -> dict[str, Site]:
    """Bias and noise of a product in every basin."""
    height = dataset["elev_mean"].values / 1000 - 0.7
    aridity, snow = dataset["aridity"].values, dataset["frac_snow"].values
    growth = error.noise_elevation * np.tanh(height) + error.noise_aridity * np.tanh(np.log(aridity))
    return {
        "precipitation_bias": (1 - error.undercatch * snow) * np.exp(error.orographic * height),
        "precipitation_noise": error.noise * np.exp(growth),
        "temperature_bias": error.lapse * height,
        "temperature_noise": np.full(height.shape, error.temperature_noise),
    }


_MEANINGS = {
    "precipitation_bias": ("1", "expected over true precipitation on the wet days that are seen"),
    "precipitation_noise": ("1", "standard deviation of the logarithm of precipitation about its bias"),
    "temperature_bias": ("degC", "expected minus true temperature"),
    "temperature_noise": ("degC", "standard deviation of temperature about its bias"),
}


def _truth(
    dataset: xr.Dataset, errors: Mapping[str, ProductErrors], made: Mapping[str, Mapping[str, Series]]
) -> xr.Dataset:
    known = [_known(dataset, error) for error in errors.values()]
    variables: dict[str, Any] = {
        name: (("basin", "product"), np.stack([one[name] for one in known], axis=-1), _named(*meaning))
        for name, meaning in _MEANINGS.items()
    }
    rain = np.stack([product["precipitation"] for product in made.values()], axis=-1)
    best = optimal_weights(rain, dataset["precipitation"].values)
    variables["optimal_weight"] = (("basin", "product"), best, _named("1", "weight of least squared daily error"))
    coords = {name: value for name, value in dataset.coords.items() if value.dims == ("basin",)}
    return xr.Dataset(variables, coords=coords | {"product": list(errors)})


def _like(variable: xr.DataArray, product: str) -> dict[str, Any]:
    return {**variable.attrs, "long_name": f"{variable.attrs['long_name']} of product {product}"}


def _named(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}
