"""Where parameters come from. Every source speaks in unbounded numbers z, and sources add up: z = Σ static + Σ dynamic.

A dynamic source adds a departure from the static value, so that switching it off leaves the static parameter.
"""

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from dgeo.errors import DgeoError
from dgeo.hybrid.inputs import Inputs, Layout
from dgeo.models import Values
from dgeo.nn import LSTM, MovingAverages, Standardise, linear


@runtime_checkable
class Source(Protocol):
    """Inputs and a memory → static z by name [site, …], dynamic z by name [time, site, …], and the memory after."""

    def initial_carry(self, sites: int) -> Any:
        """The memory before the first step."""
        ...

    def __call__(self, inputs: Inputs, carry: Any, key: PRNGKeyArray | None) -> tuple[Values, Values, Any]:
        """A key means training: dropout is on."""
        ...


class AttributeNetwork(eqx.Module):
    """z = MLP(attributes): static parameters."""

    attributes: Standardise
    network: eqx.nn.MLP
    layout: Layout = eqx.field(static=True)

    def initial_carry(self, sites: int) -> tuple[()]:
        """No memory."""
        return ()

    def __call__(self, inputs: Inputs, carry: Any, key: PRNGKeyArray | None) -> tuple[Values, Values, Any]:
        """One row of parameters for each site."""
        return self.layout.split(jax.vmap(self.network)(self.attributes(inputs.attributes))), {}, carry


class MovingAverageNetwork(eqx.Module):
    """dz_t = W·ReLU(A·averages_t + B·attributes + b): dynamic parameters from moving averages of the forcings.

    The memory of the past is in the averages, so nothing recurrent is trained: a fraction of the cost of an LSTM.
    """

    attributes: Standardise
    forcings: Standardise
    averages: MovingAverages
    from_averages: eqx.nn.Linear
    from_attributes: eqx.nn.Linear
    output: eqx.nn.Linear
    layout: Layout = eqx.field(static=True)

    def initial_carry(self, sites: int) -> Float[Array, "site variable memory"]:
        """Averages of nothing."""
        return self.averages.initial_carry(sites, len(self.forcings.names), self.output.weight.dtype)

    def __call__(self, inputs: Inputs, carry: Any, key: PRNGKeyArray | None) -> tuple[Values, Values, Any]:
        """One row of departures for each day and site."""
        features, carry = self.averages(self.forcings(inputs.forcing), carry)
        site = jax.vmap(self.from_attributes)(self.attributes(inputs.attributes))
        hidden = jax.nn.relu(features @ self.from_averages.weight.T + site[None])
        return {}, self.layout.split(linear(self.output, hidden)), carry


class RecurrentNetwork(eqx.Module):
    """dz_t = LSTM(forcings, attributes): dynamic parameters of the published recipe.

    `static_from_last_step` is that recipe's convention (Feng et al. 2022): the network gives every parameter at
    every step, the static ones are its values at the **last** step of the window, and a dynamic one departs from
    that. It looks into the future of the window, and a run cut in two differs from a whole one, so it is for
    comparison only. Without it the network gives departures from what another source says.
    """

    attributes: Standardise
    forcings: Standardise
    network: LSTM
    layout: Layout = eqx.field(static=True)
    dynamic: tuple[str, ...] = eqx.field(static=True)
    static_from_last_step: bool = eqx.field(static=True, default=False)

    def initial_carry(self, sites: int) -> Any:
        """No memory."""
        return self.network.initial_carry(sites)

    def __call__(self, inputs: Inputs, carry: Any, key: PRNGKeyArray | None) -> tuple[Values, Values, Any]:
        """One row of parameters, or of departures, for each day and site."""
        forcing = self.forcings(inputs.forcing)
        site = self.attributes(inputs.attributes)
        series = jnp.concatenate([forcing, jnp.broadcast_to(site[None], (*forcing.shape[:2], site.shape[-1]))], -1)
        columns, carry = self.network(series, carry, key)
        named = self.layout.split(columns)
        if not self.static_from_last_step:
            return {}, named, carry
        static = {name: z[-1] for name, z in named.items()}
        return static, {name: named[name] - static[name][None] for name in self.dynamic}, carry


class Table(eqx.Module):
    """z = a number for each training site, free to be trained: calibration, all basins in one batch."""

    values: Values

    def initial_carry(self, sites: int) -> tuple[()]:
        """No memory."""
        return ()

    def __call__(self, inputs: Inputs, carry: Any, key: PRNGKeyArray | None) -> tuple[Values, Values, Any]:
        """The rows of the sites at hand."""
        if inputs.index is None:
            raise DgeoError(
                "A table of parameters knows its training sites only: give `index`, or use a network of attributes."
            )
        return {name: rows[inputs.index] for name, rows in self.values.items()}, {}, carry
