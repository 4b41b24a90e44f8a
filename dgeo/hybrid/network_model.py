"""Streamflow from a network alone, without physics: the models that hybrids are measured against.

They are called as a `Hybrid` is, with the same inputs, carry and outputs, so that training, evaluation, ensembles and
reports are the same for both.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from dgeo.engine import Engine, Segment
from dgeo.errors import DgeoError, nearest
from dgeo.hybrid.inputs import Inputs
from dgeo.hybrid.model import Carry
from dgeo.models import Budget, Values, Variable
from dgeo.nn import EALSTM, MCLSTM, PlainLSTM, Standardise, linear
from dgeo.numerics import Frozen

STREAMFLOW = Variable("mm d-1", "streamflow at the gauge")
MEMORY = "memory"


class NetworkModel(eqx.Module):
    """Forcings and attributes, standardised, → outputs, through a network with a memory."""

    forcings: Standardise
    attributes: Standardise

    @property
    @abstractmethod
    def variables(self) -> Mapping[str, Variable]:
        """What the model can give."""

    @property
    def diagnostics(self) -> Mapping[str, Variable]:
        """None: nothing is solved."""
        return {}

    @property
    def budget(self) -> Budget:
        """What the model conserves; by default, nothing."""
        return Budget({})

    def storage(self, carry: Carry) -> Values:
        """The stores of the budget, {store: [site]}."""
        return {}

    @abstractmethod
    def initial_memory(self, sites: int) -> Any:
        """The network's memory before the first step."""

    @abstractmethod
    def simulated(self, inputs: Inputs, memory: Any, key: PRNGKeyArray | None) -> tuple[Values, Any]:
        """All outputs [time, site] and the memory after the last step."""

    def initial_carry(self, sites: int, dtype: Any = jnp.float32, dt: float = 1.0) -> Carry:
        """The carry before the first step."""
        return Carry(self.initial_memory(sites), {}, None)

    def __call__(
        self,
        inputs: Inputs,
        carry: Carry | None = None,
        *,
        outputs: Sequence[str] = ("streamflow",),
        dt: float = 1.0,
        key: PRNGKeyArray | None = None,
        engine: Engine = "auto",
        segment: Segment = None,
    ) -> tuple[Values, Carry]:
        """Run through all times of `inputs`, see `Hybrid`; `engine` and `segment` change nothing here.

        Raises `DgeoError` for an output that there is not, or steps that are not the days that a network learns from.
        """
        if dt != 1:
            raise DgeoError(f"A network without physics learns what a day does and cannot step {dt:g} days; use dt=1.")
        for name in outputs:
            if name not in self.variables:
                raise DgeoError(f"The model has no output {name!r}; {nearest(name, self.variables)}")
        memory = self.initial_memory(inputs.sites) if carry is None else carry.parameters
        series, memory = self.simulated(inputs, memory, key)
        return {name: series[name] for name in outputs}, Carry(memory, {}, None)


class Scale(Frozen):
    """Mean and standard deviation of the observed streamflow of training basins and days [mm d-1]."""

    mean: Float[Array, ""]
    deviation: Float[Array, ""]


class RegressionNetwork(NetworkModel):
    """streamflow = μ + σ·(w·h_t + b), h the hidden states of an LSTM, with dropout on them in training.

    μ and σ are those of all training observations together. Negative flow counts as none, except in training, where it
    would have no gradient (Kratzert et al. 2019, doi:10.5194/hess-23-5089-2019).
    """

    network: PlainLSTM | EALSTM
    head: eqx.nn.Linear
    scale: Scale
    dropout: float = eqx.field(static=True, default=0.4)

    @property
    def variables(self) -> Mapping[str, Variable]:
        """Streamflow alone."""
        return {"streamflow": STREAMFLOW}

    def initial_memory(self, sites: int) -> Any:
        """None."""
        return self.network.initial_carry(sites)

    def simulated(self, inputs: Inputs, memory: Any, key: PRNGKeyArray | None) -> tuple[Values, Any]:
        """Streamflow and the memory after the last step; a key switches dropout on."""
        series, site = self.forcings(inputs.forcing), self.attributes(inputs.attributes)
        hidden, memory = self.network(series, site, memory)
        if key is not None and self.dropout > 0:
            hidden = hidden * _mask(inputs, hidden, 1 - self.dropout, key)
        flow = self.scale.mean + self.scale.deviation * linear(self.head, hidden)[..., 0]
        return {"streamflow": flow if key is not None else jnp.maximum(flow, 0)}, memory


class MassConservingNetwork(NetworkModel):
    """Precipitation shared among the cells of an MC-LSTM; what all but the first give out is streamflow.

    What the first cell gives out is water that no gauge sees: evaporation, or water that never fell.
    """

    network: MCLSTM
    mass: str = eqx.field(static=True, default="precipitation")

    @property
    def variables(self) -> Mapping[str, Variable]:
        """The flows of the budget, and what the cells hold."""
        return {
            "streamflow": STREAMFLOW,
            "loss": Variable("mm d-1", "water that leaves unseen by the gauge"),
            MEMORY: Variable("mm", "water in all cells together"),
            self.mass: Variable("mm d-1", "water that enters the cells"),
        }

    @property
    def budget(self) -> Budget:
        """What enters leaves to the gauge or unseen, or stays."""
        return Budget({self.mass: (None, MEMORY), "streamflow": (MEMORY, None), "loss": (MEMORY, None)})

    def storage(self, carry: Carry) -> Values:
        """What the cells hold together."""
        return {MEMORY: jnp.sum(carry.parameters, axis=-1)}

    def initial_memory(self, sites: int) -> Float[Array, "site cell"]:
        """Empty cells."""
        return self.network.initial_carry(sites)

    def simulated(self, inputs: Inputs, memory: Any, key: PRNGKeyArray | None) -> tuple[Values, Any]:
        """All flows, what the cells hold at the end of each step, and after the last."""
        entering = inputs.forcing[self.mass]
        series, site = self.forcings(inputs.forcing), self.attributes(inputs.attributes)
        leaving, stored, after = self.network.followed(entering, series, site, memory)
        streamflow, loss = jnp.sum(leaving[..., 1:], axis=-1), leaving[..., 0]
        return {"streamflow": streamflow, "loss": loss, self.mass: entering, MEMORY: stored}, after


def _mask(inputs: Inputs, hidden: Array, kept: float, key: PRNGKeyArray) -> Array:
    """1/kept or 0 for every time and unit: a draw of each site's own, whatever sites stand beside it."""
    places = jnp.arange(inputs.sites) if inputs.index is None else inputs.index
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, places)
    shape = (hidden.shape[0], hidden.shape[2])
    bits = jax.vmap(lambda key: jax.random.bits(key, shape, "uint16"), out_axes=1)(keys)  # half the cost of 32 bits
    drawn = bits < jnp.asarray(round(kept * 2**16), bits.dtype)
    return jnp.where(drawn, jnp.asarray(1 / kept, hidden.dtype), jnp.zeros((), hidden.dtype))
