"""An emulator of another simulator, as a model: what a black box gives out, from a network that has a gradient.

    h_t = GRU(x_t, h_{t−1}),   y_t = size·softplus(C(A(h_t, x_t)·σ(B(h_t, x_t))))/ln 2,   x_t = (forcings, parameters)

    x   forcings and parameters, brought to order one                      [1]
    h   hidden memory of the network                                       [1]
    A, B, C  affine maps; the product lets the wetness in h scale the rain in x
    y   outputs of the black box, none of them negative                    [their units]
    size  standard deviation of an output over the runs trained on         [its unit]

It has learned what the black box does between the bounds of its parameters and under forcings like those of its runs,
and knows nothing elsewhere. It conserves nothing: its budget is empty. Step of the black box and of the emulator are
the same, so `dt` is not read.

References: the cell, Cho et al. (2014), doi:10.3115/v1/D14-1179; learning through an emulator of a hydrological model,
Tsai et al. (2021), doi:10.1038/s41467-021-26107-z.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from dgeo.models.law import Values
from dgeo.models.model import Budget, Model, Parameter, Scalar, Variable
from dgeo.nn import Standardise
from dgeo.numerics import Frozen, Limits

MEMORY = "memory"
LONGEST_MEMORY = 365.0  # [step] over which the untrained memory fades


@dataclass(frozen=True)
class Interface:
    """What a simulator reads and gives: forcings and outputs with their units, parameters with their bounds."""

    forcings: Mapping[str, Variable]
    parameters: Mapping[str, Parameter]
    outputs: Mapping[str, Variable]


class RecurrentCell(eqx.Module):
    """One step of a gated recurrent unit, and what is read out of its memory."""

    cell: eqx.nn.GRUCell
    value: eqx.nn.Linear
    gate: eqx.nn.Linear
    output: eqx.nn.Linear

    @classmethod
    def create(cls, inputs: int, outputs: int, *, width: int, key: PRNGKeyArray) -> "RecurrentCell":
        """`width` numbers of memory, and as many products in what reads them."""
        cell_key, *keys = jax.random.split(key, 4)
        sizes = ((width + inputs, width), (width + inputs, width), (width, outputs))
        readout = (eqx.nn.Linear(*size, key=own) for size, own in zip(sizes, keys, strict=True))
        cell = eqx.nn.GRUCell(inputs, width, key=cell_key)
        keep = jnp.log(jnp.geomspace(1.0, LONGEST_MEMORY, width))  # the gate's bias that fades in so many steps
        bias = jnp.concatenate([jnp.zeros(width), keep, jnp.zeros(width)])
        return cls(eqx.tree_at(lambda c: c.bias, cell, bias), *readout)

    @property
    def width(self) -> int:
        """The length of the memory."""
        return self.cell.hidden_size

    def __call__(
        self, x: Float[Array, " input"], memory: Float[Array, " width"]
    ) -> tuple[Float[Array, " width"], Float[Array, " output"]]:
        """The memory after the step, and the unbounded outputs."""
        memory = self.cell(x, memory)
        known = jnp.concatenate([memory, x])
        return memory, self.output(self.value(known) * jax.nn.sigmoid(self.gate(known)))


class FrozenCell(Frozen):
    """A trained cell whose weights stay as they are."""

    cell: RecurrentCell

    @property
    def width(self) -> int:
        """The length of the memory."""
        return self.cell.width

    def __call__(
        self, x: Float[Array, " input"], memory: Float[Array, " width"]
    ) -> tuple[Float[Array, " width"], Float[Array, " output"]]:
        """The cell's step."""
        return self.cell(x, memory)


class Surrogate(Model):
    """The emulator of a simulator with a given interface.

    The outputs' `scale` in the interface is their size; `forcings_of_order_one` holds the statistics of the forcings
    in the runs.
    """

    interface: Interface = eqx.field(static=True)
    forcings_of_order_one: Standardise
    network: RecurrentCell | FrozenCell

    @property
    def forcings(self) -> dict[str, Variable]:
        """Those of the black box."""
        return dict(self.interface.forcings)

    @property
    def states(self) -> dict[str, Variable]:
        """The memory of the network, which is a vector and no amount of anything."""
        return {MEMORY: Variable("1", "hidden memory of the emulator")}

    @property
    def fluxes(self) -> dict[str, Variable]:
        """The outputs of the black box."""
        return dict(self.interface.outputs)

    @property
    def all_parameters(self) -> dict[str, Parameter]:
        """The parameters of the black box."""
        return dict(self.interface.parameters)

    @property
    def budget(self) -> Budget:
        """None: a network conserves nothing."""
        return Budget({})

    def initial_state(self) -> Values:
        """No memory."""
        return {MEMORY: jnp.zeros(self.network.width)}

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """One step of the black box, whatever `dt`."""
        del dt
        weather = self.forcings_of_order_one(forcing)
        places = [2 * p.bounds.to_fraction(parameters[name]) - 1 for name, p in self.interface.parameters.items()]
        memory, z = self.network(jnp.concatenate([weather, jnp.stack(places)]), state[MEMORY])
        outputs = self.interface.outputs.items()
        return {MEMORY: memory}, {
            name: Limits(0.0, scale=variable.scale).from_unbounded(z[i]) for i, (name, variable) in enumerate(outputs)
        }

    def frozen(self) -> "Surrogate":
        """The same emulator, whose weights no training moves; the gradient still flows through."""
        return self if isinstance(self.network, FrozenCell) else replace(self, network=FrozenCell(self.network))


def surrogate(
    interface: Interface,
    statistics: Mapping[str, tuple[float, float]],
    sizes: Mapping[str, float],
    *,
    width: int,
    key: PRNGKeyArray,
) -> Surrogate:
    """An untrained emulator, in float32.

    `statistics[forcing] = (mean, deviation)` and `sizes[output]`, the deviation of an output, are those of the runs to
    be trained on.
    """
    outputs = {name: replace(variable, scale=sizes[name]) for name, variable in interface.outputs.items()}
    mean, deviation = zip(*(statistics[name] for name in interface.forcings), strict=True)
    weather = Standardise(tuple(interface.forcings), jnp.asarray(mean), jnp.asarray(deviation))
    inputs = len(interface.forcings) + len(interface.parameters)
    network = RecurrentCell.create(inputs, len(outputs), width=width, key=key)
    return _single(Surrogate(replace(interface, outputs=outputs), weather, network))


def _single(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf, tree)
