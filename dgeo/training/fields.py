"""The parameter fields that a network produced: pulled out, named, ready to map and save."""

from collections.abc import Sequence

import jax
import numpy as np
import xarray as xr

from dgeo.hybrid import Hybrid, Inputs


def parameter_fields(model: Hybrid, inputs: Inputs, like: xr.Dataset, attributes: Sequence[str] = ()) -> xr.Dataset:
    """Every parameter as [basin, component], or [basin] for routing; dynamic ones as their mean over time.

    Bounds, unit and meaning are in the attrs; the named attributes of the basins come along for relating the two.
    """
    carry = model.parameters.initial_carry(inputs.sites)
    parameters, weights, _ = jax.jit(lambda inputs, carry: model.parameters(inputs, carry))(inputs, carry)
    values = {name: np.asarray(value) for name, value in parameters.static.items()}
    values |= {name: np.asarray(value).mean(0) for name, value in parameters.dynamic.items()}
    fields = xr.Dataset({name: _field(model, name, value) for name, value in values.items()})
    fields["component_weight"] = (("basin", "component"), np.asarray(weights), {"units": "1", "long_name": "weight of a component"})
    places = [name for name in ("latitude", "longitude", "area", "region") if name in like.coords]
    fields = fields.assign_coords({name: like[name] for name in ("basin", *places)})
    return fields.assign({name: like[name] for name in attributes})


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
