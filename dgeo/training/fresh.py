"""The model before the first step: fresh weights, what an earlier run knew, what the textbook says."""

from dataclasses import replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp

from dgeo.engine import Parameters
from dgeo.errors import DgeoError
from dgeo.hybrid import Hybrid, Inputs, Statistics, basins_of, build, load, parameters_of, pretrain
from dgeo.numerics import take_over
from dgeo.training.arrays import Arrays
from dgeo.training.config import Config
from dgeo.training.simulation import times

YEARS = 2  # of the record that pre-training visits
SITES = 50  # that it visits, where all share the law


def fresh(config: Config, statistics: Statistics, seed: int, arrays: Arrays, basins: list[str]) -> Hybrid:
    """The model of a seed as training finds it."""
    key = jax.random.key(seed)
    model = build(config.model, statistics, key, len(basins))
    if config.training.start_from is not None:
        model = taken_over(config.training.start_from, model, config, basins)
    return pretrained(model, config, arrays.inputs, jax.random.fold_in(key, 4))


def taken_over(path: Path, model: Hybrid, config: Config, basins: list[str]) -> Hybrid:
    """The model with the numbers of an earlier run that have a place in it; raises `DgeoError` where none has."""
    if config.model.per_basin and list(basins_of(path)) != basins:
        raise DgeoError(
            f"{path} has numbers of other basins than these, or in another order; train it on the same ones."
        )
    model, taken, left = take_over(path, model)
    taught = any(law.pretrain for law in config.model.laws)
    if not taught and not any("physics" in name or "parameters" in name for name in taken):
        raise DgeoError(
            f"Nothing of {path} has a place in this model, {left[0]} for one; start from a run of its kind."
        )
    return model


def pretrained(model: Hybrid, config: Config, inputs: Inputs, key: jax.Array) -> Hybrid:
    """The model with those laws fitted to the textbook's that the config asks for, over a run of the first years.

    The textbook's laws take their parameters from the model; those that it no longer has, from the run it starts from,
    or else they have their defaults.
    """
    lessons = [law for law in config.model.laws if law.pretrain]
    if not lessons:
        return model
    sites = slice(None) if config.model.per_basin else slice(SITES)
    given = model.corrected(at_some(times(inputs, slice(0, YEARS * 365)), sites))
    physics = model.physics
    parameters = _of_textbook(model, config, given, {slot for law in lessons for slot in law.slots})
    for number, law in enumerate(lessons):
        physics, _ = pretrain(
            physics,
            law.slots,
            given.forcing,
            parameters,
            steps=law.pretraining_steps,
            key=jax.random.fold_in(key, number),
        )
    return eqx.tree_at(lambda hybrid: hybrid.physics, model, physics)


def _of_textbook(model: Hybrid, config: Config, given: Inputs, slots: set[str]) -> Parameters:
    textbook = model.physics.with_laws({slot: model.physics.slots[slot].default for slot in slots})
    components = model.parameters.components
    start = config.training.start_from
    known = {} if start is None else load(start).parameters(given)[0].static
    present = parameters_of(model.physics, model.parameters(given)[0], given, components)
    shape, dtype = (given.sites, components), next(iter(given.forcing.values())).dtype
    missing = {
        name: known.get(name, jnp.full(shape, parameter.default, dtype))
        for name, parameter in textbook.parameters.items()
        if name not in present.static and name not in present.dynamic
    }
    return replace(present, static={**present.static, **missing})


def at_some(inputs: Inputs, sites: slice) -> Inputs:
    """The inputs of some sites."""
    return Inputs(
        {name: series[:, sites] for name, series in inputs.forcing.items()},
        {name: values[sites] for name, values in inputs.attributes.items()},
        None if inputs.index is None else inputs.index[sites],
    )
