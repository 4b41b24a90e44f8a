"""θ = NN(...): the parameters of the physics, put together from sources, bounds and fixed values."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from dgeo.engine import Parameters
from dgeo.errors import DgeoError
from dgeo.hybrid.inputs import Inputs
from dgeo.hybrid.sources import Source
from dgeo.models import Parameter, Values
from dgeo.numerics import Frozen

WEIGHT = "component_weight"


class FixedValues(Frozen):
    """Known parameters: a number for all sites (shape []), or one for each training site (shape [site])."""

    values: Values = eqx.field(default_factory=dict)

    def at(self, name: str, inputs: Inputs) -> Float[Array, " site"]:
        """The value at every site at hand."""
        value = self.values[name]
        if value.ndim == 0:
            return jnp.broadcast_to(value, (inputs.sites,))
        if inputs.index is None:
            raise DgeoError(f"The table of {name} knows its training sites only: give `index`, or one number for all.")
        return value[inputs.index]


class Learned(eqx.Module):
    """θ = bounds(Σ static z + mask·Σ dynamic z), by name.

    `reversion` is the probability, in training, that a dynamic parameter of a site reverts to its static value for the
    whole window (one draw for each parameter and site, shared by steps and components; Feng et al. 2022).
    """

    sources: tuple[Source, ...]
    specifications: dict[str, Parameter] = eqx.field(static=True)
    components: int = eqx.field(static=True, default=1)
    fixed: FixedValues = FixedValues()
    reversion: float = eqx.field(static=True, default=0.0)

    def initial_carry(self, sites: int) -> tuple[Any, ...]:
        """The memories of all sources."""
        return tuple(source.initial_carry(sites) for source in self.sources)

    def __call__(
        self, inputs: Inputs, carry: tuple[Any, ...] | None = None, key: PRNGKeyArray | None = None
    ) -> tuple[Parameters, Float[Array, "site component"], tuple[Any, ...]]:
        """Parameters by name, the weight of every component (Σ = 1), and the memories after the last step."""
        carry = self.initial_carry(inputs.sites) if carry is None else carry
        static, dynamic, carry = self._unbounded(inputs, carry, key)
        weights = self._weights(static.pop(WEIGHT, None), inputs)
        bounded = {name: self._bound(name, z) for name, z in static.items()}
        moving = {name: self._bound(name, static[name][None] + dz) for name, dz in dynamic.items()}
        for name in self.fixed.values:
            bounded[name] = self._shaped(name, self.fixed.at(name, inputs))
        still = {name: value for name, value in bounded.items() if name not in moving}
        return Parameters(still, moving, components=True), weights, carry

    def _unbounded(
        self, inputs: Inputs, carry: tuple[Any, ...], key: PRNGKeyArray | None
    ) -> tuple[Values, Values, tuple[Any, ...]]:
        keys = [None] * (len(self.sources) + 1) if key is None else list(jax.random.split(key, len(self.sources) + 1))
        static: Values = {}
        dynamic: Values = {}
        carries = []
        for source, memory, source_key in zip(self.sources, carry, keys[1:], strict=True):
            still, moving, memory = source(inputs, memory, source_key)
            for total, part in ((static, still), (dynamic, moving)):
                total.update({name: total[name] + z if name in total else z for name, z in part.items()})
            carries.append(memory)
        return static, self._reverted(dynamic, inputs, keys[0]), tuple(carries)

    def _reverted(self, dynamic: Values, inputs: Inputs, key: PRNGKeyArray | None) -> Values:
        if key is None or self.reversion == 0:
            return dynamic
        places = jnp.arange(inputs.sites) if inputs.index is None else inputs.index
        keys = dict(zip(sorted(dynamic), jax.random.split(key, len(dynamic)), strict=True))
        return {name: _kept(dz, 1 - self.reversion, keys[name], places) for name, dz in dynamic.items()}

    def _weights(self, z: Array | None, inputs: Inputs) -> Float[Array, "site component"]:
        if z is not None:
            return jax.nn.softmax(z, axis=-1)
        dtype = next(iter(inputs.forcing.values())).dtype
        return jnp.full((inputs.sites, self.components), 1 / self.components, dtype)

    def _bound(self, name: str, z: Array) -> Array:
        return self.specifications[name].bounds.from_unbounded(z)

    def _shaped(self, name: str, value: Float[Array, " site"]) -> Array:
        if name.startswith("routing"):
            return value
        return jnp.broadcast_to(value[:, None], (value.shape[0], self.components))


def _kept(
    dz: Float[Array, "time site component"], probability: float, key: PRNGKeyArray, places: Int[Array, " site"]
) -> Array:
    """One draw for each site by its place, so that it does not depend on which sites stand beside it."""
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, places)
    mask = jax.vmap(lambda key: jax.random.bernoulli(key, probability))(keys)
    return jnp.where(mask[None, :, None], dz, jnp.zeros_like(dz))
