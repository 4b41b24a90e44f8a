"""The mass-conserving LSTM: its cells are stores, and all that it learns is where water goes.

    z_t = (x_t, a, c_{t−1}/‖c_{t−1}‖₁)                      what the gates read
    i = normalised(W_i z),  Σ_k i_k = 1                      which cells precipitation p_t enters
    R = normalised(W_R z),  Σ_k R_jk = 1 for each cell j     from which cell to which water moves
    o = σ(W_o z)                                             the share of each cell that leaves
    m = Rᵀ c_{t−1} + i p_t;   h_t = o·m;   c_t = m − h_t

    p      mass that enters, precipitation                  [mm]
    c      mass of every cell                               [mm]
    h      mass that leaves each cell                       [mm]
    x, a   standardised forcings and attributes             [1]

Σ c + Σ h is what was there and what came, to rounding. Normalised is a softmax, or the published hydrological form
("rectified"): sigmoids over their sum for i, rectified rows over their sum for R. There a row of zeros would lose its
mass, so that 10⁻⁶ is added on the diagonal: what a cell sends nowhere it keeps.

Weights start orthogonal, biases at 0, that of o at −3, so that little leaves at first.

Reference: Hoedt et al. (2021), arXiv:2101.05186.
"""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from dgeo.nn.product import Precision, product

Memory = Float[Array, "site cell"]
Gates = Literal["rectified", "softmax"]
KEPT = 1e-6  # of a row of R that is nothing but zeros: all of the cell's mass
EMPTY = 1e-5  # [mm] below which the shares of the cells fade


class MCLSTM(eqx.Module):
    """A mass-conserving LSTM over mass [time, site], inputs [time, site, input] and attributes [site, attribute].

    `weight` has the rows of o, i and R (from cell j to all cells, cell by cell) and the columns of the inputs, the
    attributes and the cells.
    """

    weight: Float[Array, "gates feature"]
    bias: Float[Array, " gates"]
    cells: int = eqx.field(static=True)
    gates: Gates = eqx.field(static=True, default="rectified")
    precision: Precision = eqx.field(static=True, default="float32")

    @classmethod
    def create(
        cls,
        inputs: int,
        attributes: int,
        *,
        cells: int,
        key: PRNGKeyArray,
        output_bias: float = -3.0,
        gates: Gates = "rectified",
        precision: Precision = "float32",
    ) -> "MCLSTM":
        """Fresh weights."""
        orthogonal = jax.nn.initializers.orthogonal()
        features = inputs + attributes + cells
        blocks = zip(jax.random.split(key, 3), (cells, cells, cells * cells), strict=True)
        weight = jnp.concatenate([orthogonal(part, (rows, features)) for part, rows in blocks])
        bias = jnp.zeros(len(weight)).at[:cells].set(output_bias)
        return cls(weight, bias, cells, gates, precision)

    def initial_carry(self, sites: int) -> Memory:
        """Empty stores."""
        return jnp.zeros((sites, self.cells), self.bias.dtype)

    def __call__(
        self,
        mass: Float[Array, "time site"],
        series: Float[Array, "time site input"],
        attributes: Float[Array, "site attribute"],
        carry: Memory,
    ) -> tuple[Float[Array, "time site cell"], Memory]:
        """The mass that leaves each cell at every time, and that in the cells after the last."""
        leaving, _, carry = self.followed(mass, series, attributes, carry)
        return leaving, carry

    def followed(
        self,
        mass: Float[Array, "time site"],
        series: Float[Array, "time site input"],
        attributes: Float[Array, "site attribute"],
        carry: Memory,
    ) -> tuple[Float[Array, "time site cell"], Float[Array, "time site"], Memory]:
        """The same, and between them what all cells hold after every time.

        The gradient stores the cells of every step and computes the gates again: R is as large as all of them squared.
        """
        inputs, cells = series.shape[-1], self.cells
        split = jnp.split(self.weight.T, (inputs, inputs + attributes.shape[-1]))
        of_series, of_site, of_cells = split
        still = product(attributes, of_site, self.precision) + self.bias[None]

        @jax.checkpoint
        def body(held: Memory, now: tuple[Array, Array]) -> tuple[Memory, tuple[Array, Array]]:
            entering, inputs = now
            shares = held / (jnp.sum(held, axis=-1, keepdims=True) + EMPTY)
            z = product(inputs, of_series, self.precision) + product(shares, of_cells, self.precision) + still
            o, i, r = jnp.split(z, (cells, 2 * cells), axis=-1)
            there = self._moved(held, r.reshape(-1, cells, cells)) + self._shares(i) * entering[:, None]
            leaving = jax.nn.sigmoid(o) * there
            left = there - leaving
            return left, (leaving, jnp.sum(left, axis=-1))

        carry, (leaving, held) = jax.lax.scan(body, carry, (mass, series))
        return leaving, held, carry

    def _shares(self, z: Float[Array, "site cell"]) -> Float[Array, "site cell"]:
        return jax.nn.softmax(z if self.gates == "softmax" else jax.nn.log_sigmoid(z), axis=-1)

    def _moved(self, held: Memory, z: Float[Array, "site cell cell"]) -> Memory:
        """Rᵀ c: what a cell holds is divided by the sum of its row, which costs less than to divide the row."""
        if self.gates == "softmax":
            opened, kept = jnp.exp(z - jax.lax.stop_gradient(jnp.max(z, axis=-1, keepdims=True))), 0.0
        else:
            opened, kept = jax.nn.relu(z), KEPT
        part = held / (jnp.sum(opened, axis=-1) + kept)
        return jnp.einsum("sj,sjk->sk", part, opened) + kept * part
