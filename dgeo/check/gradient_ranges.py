"""Where the inputs of a model and of its laws lie, from what the model says of itself: units, sizes and bounds."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from dgeo.check.gradient_points import Point
from dgeo.models import Model, Variable
from dgeo.numerics import Bounds

Ranges = Mapping[str, Bounds]
ATTRIBUTES: Ranges = {"elev_mean": Bounds(50.0, 3500.0), "area": Bounds(5.0, 5000.0)}
WEATHER = Bounds(-8.0, 12.0)  # [degC] freezing and thawing, as most thresholds lie near 0
WET_DAYS = 0.6
SHARE = Bounds(0.0, 1.0)
INTERMEDIATE: Ranges = {"soil_inflow": Bounds(0.1, 60.0)}  # values of a step that are no variable of the model


def ranges_of(model: Model, slot: str | None = None) -> dict[str, Bounds]:
    """The interval from which every name that a law may read is drawn.

    Parameters lie within their bounds, temperatures between −8 and 12 °C, stores and forcings between 0.05 and 1.5 of
    their typical size; what nobody describes is a share.
    """
    described: dict[str, Variable] = {**model.fluxes, **model.forcings, **model.states}
    offered = {
        name: INTERMEDIATE.get(name, SHARE) for s in model.slots if slot in (None, s) for name in model.slots[s].offers
    }
    sizes = {
        name: WEATHER if variable.units == "degC" else Bounds(0.05 * variable.scale, 1.5 * variable.scale)
        for name, variable in described.items()
    }
    parameters = {name: parameter.bounds for name, parameter in model.all_parameters.items()}
    attributes = {name: ATTRIBUTES.get(name, SHARE) for name in model.attributes}
    return {**offered, **attributes, **sizes, **parameters}


def units_of(model: Model) -> dict[str, str]:
    """The unit of every parameter, store and forcing."""
    variables = {name: variable.units for name, variable in {**model.forcings, **model.states}.items()}
    return variables | {name: parameter.units for name, parameter in model.all_parameters.items()}


def numbers(bounds: Bounds, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Numbers within bounds, away from their ends."""
    return at_fraction(bounds, random.uniform(0.02, 0.98, shape))


def at_fraction(bounds: Bounds, fraction: Any) -> np.ndarray:
    """The numbers at fractions of the way through the bounds."""
    with jax.enable_x64(True):
        return np.asarray(bounds.from_fraction(jnp.asarray(fraction, jnp.float64)))


def weather(model: Model, ranges: Ranges, shape: tuple[int, int], random: np.random.Generator) -> dict[str, np.ndarray]:
    """Forcings [time, site]: rain on six days in ten."""
    names = (*model.forcings, *model.law_forcings)
    series = {name: numbers(ranges.get(name, SHARE), shape, random) for name in names}
    if "precipitation" in series:
        series["precipitation"] = series["precipitation"] * 2 * (random.random(shape) < WET_DAYS)
    return series


def of_precision(tree: Any, like: Any) -> Any:
    """The floating-point arrays of a tree in the precision of another tree's."""
    dtype = jnp.result_type(*jax.tree.leaves(like))

    def cast(leaf: Any) -> Any:
        real = isinstance(leaf, Array | np.ndarray) and jnp.issubdtype(leaf.dtype, jnp.floating)
        return jnp.asarray(leaf if isinstance(leaf, jax.core.Tracer) else np.asarray(leaf), dtype) if real else leaf

    return jax.tree.map(cast, tree)


def altered(point: Point, part: str, **changes: np.ndarray) -> Point:
    """The point with some numbers of one part replaced by others."""
    return {**point, part: {**point[part], **changes}}
