"""A hybrid model in words: what stands where, in a form that a config file and a saved model share."""

from collections.abc import Mapping
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from dgeo.errors import DgeoError, nearest
from dgeo.hybrid.inputs import Layout
from dgeo.hybrid.model import Hybrid
from dgeo.hybrid.parameters import WEIGHT, FixedValues, Learned
from dgeo.hybrid.routing import GammaRouting
from dgeo.hybrid.sources import AttributeNetwork, MovingAverageNetwork, RecurrentNetwork, Source
from dgeo.hybrid.strict import Strict
from dgeo.models import HBV, Parameter, hbv
from dgeo.nn import LSTM, MovingAverages, Standardise, mlp, with_output_bias

Statistics = Mapping[str, tuple[float, float]]


class PhysicsRecipe(Strict):
    """Which simulator, in which published version."""

    name: Literal["hbv"] = "hbv"
    version: Literal["1.0", "1.0 with beta_et", "1.1p"] = "1.0 with beta_et"
    compatibility: Literal["hydrodl2"] | None = None

    def build(self) -> HBV:
        """The physics."""
        return hbv(self.version, compatibility=self.compatibility)


class StaticRecipe(Strict):
    """The network from attributes to static parameters; `spread` sets how far apart the components start, in z."""

    width: PositiveInt = 256
    depth: PositiveInt = 2
    spread: float = Field(1.0, ge=0)


class DynamicRecipe(Strict):
    """The network from forcings to dynamic parameters, and which these are."""

    parameters: tuple[str, ...] = ("beta", "beta_et")
    forcings: tuple[str, ...] = ("precipitation", "temperature", "potential_evapotranspiration")
    network: Literal["moving_average", "lstm"] = "moving_average"
    width: PositiveInt = 64
    memories: tuple[PositiveFloat, ...] = (1.0, 3.0, 10.0, 30.0, 90.0, 365.0)
    dropout: float = Field(0.5, ge=0, lt=1)
    reversion: float = Field(0.0, ge=0, le=1)
    logarithmic: tuple[str, ...] = ()
    static_from_last_step: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> "DynamicRecipe":
        for name in self.logarithmic:
            if name not in self.forcings:
                raise ValueError(
                    f"{name!r} is logarithmic but no forcing of the network; {nearest(name, self.forcings)}"
                )
        if self.static_from_last_step and self.network != "lstm":
            raise ValueError("static_from_last_step is a convention of the lstm; set network: lstm")
        return self


class Recipe(Strict):
    """All that is needed, besides numbers, to build a hybrid model."""

    physics: PhysicsRecipe = PhysicsRecipe()
    attributes: tuple[str, ...] = Field(min_length=1)
    components: PositiveInt = 16
    weights: Literal["mean", "learned"] = "mean"
    static: StaticRecipe = StaticRecipe()
    dynamic: DynamicRecipe | None = None
    fixed: dict[str, float] = Field(default_factory=dict)
    routing_days: PositiveInt | None = 15


def build(recipe: Recipe, statistics: Statistics, key: PRNGKeyArray) -> Hybrid:
    """The model with fresh weights, in float32.

    `statistics[name] = (mean, deviation)` of every attribute and network forcing, over training basins and days only.
    Raises `DgeoError` where the recipe names a parameter that the physics does not have.
    """
    physics = recipe.physics.build()
    routing = None if recipe.routing_days is None else GammaRouting(recipe.routing_days)
    specifications = physics.parameters | (GammaRouting.parameters if routing else {})
    _check_parameter_names(recipe, specifications)
    learned = Learned(
        _sources(recipe, specifications, statistics, key),
        specifications,
        recipe.components,
        FixedValues({name: jnp.asarray(value) for name, value in recipe.fixed.items()}),
        0.0 if recipe.dynamic is None else recipe.dynamic.reversion,
    )
    return jax.tree.map(
        lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf,
        Hybrid(physics, learned, routing),
    )


def _check_parameter_names(recipe: Recipe, specifications: Mapping[str, Parameter]) -> None:
    dynamic = () if recipe.dynamic is None else recipe.dynamic.parameters
    for name in (*dynamic, *recipe.fixed):
        if name not in specifications:
            version = recipe.physics.version
            raise DgeoError(f"HBV {version} has no parameter {name!r}: {nearest(name, specifications)}")
    if routed := [name for name in dynamic if name in GammaRouting.parameters]:
        raise DgeoError(
            f"{routed[0]} belongs to the unit hydrograph, which is static; take it off `dynamic.parameters`."
        )
    if both := [name for name in dynamic if name in recipe.fixed]:
        raise DgeoError(f"{both[0]} is both fixed and dynamic; take it off `fixed` or `dynamic.parameters`.")


def _sources(
    recipe: Recipe, specifications: Mapping[str, Parameter], statistics: Statistics, key: PRNGKeyArray
) -> tuple[Source, ...]:
    static_key, dynamic_key = jax.random.split(key)
    if recipe.dynamic is not None and recipe.dynamic.static_from_last_step:
        return (_dynamic(recipe, recipe.dynamic, _layout(recipe, specifications), statistics, dynamic_key),)
    static = _static(recipe, specifications, statistics, static_key)
    if recipe.dynamic is None:
        return (static,)
    layout = Layout(recipe.components, recipe.dynamic.parameters)
    return static, _dynamic(recipe, recipe.dynamic, layout, statistics, dynamic_key)


def _layout(recipe: Recipe, specifications: Mapping[str, Parameter]) -> Layout:
    learned = [name for name in specifications if name not in recipe.fixed]
    per_component = [name for name in learned if name not in GammaRouting.parameters]
    weight = [WEIGHT] if recipe.weights == "learned" else []
    return Layout(
        recipe.components,
        (*per_component, *weight),
        tuple(n for n in learned if n in GammaRouting.parameters),
    )


def _static(
    recipe: Recipe, specifications: Mapping[str, Parameter], statistics: Statistics, key: PRNGKeyArray
) -> AttributeNetwork:
    layout = _layout(recipe, specifications)
    network_key, spread_key = jax.random.split(key)
    network = mlp(
        len(recipe.attributes),
        layout.size,
        width=recipe.static.width,
        depth=recipe.static.depth,
        key=network_key,
    )
    start = jnp.concatenate([_start(name, specifications, recipe.components) for name in layout.per_component])
    site = [specifications[n].bounds.to_unbounded(jnp.asarray([specifications[n].default])) for n in layout.per_site]
    start = start + recipe.static.spread * jax.random.normal(spread_key, start.shape)
    network = with_output_bias(network, jnp.concatenate([start, *site]))
    return AttributeNetwork(standardise(recipe.attributes, statistics), network, layout)


def _start(name: str, specifications: Mapping[str, Parameter], components: int) -> Array:
    if name == WEIGHT:
        return jnp.zeros(components)
    parameter = specifications[name]
    return jnp.full(components, parameter.bounds.to_unbounded(jnp.asarray(parameter.default)))


def _dynamic(
    recipe: Recipe, dynamic: DynamicRecipe, layout: Layout, statistics: Statistics, key: PRNGKeyArray
) -> Source:
    attributes = standardise(recipe.attributes, statistics)
    forcings = standardise(dynamic.forcings, statistics, dynamic.logarithmic)
    if dynamic.network == "lstm":
        inputs = len(recipe.attributes) + len(dynamic.forcings)
        network = LSTM.create(inputs, layout.size, hidden=dynamic.width, key=key, dropout=dynamic.dropout)
        return RecurrentNetwork(
            attributes, forcings, network, layout, dynamic.parameters, dynamic.static_from_last_step
        )

    first, second, third = jax.random.split(key, 3)
    averages = MovingAverages(dynamic.memories)
    features = len(dynamic.forcings) * len(dynamic.memories)
    return MovingAverageNetwork(
        attributes,
        forcings,
        averages,
        eqx.nn.Linear(features, dynamic.width, use_bias=False, key=first),
        eqx.nn.Linear(len(recipe.attributes), dynamic.width, key=second),
        eqx.nn.Linear(dynamic.width, layout.size, key=third),
        layout,
    )


def standardise(names: tuple[str, ...], statistics: Statistics, logarithmic: tuple[str, ...] = ()) -> Standardise:
    """A frozen normaliser with the statistics of the training basins and days."""
    for name in names:
        if name not in statistics:
            raise DgeoError(f"No statistics are known for {name!r}: {nearest(name, statistics)}")
    mean, deviation = zip(*(statistics[name] for name in names), strict=True)
    return Standardise(names, jnp.asarray(mean), jnp.asarray(deviation), logarithmic)
