"""The gradients of a law, at what its model says its inputs may be."""

from collections.abc import Collection
from itertools import combinations
from typing import Any

import equinox as eqx
import jax
import numpy as np

from dgeo.check.gradient_kit import gradients
from dgeo.check.gradient_points import Point, generator
from dgeo.check.gradient_ranges import SHARE, Ranges, altered, at_fraction, numbers, of_precision, ranges_of, units_of
from dgeo.check.gradient_report import Report
from dgeo.check.gradient_run import DEFAULT, TRANSFORMATIONS, Tolerances
from dgeo.models import Law, Model
from dgeo.models.law import attributes_of
from dgeo.numerics import trainable

DRAWS = 32


def law_gradients(
    law: Law,
    model: Model,
    slot: str | None = None,
    *,
    key: jax.Array,
    name: str | None = None,
    ranges: Ranges | None = None,
    dead: Collection[str] = (),
    analytic: bool = False,
    transformations: Collection[str] = TRANSFORMATIONS,
    tolerances: Tolerances = DEFAULT,
) -> Report:
    """Check the gradients of a law by all that it reads (`"values/soil_moisture"`) and its weights (`"weights/…"`).

    It is evaluated at 32 draws at once: parameters within their bounds, stores and forcings of their typical size, or
    from `ranges`. The nasty points are every store and forcing at 0, parameters at their bounds, and every two inputs
    of one unit at the same value, where thresholds lie. Attributes of the site are not differentiated.

    `dead`, `analytic`, `transformations`, `tolerances`: see `gradients`, which says what is returned and raised.
    """
    random = generator(key)
    known = {**ranges_of(model, slot), **(ranges or {})}
    names = [read for read in law.inputs if read not in attributes_of(law)]
    weights, rest = eqx.partition(law, trainable(law))
    still = {read: numbers(known.get(read, SHARE), (DRAWS,), random) for read in attributes_of(law)}

    def evaluate(values: Any, weights: Any) -> Any:
        present = eqx.combine(weights, of_precision(rest, values))
        return jax.vmap(present)({**values, **of_precision(still, values)})

    def draw(random: np.random.Generator) -> Point:
        values = {read: numbers(known.get(read, SHARE), (DRAWS,), random) for read in names}
        return {"values": values, "weights": _heavier(weights, random)}

    return gradients(
        evaluate,
        draw,
        key=key,
        name=name or f"{type(model).__name__} {slot}",
        nasty=_nasty(model, names, known, draw(random)),
        dead=dead,
        analytic=analytic,
        transformations=transformations,
        tolerances=tolerances,
    )


def _heavier(weights: Any, random: np.random.Generator) -> Any:
    """The weights and some noise, as those that begin at zero have no gradient behind them."""
    return jax.tree.map(lambda w: np.asarray(w, np.float64) + 0.1 * random.standard_normal(w.shape), weights)


def _nasty(model: Model, names: list[str], ranges: Ranges, base: Point) -> dict[str, Point]:
    units, parameters = units_of(model), [name for name in names if name in model.all_parameters]
    free = [name for name in names if name not in parameters]
    zeros = {f"{name} = 0": {name: np.zeros(DRAWS)} for name in free}
    ties = {
        f"{a} = {b}": {a: base["values"][b]}
        for a, b in combinations(names, 2)
        if units.get(a) is not None and units.get(a) == units.get(b)
    }
    bounds = {
        f"{end} bounds": {name: at_fraction(ranges[name], np.full(DRAWS, share)) for name in parameters}
        for end, share in (("lower", 0.0), ("upper", 1.0))
        if parameters
    }
    everything = {"all zero": {name: np.zeros(DRAWS) for name in free}} if len(free) > 1 else {}
    cases = {**zeros, **everything, **ties, **bounds}
    return {place: altered(base, "values", **changes) for place, changes in cases.items()}
