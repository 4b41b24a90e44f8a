"""The long short-term memory, as the published recipe of differentiable parameter learning uses it.

    x → ReLU(W x + b) → LSTM → W h + b

    i, f, g, o = split(W_ih x_t + W_hh h_{t−1} + b);   c_t = σ(f)·c_{t−1} + σ(i)·tanh(g);   h_t = σ(o)·tanh(c_t)

Dropout is on the weights W_ih and W_hh (DropConnect): one mask a call, the same at every step, scaled by 1/(1 − p).

References: Hochreiter & Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735; Feng et al. (2020),
doi:10.1029/2019WR026793.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from dgeo.nn.product import Precision, linear, product
from dgeo.nn.recurrence import Carry, no_memory, remember


class LSTM(eqx.Module):
    """A linear layer with rectifier, an LSTM and a linear layer, over [time, site, input].

    `precision` is that of the operands of its products; sums, gates and memory keep the precision of the weights.
    """

    encoder: eqx.nn.Linear
    input_weight: Float[Array, "gates hidden"]
    hidden_weight: Float[Array, "gates hidden"]
    bias: Float[Array, " gates"]
    decoder: eqx.nn.Linear
    dropout: float = eqx.field(static=True, default=0.5)
    precision: Precision = eqx.field(static=True, default="float32")

    @classmethod
    def create(
        cls,
        inputs: int,
        outputs: int,
        *,
        hidden: int,
        key: PRNGKeyArray,
        dropout: float = 0.5,
        precision: Precision = "float32",
    ) -> "LSTM":
        """Weights uniform in ±1/√hidden."""
        first, second, third, fourth, fifth = jax.random.split(key, 5)
        limit = hidden**-0.5
        return cls(
            eqx.nn.Linear(inputs, hidden, key=first),
            jax.random.uniform(second, (4 * hidden, hidden), minval=-limit, maxval=limit),
            jax.random.uniform(third, (4 * hidden, hidden), minval=-limit, maxval=limit),
            jax.random.uniform(fourth, (4 * hidden,), minval=-limit, maxval=limit),
            eqx.nn.Linear(hidden, outputs, key=fifth),
            dropout,
            precision,
        )

    def initial_carry(self, sites: int) -> Carry:
        """No memory."""
        return no_memory(sites, self.hidden_weight)

    def __call__(
        self, series: Float[Array, "time site input"], carry: Carry, key: PRNGKeyArray | None = None
    ) -> tuple[Float[Array, "time site output"], Carry]:
        """Outputs at every time and the memory after the last; a key switches dropout on."""
        # Transposed here, once: products of rows by columns of [in, out] are the fast ones, in the gradient too.
        input_weight, hidden_weight = (weight.T for weight in self._weights(key))

        def project(inputs: Float[Array, "*rows input"]) -> Float[Array, "*rows gates"]:
            encoded = jax.nn.relu(linear(self.encoder, inputs, self.precision))
            return product(encoded, input_weight, self.precision)

        hidden, carry = remember(project, hidden_weight, self.bias[None], series, carry, self.precision)
        return linear(self.decoder, hidden, self.precision), carry

    def _weights(self, key: PRNGKeyArray | None) -> tuple[Array, Array]:
        if key is None:
            return self.input_weight, self.hidden_weight
        first, second = jax.random.split(key)
        return _dropped(self.input_weight, self.dropout, first), _dropped(self.hidden_weight, self.dropout, second)


def _dropped(weight: Array, rate: float, key: PRNGKeyArray) -> Array:
    return jnp.where(jax.random.bernoulli(key, 1 - rate, weight.shape), weight / (1 - rate), jnp.zeros_like(weight))
