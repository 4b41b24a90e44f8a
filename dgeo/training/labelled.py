"""Arrays out, labelled: names, units, dates and basins on what a model simulated."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from dgeo.models import Variable


def label(
    series: Mapping[str, np.ndarray], like: xr.Dataset, variables: Mapping[str, Variable], suffix: str = ""
) -> xr.Dataset:
    """Outputs [time, basin] with the time and basin coordinates of `like`, units and meanings.

    A `suffix` to the names says what of an output they are: "_spread", the standard deviation over an ensemble.
    """
    labelled = {
        name + suffix: (
            ("time", "basin"),
            value.astype(np.float32),
            {"units": variables[name].units, "long_name": variables[name].meaning},
        )
        for name, value in series.items()
    }
    places = [name for name in ("latitude", "longitude", "area", "region", "name") if name in like.coords]
    coordinates = {name: like[name] for name in ("time", "basin", *places)}
    return xr.Dataset(labelled, coordinates, {"Conventions": "CF-1.11", "source": "dgeo"})
