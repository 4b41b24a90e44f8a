"""The entity-aware LSTM: what a site is decides once which cells may take in anything.

    i = σ(V a + d);   f, g, o = split(W x_t + U h_{t−1} + b);   c_t = σ(f)·c_{t−1} + i·tanh(g);   h_t = σ(o)·tanh(c_t)

The attributes a of a site set its input gate i, which does not change in time; the forcings x set the others.
W starts orthogonal and U as three identities side by side, as published; `forget_bias` is the first bias of f.

Reference: Kratzert et al. (2019), doi:10.5194/hess-23-5089-2019.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from dgeo.nn.product import Precision, linear, product
from dgeo.nn.recurrence import Carry, no_memory, remember


class EALSTM(eqx.Module):
    """An entity-aware LSTM over [time, site, input] and [site, attribute]."""

    input_gate: eqx.nn.Linear
    input_weight: Float[Array, "gates input"]
    hidden_weight: Float[Array, "gates hidden"]
    bias: Float[Array, " gates"]
    precision: Precision = eqx.field(static=True, default="float32")

    @classmethod
    def create(
        cls,
        inputs: int,
        attributes: int,
        *,
        hidden: int,
        key: PRNGKeyArray,
        forget_bias: float = 3.0,
        precision: Precision = "float32",
    ) -> "EALSTM":
        """Fresh weights."""
        first, second = jax.random.split(key)
        return cls(
            eqx.nn.Linear(attributes, hidden, key=first),
            jax.nn.initializers.orthogonal()(second, (3 * hidden, inputs)),
            jnp.tile(jnp.eye(hidden), (3, 1)),
            jnp.zeros(3 * hidden).at[:hidden].set(forget_bias),
            precision,
        )

    @property
    def size(self) -> int:
        """The number of hidden units."""
        return self.hidden_weight.shape[1]

    def initial_carry(self, sites: int) -> Carry:
        """No memory."""
        return no_memory(sites, self.hidden_weight)

    def __call__(
        self, series: Float[Array, "time site input"], attributes: Float[Array, "site attribute"], carry: Carry
    ) -> tuple[Float[Array, "time site hidden"], Carry]:
        """Hidden states at every time, and the memory after the last."""
        weight = self.input_weight.T
        gate = jax.nn.sigmoid(linear(self.input_gate, attributes, self.precision))

        def project(rows: Float[Array, "*rows input"]) -> Float[Array, "*rows gates"]:
            return product(rows, weight, self.precision)

        return remember(project, self.hidden_weight.T, self.bias[None], series, carry, self.precision, gate)
