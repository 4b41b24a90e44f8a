"""Newton's method where the Jacobian is too large to write down: it is only ever multiplied with.

    J(x)·δ = f(x),   x ← x − δ

The linear systems are solved by conjugate gradients where J is symmetric, else by stabilised biconjugate gradients,
both with a diagonal preconditioner. The derivative of the root is that of the implicit function: one more solve with J,
or with its transpose, however many iterations it took.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.scipy.sparse.linalg import bicgstab, cg
from jaxtyping import Array, Float

Field = Float[Array, "*shape"]


def matrix_free_root(
    function: Callable[[Field], Field],
    start: Field,
    diagonal: Field,
    *,
    iterations: int = 2,
    symmetric: bool = True,
    most: int = 2000,
) -> Field:
    """The x with f(x) = 0; differentiable in all that f captures.

    `diagonal` is that of J, roughly; `most` limits the iterations of the linear solver. It ends at a residual that is
    the root of a rounding of the right-hand side, since the next iteration takes what it left: two do where f is
    linear, down to the rounding of f itself. The solve of the derivative ends at 1000 roundings.
    """
    scale = jax.lax.stop_gradient(1 / diagonal)
    solver: Any = cg if symmetric else bicgstab
    rounding = float(np.finfo(start.dtype).eps)
    general, captured = jax.closure_convert(function, start)
    start, still = jax.lax.stop_gradient((start, captured))

    def linear_solve(x: Field, right: Field, tolerance: float) -> Field:
        _, product = jax.linearize(lambda x: general(x, *still), x)
        found, _ = solver(product, right, tol=tolerance, maxiter=most, M=lambda x: scale * x)
        return found

    def iterate(_: Array, x: Field) -> Field:
        return x - linear_solve(x, general(x, *still), rounding**0.5)

    root = jax.lax.fori_loop(0, iterations, iterate, start)
    # zero in value, so the solver does nothing, and its derivative is that of the implicit function
    excess = general(root, *captured)
    return root - linear_solve(root, excess - jax.lax.stop_gradient(excess), 1000 * rounding)
