"""The multi-layer perceptron, from equinox, and a way to say where its output starts."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray


def mlp(inputs: int, outputs: int, *, width: int, depth: int, key: PRNGKeyArray) -> eqx.nn.MLP:
    """`depth` hidden layers of `width` rectified units."""
    return eqx.nn.MLP(inputs, outputs, width, depth, activation=jax.nn.relu, key=key)


def with_output_bias(network: eqx.nn.MLP, bias: Float[Array, " outputs"]) -> eqx.nn.MLP:
    """The network with its last layer's bias replaced: it starts near `bias`."""
    return eqx.tree_at(lambda net: net.layers[-1].bias, network, bias)
