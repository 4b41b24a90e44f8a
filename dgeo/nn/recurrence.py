"""The time loop that all long short-term memories share.

    i, f, g, o = split(project(x_t) + W h_{t−1} + b);   c_t = σ(f)·c_{t−1} + σ(i)·tanh(g);   h_t = σ(o)·tanh(c_t)

Reference: Hochreiter & Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from dgeo.nn.product import Precision, product

Carry = tuple[Float[Array, "site hidden"], Float[Array, "site hidden"]]


def remember(
    project: Callable[[Array], Array],
    hidden_weight: Float[Array, "hidden gates"],
    bias: Float[Array, "#site gates"],
    series: Float[Array, "time site input"],
    carry: Carry,
    precision: Precision,
    input_gate: Float[Array, "site hidden"] | None = None,
) -> tuple[Float[Array, "time site hidden"], Carry]:
    """Hidden states at every time, and the memory (h, c) after the last.

    The gates of a step come from one product, in the order i, f, g, o; with an `input_gate` of the site's own (σ taken
    already) they are f, g, o alone.

    On a CPU the inputs are projected within the loop, where they stay in the cache; elsewhere in one large product
    before it. The gradient stores the gates before their activation, cells and hidden states of every step.
    """
    within = jax.default_backend() == "cpu"

    def body(carry: Carry, inputs: Array) -> tuple[Carry, Array]:
        hidden, cell = carry
        projected = project(inputs) if within else inputs
        gates = checkpoint_name(projected + product(hidden, hidden_weight, precision) + bias, "gates")
        *first, f, g, o = jnp.split(gates, 4 if input_gate is None else 3, axis=-1)
        i = jax.nn.sigmoid(first[0]) if input_gate is None else input_gate
        cell = jax.nn.sigmoid(f) * cell + i * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return (hidden, cell), hidden

    stored = jax.checkpoint_policies.save_only_these_names("gates")
    body = jax.checkpoint(body, policy=stored, prevent_cse=False)
    carry, hidden = jax.lax.scan(body, carry, series if within else project(series))
    return hidden, carry


def no_memory(sites: int, like: Float[Array, "gates hidden"]) -> Carry:
    """The memory before the first step, of the size and precision of recurrent weights."""
    zeros = jnp.zeros((sites, like.shape[1]), like.dtype)
    return zeros, zeros
