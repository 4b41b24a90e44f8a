"""The gradients of a whole model, through some days of `simulate`."""

from collections.abc import Collection
from typing import Any

import equinox as eqx
import jax
import numpy as np

from dgeo.check.gradient_kit import gradients
from dgeo.check.gradient_points import Point, generator
from dgeo.check.gradient_ranges import (
    SHARE,
    Ranges,
    altered,
    at_fraction,
    numbers,
    of_precision,
    ranges_of,
    units_of,
    weather,
)
from dgeo.check.gradient_report import Report
from dgeo.check.gradient_run import DEFAULT, TRANSFORMATIONS, Tolerances
from dgeo.engine import Parameters, simulate
from dgeo.models import Model
from dgeo.numerics import trainable

STORM, HEAT, FROST = 300.0, 40.0, -50.0  # [mm d-1], [degC], [degC]


def model_gradients(
    model: Model,
    *,
    key: jax.Array,
    name: str | None = None,
    days: int = 12,
    sites: int = 3,
    ranges: Ranges | None = None,
    dead: Collection[str] = (),
    transformations: Collection[str] = TRANSFORMATIONS,
    tolerances: Tolerances = DEFAULT,
) -> Report:
    """Check the gradients of all fluxes and the last state of a run, by everything that goes into it.

    The inputs are `"parameters/…"`, `"state/…"`, `"forcing/…"` and, of learned laws, `"weights/…"`. They are drawn from
    the bounds, units and sizes that the model declares, or from `ranges`. The nasty points are empty stores, the
    initial state, stores exactly as full as each parameter in mm, days without rain, without anything, of storm, heat
    and frost, of each temperature that is a parameter, and parameters at both ends of their bounds.

    `dead`, `transformations` and `tolerances`: see `gradients`, which says what is returned and raised.
    """
    random = generator(key)
    known = {**ranges_of(model), **(ranges or {})}
    weights, rest = eqx.partition(model, trainable(model))
    attributes = {read: numbers(known.get(read, SHARE), (sites,), random) for read in model.attributes}

    def run(parameters: Any, state: Any, forcing: Any, weights: Any) -> Any:
        present = eqx.combine(weights, of_precision(rest, (state, forcing)))
        static = {**parameters, **of_precision(attributes, (state, forcing))}
        return simulate(present, forcing, Parameters(static, {}), state)

    def draw(random: np.random.Generator) -> Point:
        return {
            "parameters": {p: numbers(known[p], (sites,), random) for p in model.parameters},
            "state": {
                store: numbers(known[store], (sites, *np.shape(initial)), random)
                for store, initial in model.initial_state().items()
            },
            "forcing": weather(model, known, (days, sites), random),
            "weights": jax.tree.map(lambda w: np.asarray(w, np.float64), weights),
        }

    what = name or type(model).__name__
    nasty = nasty_points(model, known, draw(random))
    return gradients(
        run,
        draw,
        key=key,
        name=what,
        nasty=nasty,
        dead=dead,
        transformations=transformations,
        kinks=False,
        tolerances=tolerances,
    )


def nasty_points(model: Model, ranges: Ranges, base: Point) -> dict[str, Point]:
    """The places where laws have their kinks; see `model_gradients`."""
    return {**_of_stores(model, base), **_of_weather(model, base), **_of_bounds(model, ranges, base)}


def _of_stores(model: Model, base: Point) -> dict[str, Point]:
    state, units = base["state"], units_of(model)
    levels = {f"stores = {p}": value for p, value in base["parameters"].items() if units[p] == "mm"}
    points = {place: altered(base, "state", **_filled(state, level)) for place, level in levels.items()}
    initial = {name: np.broadcast_to(np.asarray(x, np.float64), state[name].shape)
               for name, x in model.initial_state().items()}  # fmt: skip
    return {
        "empty stores": altered(base, "state", **{name: np.zeros_like(x) for name, x in state.items()}),
        "the initial state": altered(base, "state", **initial),
        **points,
    }


def _filled(state: dict[str, np.ndarray], level: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.broadcast_to(level.reshape(-1, *[1] * (x.ndim - 1)), x.shape) for name, x in state.items()}


def _of_weather(model: Model, base: Point) -> dict[str, Point]:
    forcing, units = base["forcing"], units_of(model)
    warmth = [name for name in forcing if units.get(name) == "degC"]
    cases: dict[str, dict[str, Any]] = {"no forcing": dict.fromkeys(forcing, 0.0)}
    if "precipitation" in forcing:
        cases["dry days"] = {"precipitation": 0.0}
        cases["storm and heat"] = {"precipitation": STORM, **dict.fromkeys(warmth, HEAT)}
    if warmth:
        cases["frost"] = dict.fromkeys(warmth, FROST)
        for p, value in base["parameters"].items():
            if units[p] == "degC":
                cases[f"temperature = {p}"] = dict.fromkeys(warmth, value)
    return {
        place: altered(base, "forcing", **{n: np.broadcast_to(x, forcing[n].shape) for n, x in changes.items()})
        for place, changes in cases.items()
    }


def _of_bounds(model: Model, ranges: Ranges, base: Point) -> dict[str, Point]:
    return {
        f"{end} bounds": altered(
            base, "parameters", **{p: at_fraction(ranges[p], np.full_like(x, f)) for p, x in base["parameters"].items()}
        )
        for end, f in (("lower", 0.0), ("upper", 1.0))
        if base["parameters"]
    }
