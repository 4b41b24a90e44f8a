"""Newton's method for a few equations at once, with the gradient of the implicit function."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

Vector = Float[Array, " n"]


def newton(
    function: Callable[[Vector, Any], Vector], start: Vector, arguments: Any, *, tolerance: float, iterations: int
) -> tuple[Vector, Bool[Array, ""]]:
    """The x with f(x, arguments) = 0, and whether |f| fell below tolerance·(1 + max|x|); differentiable in `arguments`."""
    start, known = jax.lax.stop_gradient((start, arguments))

    def found(x: Vector, value: Vector) -> Bool[Array, ""]:
        return jnp.max(jnp.abs(value)) <= tolerance * (1 + jnp.max(jnp.abs(x)))

    def unfinished(carry: tuple) -> Bool[Array, ""]:
        i, x, value = carry
        return (i < iterations) & ~found(x, value)

    def iterate(carry: tuple) -> tuple:
        i, x, value = carry
        jacobian = jax.jacfwd(function)(x, known)
        x = x - jnp.linalg.solve(jacobian, value)
        return i + 1, x, function(x, known)

    _, root, value = jax.lax.while_loop(unfinished, iterate, (0, start, function(start, known)))
    jacobian = jax.jacfwd(function)(root, known)
    return root - jnp.linalg.solve(jacobian, function(root, arguments)), found(root, value)
