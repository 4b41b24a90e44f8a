"""Networks in the place of a law, for the proofs of the contracts."""

from collections.abc import Callable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray


class NetworkLaw(eqx.Module):
    """Any network [input] → [1] as a law: softplus of its output, so that the flux is positive."""

    network: Callable[[Array], Array]
    scales: dict[str, float] = eqx.field(static=True)

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(self.scales)

    def __call__(self, values: Mapping[str, Array]) -> Array:
        scaled = jnp.stack([values[name] / scale for name, scale in self.scales.items()])
        return jax.nn.softplus(jnp.squeeze(self.network(scaled)))


class UnstackedLaw(eqx.Module):
    """The same with one hidden layer, written as multiply-adds over inputs that are never stacked into an array.

    A kernel compiled by Triton can hold it: no concatenation, no matrix product, extents that are powers of two.
    """

    weights: dict[str, Array]
    bias: Array
    readout: Array
    scales: dict[str, float] = eqx.field(static=True)

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(self.scales)

    def __call__(self, values: Mapping[str, Array]) -> Array:
        hidden = self.bias
        for name, scale in self.scales.items():
            hidden = hidden + self.weights[name] * (values[name] / scale)
        output = jnp.sum(self.readout * jnp.tanh(hidden))
        return jnp.maximum(output, 0) + jnp.log1p(jnp.exp(-jnp.abs(output)))


def unstacked_law(scales: dict[str, float], *, width: int, key: PRNGKeyArray) -> UnstackedLaw:
    """Weights of unit variance over the number of inputs of each layer."""
    keys = dict(zip([*scales, "readout"], jax.random.split(key, len(scales) + 1), strict=True))
    draw = {name: jax.random.normal(k, (width,)) for name, k in keys.items()}
    readout = draw.pop("readout") / width**0.5
    weights = {name: weight / len(scales) ** 0.5 for name, weight in draw.items()}
    return UnstackedLaw(weights, jnp.zeros(width), readout, scales)
