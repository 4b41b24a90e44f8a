"""A hybrid model in words: what stands where, in a form that a config file and a saved model share."""

from collections.abc import Mapping
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray
from pydantic import Field, model_validator

from dgeo.errors import DgeoError, nearest
from dgeo.hybrid.forcing_recipe import ForcingRecipe, build_forcing, names
from dgeo.hybrid.inputs import Layout
from dgeo.hybrid.law_recipe import LawRecipe, fill
from dgeo.hybrid.model import Hybrid
from dgeo.hybrid.parameters import WEIGHT, FixedValues, Learned
from dgeo.hybrid.physics_recipe import PhysicsRecipe
from dgeo.hybrid.routing import GammaRouting
from dgeo.hybrid.source_recipe import DynamicRecipe, StaticRecipe
from dgeo.hybrid.sources import AttributeNetwork, MovingAverageNetwork, RecurrentNetwork, Source, Table
from dgeo.hybrid.strict import Strict, Width
from dgeo.models import Model, Parameter
from dgeo.nn import LSTM, MovingAverages, Standardise, mlp, with_output_bias

Statistics = Mapping[str, tuple[float, float]]


class Recipe(Strict):
    """All that is needed, besides numbers, to build a hybrid model.

    `laws` says what stands in which slot of the physics, and `forcing` what is done to forcings before it.
    """

    physics: PhysicsRecipe = Field(default_factory=PhysicsRecipe)
    laws: tuple[LawRecipe, ...] = ()
    forcing: ForcingRecipe | None = None
    attributes: tuple[str, ...] = ()
    components: Width = 16
    weights: Literal["mean", "learned"] = "mean"
    static: StaticRecipe = StaticRecipe()
    dynamic: DynamicRecipe | None = None
    fixed: dict[str, float] = Field(default_factory=dict)
    routing_days: Width | None = 15

    @model_validator(mode="after")
    def _has_attributes(self) -> "Recipe":
        if self.attributes:
            return self
        if self.dynamic is not None:
            raise ValueError("the dynamic network reads attributes; list them under `attributes`")
        if self.static.source == "attributes" and set(self.learned_parameters) - set(self.fixed):
            raise ValueError(
                "the network of parameters reads attributes; list them under `attributes`, or set static.source: table"
            )
        return self

    @property
    def learned_parameters(self) -> dict[str, Parameter]:
        """Every parameter of the physics, with the laws that stand in it, and of routing."""
        routing = {} if self.routing_days is None else GammaRouting.parameters
        return self.outline().parameters | routing

    @property
    def dynamic_parameters(self) -> tuple[str, ...]:
        """The parameters that move in time."""
        if self.dynamic is None:
            return ()
        if self.dynamic.parameters != "all":
            return self.dynamic.parameters
        still = {*self.fixed, *GammaRouting.parameters}
        return tuple(name for name in self.learned_parameters if name not in still)

    @property
    def per_basin(self) -> bool:
        """Whether every training basin has numbers of its own, so that no other basin can be simulated."""
        return self.static.source == "table" or any(law.per_basin for law in self.laws)

    def outline(self) -> Model:
        """The physics as it will be, with shapes in the place of weights: what it reads and gives."""
        known = dict.fromkeys((*self.network_attributes, *self.network_forcings), (0.0, 1.0))
        return eqx.filter_eval_shape(
            lambda key: fill(self.physics.build(known), self.laws, known, key, 1), jax.random.key(0)
        )

    @property
    def network_attributes(self) -> tuple[str, ...]:
        """The attributes that networks read."""
        neural = () if self.physics.neural_ode is None else self.physics.neural_ode.attributes
        laws = (name for law in self.laws for name in law.attributes)
        forcing = () if self.forcing is None else self.forcing.attributes
        return tuple(dict.fromkeys((*self.attributes, *neural, *laws, *forcing)))

    @property
    def network_forcings(self) -> tuple[str, ...]:
        """The forcings that networks read by their statistics."""
        laws = (name for law in self.laws for name in law.forcings)
        dynamic = () if self.dynamic is None else self.dynamic.forcings
        forcing = () if self.forcing is None else self.forcing.forcings
        return tuple(dict.fromkeys((*dynamic, *laws, *forcing)))

    @property
    def logarithmic(self) -> tuple[str, ...]:
        """The forcings that the dynamic network reads as logarithms."""
        return () if self.dynamic is None else self.dynamic.logarithmic

    @property
    def fused(self) -> dict[str, tuple[str, ...]]:
        """The forcings that are made of several products, and these."""
        return {} if self.forcing is None else dict(self.forcing.fuse)

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the model can give."""
        physics = self.outline()
        return ("streamflow", *physics.fluxes, *physics.states, *physics.diagnostics)

    @property
    def usual_outputs(self) -> tuple[str, ...]:
        """What is kept by default: streamflow, the stores, and evapotranspiration and baseflow where there are any."""
        physics = self.outline()
        fluxes = (name for name in ("evapotranspiration", "baseflow") if name in physics.fluxes)
        return ("streamflow", *fluxes, *(name for name in physics.states if name in physics.budget.stores))

    @property
    def words(self) -> tuple[str, ...]:
        """The model in a line, and a line for each learned law."""
        moving = "static parameters" if self.dynamic is None else f"dynamic {', '.join(self.dynamic_parameters)}"
        model = " ".join(filter(None, (self.physics.name, self.physics.version)))
        laws = (f"{', '.join(law.slots)}: {law.kind}" for law in self.laws)
        return (f"{model}, {self.components} components, {moving}", *laws)

    @property
    def needed_attributes(self) -> tuple[str, ...]:
        """The attributes that the dataset must have."""
        return tuple(dict.fromkeys((*self.network_attributes, *self.outline().attributes)))

    @property
    def needed_forcings(self) -> tuple[str, ...]:
        """The series that the dataset must have, without those that fusion makes."""
        physics = self.outline()
        given = () if self.forcing is None else names(self.forcing)
        made = () if self.forcing is None else tuple(name for name in self.forcing.fuse if name not in given)
        wanted = dict.fromkeys((*physics.forcings, *physics.law_forcings, *self.network_forcings, *given))
        return tuple(name for name in wanted if name not in made)


def build_hybrid(recipe: Recipe, statistics: Statistics, key: PRNGKeyArray, sites: int | None = None) -> Hybrid:
    """The hybrid model with fresh weights, in float32; the arguments are those of `build`."""
    physics_key, law_key, forcing_key = (jax.random.fold_in(key, part) for part in (1, 2, 3))
    physics = fill(recipe.physics.build(dict(statistics), physics_key), recipe.laws, statistics, law_key, sites)
    routing = None if recipe.routing_days is None else GammaRouting(recipe.routing_days)
    specifications = physics.parameters | (GammaRouting.parameters if routing else {})
    _check_parameter_names(recipe, specifications)
    learned = Learned(
        _sources(recipe, specifications, statistics, key, sites),
        specifications,
        recipe.components,
        FixedValues({name: jnp.asarray(value) for name, value in recipe.fixed.items()}),
        0.0 if recipe.dynamic is None else recipe.dynamic.reversion,
    )
    forcing = None if recipe.forcing is None else build_forcing(recipe.forcing, statistics, forcing_key)
    return jax.tree.map(
        lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf,
        Hybrid(physics, learned, routing, forcing),
    )


def _check_parameter_names(recipe: Recipe, specifications: Mapping[str, Parameter]) -> None:
    dynamic = recipe.dynamic_parameters
    for name in (*dynamic, *recipe.fixed):
        if name not in specifications:
            model = " ".join(filter(None, (recipe.physics.name, recipe.physics.version)))
            raise DgeoError(f"The model {model} has no parameter {name!r}: {nearest(name, specifications)}")
    if routed := [name for name in dynamic if name in GammaRouting.parameters]:
        raise DgeoError(
            f"{routed[0]} belongs to the unit hydrograph, which is static; take it off `dynamic.parameters`."
        )
    if both := [name for name in dynamic if name in recipe.fixed]:
        raise DgeoError(f"{both[0]} is both fixed and dynamic; take it off `fixed` or `dynamic.parameters`.")


def _sources(
    recipe: Recipe,
    specifications: Mapping[str, Parameter],
    statistics: Statistics,
    key: PRNGKeyArray,
    sites: int | None,
) -> tuple[Source, ...]:
    static_key, dynamic_key = jax.random.split(key)
    if recipe.dynamic is not None and recipe.dynamic.static_from_last_step:
        return (_dynamic(recipe, recipe.dynamic, _layout(recipe, specifications), statistics, dynamic_key),)
    static = _static(recipe, specifications, statistics, static_key, sites)
    if recipe.dynamic is None:
        return static
    layout = Layout(recipe.components, recipe.dynamic_parameters)
    return *static, _dynamic(recipe, recipe.dynamic, layout, statistics, dynamic_key)


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
    recipe: Recipe,
    specifications: Mapping[str, Parameter],
    statistics: Statistics,
    key: PRNGKeyArray,
    sites: int | None,
) -> tuple[Source, ...]:
    layout = _layout(recipe, specifications)
    if layout.size == 0:
        return ()
    network_key, spread_key = jax.random.split(key)
    start = _starts(layout, specifications, recipe.static.spread, spread_key)
    if recipe.static.source == "table":
        if sites is None:
            raise DgeoError("A table of parameters has a row for every training basin: give `sites`, their number.")
        return (Table(layout.split(jnp.broadcast_to(start, (sites, start.size)))),)
    size = recipe.static.width, recipe.static.depth
    network = mlp(len(recipe.attributes), layout.size, width=size[0], depth=size[1], key=network_key)
    network = with_output_bias(network, start)
    return (AttributeNetwork(standardise(recipe.attributes, statistics), network, layout),)


def _starts(layout: Layout, specifications: Mapping[str, Parameter], spread: float, key: PRNGKeyArray) -> Array:
    """The z of every column at first: the defaults, the components spread about them."""
    wide = [_start(name, specifications, layout.components) for name in layout.per_component]
    start = jnp.concatenate([jnp.zeros(0), *wide])
    site = [specifications[n].bounds.to_unbounded(jnp.asarray([specifications[n].default])) for n in layout.per_site]
    apart = spread if layout.components > 1 else 0.0
    return jnp.concatenate([start + apart * jax.random.normal(key, start.shape), *site])


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
        network = LSTM.create(
            inputs,
            layout.size,
            hidden=dynamic.width,
            key=key,
            dropout=dynamic.dropout,
            precision=dynamic.precision,
        )
        return RecurrentNetwork(
            attributes, forcings, network, layout, recipe.dynamic_parameters, dynamic.static_from_last_step
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
