"""The parameter fields that a network produced: pulled out, named, ready to map and save."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import numpy as np
import xarray as xr

from dgeo.hybrid import Hybrid, Inputs, Simulator
from dgeo.training.simulation import times


def parameter_fields(model: Simulator, inputs: Inputs, like: xr.Dataset, attributes: Sequence[str] = ()) -> xr.Dataset:
    """Every parameter as [basin, component], or [basin] for routing; dynamic ones as their mean over time.

    Bounds, unit and meaning are in the attrs; the named attributes of the basins come along for relating the two.
    A network without physics has none.
    """
    fields = _fields(model, inputs) if isinstance(model, Hybrid) else xr.Dataset()
    places = [name for name in ("latitude", "longitude", "area", "region") if name in like.coords]
    fields = fields.assign_coords({name: like[name] for name in ("basin", *places)})
    return fields.assign({name: like[name] for name in attributes})


def _fields(model: Hybrid, inputs: Inputs) -> xr.Dataset:
    values, weights = _time_means(model, inputs)
    fields = xr.Dataset({name: _field(model, name, value) for name, value in values.items()})
    attrs = {"units": "1", "long_name": "weight of a component"}
    return fields.assign(component_weight=(("basin", "component"), np.asarray(weights), attrs))


def _time_means(model: Hybrid, inputs: Inputs) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Year by year, since dynamic parameters of a long record do not fit into memory at once."""
    carry = model.parameters.initial_carry(inputs.sites)
    steps = len(next(iter(inputs.forcing.values())))
    sums: dict[str, np.ndarray] = {}
    for first in range(0, steps, 365):
        part = times(inputs, slice(first, min(first + 365, steps)))
        parameters, weights, carry = _parameters(model, part, carry)
        for name, value in parameters.dynamic.items():
            sums[name] = sums.get(name, 0.0) + np.asarray(value).sum(0, dtype=np.float64)
    still = {name: np.asarray(value) for name, value in parameters.static.items()}
    return still | {name: total / steps for name, total in sums.items()}, np.asarray(weights)


@eqx.filter_jit
def _parameters(model: Hybrid, inputs: Inputs, carry: Any) -> Any:
    return model.parameters(model.corrected(inputs), carry)


def _field(model: Hybrid, name: str, value: np.ndarray) -> tuple[tuple[str, ...], np.ndarray, dict[str, object]]:
    specification = model.parameters.specifications[name]
    attrs = {
        "units": specification.units,
        "long_name": specification.meaning,
        "lower_bound": specification.bounds.low,
        "upper_bound": specification.bounds.high,
    }
    return ("basin", "component")[: value.ndim], value.astype(np.float32), attrs


def share_at_bounds(fields: xr.Dataset) -> dict[str, float]:
    """The share of values within 1 % of a bound, by parameter: where a network may have escaped the physics."""
    shares = {}
    for name, field in fields.data_vars.items():
        if "lower_bound" in field.attrs:
            low, high = field.attrs["lower_bound"], field.attrs["upper_bound"]
            fraction = (field.values - low) / (high - low)
            shares[str(name)] = float(np.mean((fraction < 0.01) | (fraction > 0.99)))
    return shares
