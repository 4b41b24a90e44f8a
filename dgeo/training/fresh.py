"""The model before the first step: fresh weights, what an earlier run knew, what the textbook says."""

from dataclasses import replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dgeo.engine import Parameters
from dgeo.errors import DgeoError
from dgeo.hybrid import (
    Hybrid,
    Inputs,
    NetworkModel,
    Recipe,
    Simulator,
    Statistics,
    basins_of,
    build,
    load,
    parameters_of,
    pretrain,
    read_recipe,
)
from dgeo.models import Model, Values
from dgeo.numerics import take_over
from dgeo.training.config import Config
from dgeo.training.simulation import times

PARTS = (".network.", ".physics.laws")  # a network is taken over whole or not at all
YEARS = 2  # of the record that pre-training visits
SITES = 50  # that it visits, where all share the law


def fresh(config: Config, statistics: Statistics, seed: int, inputs: Inputs, basins: list[str]) -> Simulator:
    """The model of a seed as training finds it."""
    key = jax.random.key(seed)
    model = build(config.recipe, statistics, key, len(basins))
    if config.training.start_from is not None:
        model = taken_over(config.training.start_from, model, config, basins)
    if isinstance(model, NetworkModel) or not isinstance(config.model, Recipe):
        return model
    return pretrained(model, config, config.model, inputs, jax.random.fold_in(key, 4))


def taken_over(path: Path, model: Simulator, config: Config, basins: list[str]) -> Simulator:
    """The model with the numbers of an earlier run that have a place in it.

    Raises `DgeoError` where the earlier networks read other attributes, or only parts of one fit.
    """
    if config.model.per_basin and list(basins_of(path)) != basins:
        raise DgeoError(
            f"{path} has numbers of other basins than these, or in another order; train it on the same ones."
        )
    earlier = read_recipe(path)
    if not isinstance(earlier, Recipe) or not isinstance(config.model, Recipe):
        if earlier != config.model:
            raise DgeoError(
                f"{path} holds a network of another kind, size or inputs; start from a run with this `model` section."
            )
        return load(path)
    if earlier.static.source != config.model.static.source or earlier.attributes != config.model.attributes:
        raise DgeoError(
            f"{path} takes its parameters from {earlier.attributes or 'a table'}, this model from "
            f"{config.model.attributes or 'a table'}; start from a run of the same kind."
        )
    model, taken, left = take_over(path, model)
    for name in left:
        part = next((part for part in PARTS if part in name), None)
        if part is not None and any(part in other for other in taken):
            raise DgeoError(
                f"Only a part of the network of {path} fits: {name} has another shape; give it the same size."
            )
    return model


def pretrained(model: Hybrid, config: Config, recipe: Recipe, inputs: Inputs, key: jax.Array) -> Hybrid:
    """The model with those laws fitted to the textbook's that the config asks for, over a run of the first years.

    The textbook is the model's version with its own laws in all the slots to be taught. They take their parameters from
    the model; those that it no longer has, from the run it starts from, or else they have their defaults.
    """
    lessons = [law for law in recipe.laws if law.pretrain]
    if not lessons:
        return model
    laws = recipe.physics.build().present_laws
    targets = {slot: laws[slot] for law in lessons for slot in law.slots}
    sites = slice(None) if recipe.per_basin else slice(SITES)
    given = model.corrected(at_some(times(inputs, slice(0, YEARS * 365)), sites))
    parameters = _of_textbook(model, config, given, model.physics.with_laws(targets))
    steps = max(law.pretraining_steps for law in lessons)
    taught = (model.physics, tuple(targets), given.forcing, parameters)
    physics, _ = pretrain(*taught, targets=targets, steps=steps, key=key)
    return eqx.tree_at(lambda hybrid: hybrid.physics, model, physics)


def _of_textbook(model: Hybrid, config: Config, given: Inputs, textbook: Model) -> Parameters:
    components = model.parameters.components
    known = _earlier_parameters(config, given, components)
    present = parameters_of(model.physics, model.parameters(given)[0], given, components)
    shape, dtype = (given.sites, components), next(iter(given.forcing.values())).dtype
    missing = {
        name: known.get(name, jnp.full(shape, parameter.default, dtype))
        for name, parameter in textbook.parameters.items()
        if name not in present.static and name not in present.dynamic
    }
    return replace(present, static={**present.static, **missing})


def _earlier_parameters(config: Config, given: Inputs, components: int) -> Values:
    """Those of the run that this one starts from, where it has as many components."""
    start = config.training.start_from
    if start is None:
        return {}
    earlier = load(start)
    if not isinstance(earlier, Hybrid) or earlier.parameters.components != components:
        return {}
    return earlier.parameters(given)[0].static


def at_some(inputs: Inputs, sites: slice | np.ndarray) -> Inputs:
    """The inputs of some sites."""
    return Inputs(
        {name: series[:, sites] for name, series in inputs.forcing.items()},
        {name: values[sites] for name, values in inputs.attributes.items()},
        None if inputs.index is None else inputs.index[sites],
    )
