"""Gamma unit hydrograph: runoff made on one step reaches the outlet over the steps that follow.

    Q_t = Σ_{k=0}^{L−1} w_k q_{t−k}        w_k ∝ t_k^{α−1} exp(−t_k/θ),   Σ_k w_k = 1,   t_k = (k + ½) dt

    q   inflow, runoff of the hillslopes      [mm d-1]
    Q   outflow, streamflow at the outlet     [mm d-1]
    w   unit hydrograph                       [1]
    α   shape                                 [1]
    θ   scale                                 [d]
    dt  step                                  [d]

The gamma density is sampled at the middle of each step and normalised over L steps, so no water is lost
beyond the last lag. The inflow of the last L − 1 steps, the tail, is what the channel remembers: a series cut
in two and joined by its tail is bitwise the series that was not cut, and `stored` is the water under way,
which closes the balance.

Nash, J. E. (1957), The form of the instantaneous unit hydrograph, IAHS Publ. 45(3), 114–121. The offsets of
shape and scale are those of Feng et al. (2022), doi:10.1029/2022WR032404.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics.safe import positive_part

SMALLEST_SHAPE = 0.1
SMALLEST_SCALE = 0.5  # [d]


def gamma_weights(
    shape: Float[Array, "*site"],
    scale: Float[Array, "*site"],
    length: int = 15,
    dt: float | Float[Array, ""] = 1.0,
) -> Float[Array, "lag *site"]:
    """The unit hydrograph [1] of `length` steps of dt [d].

    α = max(shape, 0) + 0.1 and θ = max(scale, 0) + 0.5 d keep the density within its domain. It is a softmax
    of (α − 1) ln t − t/θ, so nothing overflows where the density itself, or Γ(α) θ^α, would.
    """
    steps = jnp.arange(length, dtype=shape.dtype).reshape((length,) + (1,) * shape.ndim)
    time = (steps + 0.5) * dt
    alpha = positive_part(shape) + SMALLEST_SHAPE
    theta = positive_part(scale) + SMALLEST_SCALE
    return jax.nn.softmax((alpha - 1)[None] * jnp.log(time) - time / theta[None], axis=0)


def empty_tail(weights: Float[Array, "lag *site"]) -> Float[Array, "past *site"]:
    """The tail of a dry channel: no inflow on the lag − 1 steps before the first."""
    return jnp.zeros_like(weights[1:])


def convolve(
    inflow: Float[Array, "time *site"],
    weights: Float[Array, "lag *site"],
    tail: Float[Array, "past *site"],
) -> tuple[Float[Array, "time *site"], Float[Array, "past *site"]]:
    """Outflow, and the tail to continue from: inflow of the last lag − 1 steps, the oldest first.

    The sum runs over the lags in a loop, each term a slice of the series, and every product is rounded before it is
    added. Otherwise the compiler is free to fuse multiplications with additions, and does so differently for series of
    different length (at their last few elements, say); so it rounds the same wherever the series was cut.
    """
    lags, steps = weights.shape[0], inflow.shape[0]
    series = jnp.concatenate([tail, inflow])

    @jax.checkpoint  # the slice is cheaper to take again than to keep for the backward pass
    def add(outflow: Array, term: tuple[Array, Array]) -> tuple[Array, None]:
        lag, weight = term
        product = weight[None] * jax.lax.dynamic_slice_in_dim(series, lags - 1 - lag, steps)
        return outflow + jax.lax.optimization_barrier(product), None

    outflow, _ = jax.lax.scan(add, jnp.zeros_like(inflow), (jnp.arange(lags), weights))
    return outflow, series[steps:]


def stored(tail: Float[Array, "past *site"], weights: Float[Array, "lag *site"]) -> Float[Array, "*site"]:
    """Water under way, Σ_j q_{t−j} Σ_{k>j} w_k, in [mm d-1] summed over steps: times dt, it is in [mm]."""
    remaining = jnp.cumsum(weights[:0:-1], axis=0)
    return jnp.sum(tail * remaining, axis=0)
