"""A square root whose derivative is finite at zero."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def square_root(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """√max(x, 0); at and below 0 the derivative is 0, where that of `jnp.sqrt` is infinite. NaN stays NaN."""
    zero = x <= 0
    return jnp.where(zero, 0.0, jnp.sqrt(jnp.where(zero, 1.0, x)))
