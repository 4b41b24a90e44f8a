"""Arrays of a virtual world → xarray, with names, units and places."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from dgeo.data.variables import SERIES, describe
from dgeo.hybrid import GammaRouting
from dgeo.models import Model
from dgeo.virtual.attributes import ATTRIBUTES
from dgeo.virtual.truth import CHANNEL

Arrays = Mapping[str, np.ndarray]


def pack_dataset(
    time: np.ndarray, regions: np.ndarray, climate: Arrays, series: Arrays, attributes: Arrays
) -> xr.Dataset:
    """What the modeller sees; `region` is the climate type."""
    coordinates = {
        "latitude": climate["latitude"],
        "longitude": climate["longitude"],
        "area": 10 ** attributes["log10_area"],
        "region": regions,
    }
    variables: dict[str, Any] = {name: (("time", "basin"), values, describe(name)) for name, values in series.items()}
    for name, (units, meaning) in ATTRIBUTES.items():
        variables[name] = ("basin", attributes[name].astype(np.float32), _named(units, meaning))
    return xr.Dataset(
        variables,
        coords={
            "time": time.astype("datetime64[ns]"),
            "basin": np.array([f"virtual_{i:05d}" for i in range(len(regions))]),
            **{name: ("basin", values, describe(name)) for name, values in coordinates.items()},
        },
    )


def pack_truth(dataset: xr.Dataset, physics: Model, series: Arrays, parameters: Arrays) -> xr.Dataset:
    """All that is true, on the coordinates of the dataset."""
    meanings = {
        name: (variable.units, variable.meaning) for name, variable in (physics.fluxes | physics.states).items()
    }
    meanings |= {
        "streamflow": (SERIES["streamflow"].units, "streamflow without noise"),
        CHANNEL: ("mm", "water under way to the gauge"),
    }
    variables: dict[str, Any] = {
        name: (("time", "basin"), values, _named(*meanings[name])) for name, values in series.items()
    }
    for name, parameter in (physics.parameters | GammaRouting.parameters).items():
        attrs = _named(parameter.units, parameter.meaning)
        attrs |= {"lower_bound": parameter.bounds.low, "upper_bound": parameter.bounds.high}
        variables[name] = ("basin", parameters[name], attrs)
    return xr.Dataset(variables, coords=dataset.coords)


def _named(units: str, long_name: str) -> dict[str, Any]:
    return {"units": units, "long_name": long_name}
