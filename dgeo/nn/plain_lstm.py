"""The long short-term memory of the benchmark in rainfall–runoff modelling: forcings and attributes in, memory out.

    i, f, g, o = split(W x_t + V a + U h_{t−1} + b);   c_t = σ(f)·c_{t−1} + σ(i)·tanh(g);   h_t = σ(o)·tanh(c_t)

The attributes a of a site stand beside the forcings of every day; what they add to the gates is computed once. The
weights start uniform in ±1/√hidden, and `forget_bias` is added to the bias of f, so that the memory is long at first.

Reference: Kratzert et al. (2019), doi:10.5194/hess-23-5089-2019.
"""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from dgeo.nn.product import Precision, product
from dgeo.nn.recurrence import Carry, no_memory, remember


class PlainLSTM(eqx.Module):
    """An LSTM over [time, site, input] and [site, attribute], without layers before or after it.

    `input_weight` has the columns of the inputs first, then those of the attributes.
    """

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
    ) -> "PlainLSTM":
        """Fresh weights."""
        limit = hidden**-0.5
        first, second, third = jax.random.split(key, 3)
        bias = jax.random.uniform(third, (4 * hidden,), minval=-limit, maxval=limit)
        return cls(
            jax.random.uniform(first, (4 * hidden, inputs + attributes), minval=-limit, maxval=limit),
            jax.random.uniform(second, (4 * hidden, hidden), minval=-limit, maxval=limit),
            bias.at[hidden : 2 * hidden].add(forget_bias),
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
        inputs = series.shape[-1]
        of_series, of_site = self.input_weight[:, :inputs].T, self.input_weight[:, inputs:].T
        bias = product(attributes, of_site, self.precision) + self.bias[None]

        def project(rows: Float[Array, "*rows input"]) -> Float[Array, "*rows gates"]:
            return product(rows, of_series, self.precision)

        return remember(project, self.hidden_weight.T, bias, series, carry, self.precision)
