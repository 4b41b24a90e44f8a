"""A network without physics in words: the config section `model` of the pure machine-learning baselines."""

from typing import Any, ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray
from pydantic import Field, model_validator

from dgeo.hybrid.network_model import MassConservingNetwork, NetworkModel, RegressionNetwork, Scale
from dgeo.hybrid.recipe import Statistics, standardise
from dgeo.hybrid.strict import Strict, Width
from dgeo.nn import EALSTM, MCLSTM, PlainLSTM, Precision

TARGET = "streamflow"
FORCINGS = ("precipitation", "temperature_min", "temperature_max", "shortwave_radiation", "vapour_pressure")


class NetworkRecipe(Strict):
    """A network that gives streamflow from forcings and attributes.

    - `lstm`: the benchmark LSTM; `ea_lstm`: attributes set the input gate; `mc_lstm`: water is conserved.
    - `hidden`: its hidden units or cells; by default as published, 256, and 64 of `mc_lstm`.
    - `dropout`: of the hidden units before the head; `mc_lstm` has neither.
    - `initial_bias`: of the forget gate, by default 3; of the output gate of `mc_lstm`, by default −3.
    - `mass`: what `mc_lstm` conserves; `gates` are the forms of its gates, see `dgeo.nn.MCLSTM`.
    - `logarithmic`: forcings that are taken as log10(√x + 0.1).
    """

    network: Literal["lstm", "ea_lstm", "mc_lstm"]
    forcings: tuple[str, ...] = Field(FORCINGS, min_length=1)
    attributes: tuple[str, ...] = Field(min_length=1)
    hidden: Width | None = None
    dropout: float = Field(0.4, ge=0, lt=1)
    initial_bias: float | None = None
    mass: str = "precipitation"
    gates: Literal["rectified", "softmax"] = "rectified"
    logarithmic: tuple[str, ...] = ()
    precision: Precision = "float32"

    per_basin: ClassVar[bool] = False
    fused: ClassVar[dict[str, tuple[str, ...]]] = {}

    @model_validator(mode="after")
    def _listed(self) -> "NetworkRecipe":
        for name in self.logarithmic:
            if name not in self.forcings:
                raise ValueError(f"{name} is logarithmic but not among the forcings; list it under `forcings`")
        return self

    @property
    def network_attributes(self) -> tuple[str, ...]:
        """The attributes that the network reads."""
        return self.attributes

    @property
    def network_forcings(self) -> tuple[str, ...]:
        """The series that are read by their statistics: forcings, and the target whose scale the network has."""
        return self.forcings if self.conserves else (*self.forcings, TARGET)

    @property
    def needed_attributes(self) -> tuple[str, ...]:
        """The attributes that the dataset must have."""
        return self.attributes

    @property
    def needed_forcings(self) -> tuple[str, ...]:
        """The series that the dataset must have."""
        return tuple(dict.fromkeys((*self.forcings, *((self.mass,) if self.conserves else ()))))

    @property
    def conserves(self) -> bool:
        """Whether water is conserved."""
        return self.network == "mc_lstm"

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the model can give."""
        names = (*self.network_attributes, *self.network_forcings)
        known = dict.fromkeys(names, (0.0, 1.0))
        return tuple(eqx.filter_eval_shape(lambda key: build_network(self, known, key), jax.random.key(0)).variables)

    @property
    def words(self) -> tuple[str, ...]:
        """The model in a line."""
        size = self.hidden or (64 if self.conserves else 256)
        return (f"{self.network} of {size} cells, {len(self.forcings)} forcings, {len(self.attributes)} attributes",)

    @property
    def usual_outputs(self) -> tuple[str, ...]:
        """What is kept by default."""
        return (TARGET, "loss", "memory") if self.conserves else (TARGET,)


def build_network(recipe: NetworkRecipe, statistics: Statistics, key: PRNGKeyArray) -> NetworkModel:
    """The model with fresh weights, in float32; `statistics` as for `build`, and those of the target."""
    first, second = jax.random.split(key)
    readers = (
        standardise(recipe.forcings, statistics, recipe.logarithmic),
        standardise(recipe.attributes, statistics),
    )
    sizes = len(recipe.forcings), len(recipe.attributes)
    if recipe.conserves:
        bias = -3.0 if recipe.initial_bias is None else recipe.initial_bias
        options: dict[str, Any] = {"gates": recipe.gates, "precision": recipe.precision, "output_bias": bias}
        cells = MCLSTM.create(*sizes, cells=recipe.hidden or 64, key=first, **options)
        return _single(MassConservingNetwork(*readers, cells, recipe.mass))
    cell = PlainLSTM if recipe.network == "lstm" else EALSTM
    bias = 3.0 if recipe.initial_bias is None else recipe.initial_bias
    options = {"hidden": recipe.hidden or 256, "forget_bias": bias, "precision": recipe.precision}
    network = cell.create(*sizes, key=first, **options)
    mean, deviation = (jnp.asarray(number) for number in statistics[TARGET])
    head = eqx.nn.Linear(network.size, 1, key=second)
    return _single(RegressionNetwork(*readers, network, head, Scale(mean, deviation), recipe.dropout))


def _single(model: NetworkModel) -> NetworkModel:
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf, model)
