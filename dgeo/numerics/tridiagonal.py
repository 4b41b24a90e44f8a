"""Newton's method where every unknown meets only its two neighbours.

    J(x)·δ = f(x, a),   x ← x − δ        J = ∂f/∂x, tridiagonal

J comes from three forward derivatives: no row meets two columns of the same third, so one derivative along
(1, 0, 0, 1, 0, 0, …) shows a third of the columns at once. The derivative of the root is that of the implicit function,
dx = −J⁻¹·(∂f/∂a)·da: one more solve, in both modes, however many iterations it took.

Reference: Curtis, Powell & Reid (1974) On the estimation of sparse Jacobian matrices, doi:10.1093/imamat/13.1.117.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Column = Float[Array, " z"]
Residual = Callable[[Column, Any], Column]


def tridiagonal_jacobian(function: Callable[[Column], Column], x: Column) -> tuple[Column, Float[Array, "3 z"]]:
    """f(x), and the diagonals below, on and above the main one: [k, i] is of row i, 0 outside the matrix."""
    index = jnp.arange(x.size)
    thirds = (index[None] % 3 == jnp.arange(3)[:, None]).astype(x.dtype)
    value, push = jax.linearize(function, x)
    columns = jax.vmap(push)(thirds)
    # row i meets columns i − 1, i, i + 1, which lie in three different thirds
    diagonals = jnp.stack([columns[(index + offset) % 3, index] for offset in (-1, 0, 1)])
    return value, diagonals.at[0, 0].set(0).at[2, -1].set(0)


def newton_tridiagonal(
    function: Residual, start: Column, arguments: Any, *, iterations: int, largest_change: float = jnp.inf
) -> Column:
    """The x with f(x, arguments) = 0, after a fixed number of iterations; differentiable in `arguments`.

    No iteration moves an unknown by more than `largest_change`·(1 + |x|), which keeps Newton from overshooting where f
    bends sharply. Values and derivatives are right where the iteration has converged: the number must do for the
    stiffest case at hand.
    """
    start, known = jax.lax.stop_gradient((start, arguments))

    def iterate(_: Int[Array, ""], x: Column) -> Column:
        value, diagonals = tridiagonal_jacobian(lambda x: function(x, known), x)
        limit = largest_change * (1 + jnp.abs(x))
        return x - jnp.clip(_solve(diagonals, value), -limit, limit)

    root = jax.lax.fori_loop(0, iterations, iterate, start)
    _, diagonals = tridiagonal_jacobian(lambda x: function(x, known), root)
    return root - _solve(diagonals, function(root, arguments))


def _solve(diagonals: Float[Array, "3 z"], right: Column) -> Column:
    below, on, above = diagonals
    return jax.lax.linalg.tridiagonal_solve(below, on, above, right[:, None])[:, 0]
