"""Newton's method for a few equations at once, with the gradient of the implicit function.

    J(x)·δ = f(x, a),   x ← x − t·δ        J = ∂f/∂x,   t = 1, ½, ¼, …

The step is shortened where the residual would grow, as it may at a kink (min, max) or where f bends sharply. The
derivative of the root is that of the implicit function, dx = −J⁻¹·(∂f/∂a)·da: one more solve, in both modes, however
many iterations it took.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

Vector = Float[Array, " n"]
Matrix = Float[Array, "n n"]
Residual = Callable[[Vector, Any], Vector]

ROUNDINGS = 100  # a residual of so many roundings of the largest unknown is none
SMALLEST_SHARE = 1 / 64  # a step shortened to this is taken even if the residual grows: it leads off the kink
UNROLLED = 6  # equations; beyond, the program grows faster than it gains


class _Search(NamedTuple):
    """Where the search stands: the point, its residual and its Newton step, and how much of that step to try."""

    i: Int[Array, ""]
    x: Vector
    value: Vector
    step: Vector
    share: Float[Array, ""]


def newton(
    function: Residual, start: Vector, arguments: Any, *, tolerance: float, iterations: int
) -> tuple[Vector, Bool[Array, ""]]:
    """The x with f(x, arguments) = 0, and whether it was found; differentiable in `arguments`, in both modes.

    Found is where max|f| falls below tolerance·(1 + max|x|), or below 100 roundings of 1 + max|x| if that is more,
    within so many `iterations` (evaluations of f and J); one more Newton step then follows. What was not found is
    `start`, and its derivative zero: finite whatever f is there.
    """
    arrays, static = eqx.partition(arguments, eqx.is_array)

    def residual(x: Vector, arrays: Any) -> Vector:
        return function(x, eqx.combine(arrays, static))

    start, known = jax.lax.stop_gradient((start, arrays))
    root, found = _searched(lambda x: residual(x, known), start, tolerance, iterations)
    return _implicit(residual, root, found, arrays), found


def _searched(
    function: Callable[[Vector], Vector], start: Vector, tolerance: float, iterations: int
) -> tuple[Vector, Bool[Array, ""]]:
    tolerance = max(tolerance, ROUNDINGS * float(np.finfo(start.dtype).eps))

    def found(now: _Search) -> Bool[Array, ""]:
        return _size(now.value) <= tolerance * (1 + _size(now.x))

    def iterate(now: _Search) -> _Search:
        x = now.x - now.share * now.step
        value, jacobian = _linearised(function, x)
        step = solve(jacobian, value)
        taken = (_size(value) < _size(now.value)) | (now.share <= SMALLEST_SHARE)
        taken = taken & jnp.all(jnp.isfinite(step))
        onward = _Search(now.i + 1, x, value, step, jnp.ones_like(now.share))
        shorter = now._replace(i=now.i + 1, share=now.share / 2)
        return jax.tree.map(lambda new, old: jnp.where(taken, new, old), onward, shorter)

    first = _Search(
        jnp.zeros((), jnp.int32), start, jnp.full_like(start, jnp.inf), 0 * start, jnp.ones((), start.dtype)
    )
    last = jax.lax.while_loop(lambda now: (now.i < iterations) & ~found(now), iterate, first)
    return jnp.where(found(last), last.x - last.step, start), found(last)


def _implicit(function: Residual, root: Vector, found: Bool[Array, ""], arguments: Any) -> Vector:
    """The root, with the derivative of the implicit function; where it was not found, none."""

    @jax.custom_jvp
    def attached(root: Vector, found: Bool[Array, ""], arguments: Any) -> Vector:
        return root

    @attached.defjvp
    def _jvp(primals: tuple, tangents: tuple) -> tuple:
        root, found, arguments = primals
        _, jacobian = _linearised(lambda x: function(x, arguments), root)
        # where f or J is not finite, zero times it must not enter either mode
        jacobian = jnp.where(found, jacobian, jnp.eye(root.size, dtype=root.dtype))
        moved = jax.tree.map(
            lambda x, dx: jnp.where(found, dx, jnp.zeros_like(dx)) if eqx.is_inexact_array(x) else dx,
            arguments,
            tangents[2],
        )
        change = jax.jvp(lambda arguments: function(root, arguments), (arguments,), (moved,))[1]
        return root, -_linear_solve(jacobian, jnp.where(found, change, jnp.zeros_like(change)))

    return attached(root, found, arguments)


def _linear_solve(matrix: Matrix, right: Vector) -> Vector:
    """The solution as a linear function of the right-hand side, in both modes."""
    return jax.lax.custom_linear_solve(
        lambda x: matrix @ x,
        right,
        solve=lambda _, b: solve(matrix, b),
        transpose_solve=lambda _, b: solve(matrix.T, b),
    )


def _linearised(function: Callable[[Vector], Vector], x: Vector) -> tuple[Vector, Matrix]:
    """f(x), and its Jacobian."""
    value, push = jax.linearize(function, x)
    return value, jax.vmap(push, out_axes=1)(jnp.eye(x.size, dtype=x.dtype))


def _size(vector: Vector) -> Float[Array, ""]:
    return jnp.max(jnp.abs(vector))


def solve(matrix: Matrix, right: Vector) -> Vector:
    """The x with matrix·x = right; not finite where the matrix is singular. Has no derivative.

    Elimination in the given order, written out number by number: thousands of systems side by side are one elementwise
    program, several times faster than a library that takes them one by one. That order is right for an implicit step
    of stores that exchange water, as the diagonal dominates its column there. Where the residual shows that it was
    not, the library follows with its search for pivots (under `vmap`: if any of the systems needs it).
    """
    if right.size > UNROLLED:
        return jnp.linalg.solve(matrix, right)

    def poor(state: tuple[Vector, Bool[Array, ""]]) -> Bool[Array, ""]:
        x, first = state
        terms = matrix * x[None]
        scale = _size(jnp.sum(jnp.abs(terms), axis=1) + jnp.abs(right))
        error = _size(jnp.sum(terms, axis=1) - right)
        return first & ~(error <= ROUNDINGS * float(np.finfo(x.dtype).eps) * scale)

    def again(_: tuple[Vector, Bool[Array, ""]]) -> tuple[Vector, Bool[Array, ""]]:
        return jnp.linalg.solve(matrix, right), jnp.asarray(False)

    return jax.lax.while_loop(poor, again, (_eliminated(matrix, right), jnp.asarray(True)))[0]


def _eliminated(matrix: Matrix, right: Vector) -> Vector:
    n = right.size
    rows = [[matrix[i, j] for j in range(n)] + [right[i]] for i in range(n)]
    for k in range(n):
        for i in range(k + 1, n):
            share = rows[i][k] / rows[k][k]
            rows[i] = rows[i][: k + 1] + [
                a - share * b for a, b in zip(rows[i][k + 1 :], rows[k][k + 1 :], strict=True)
            ]
    x: list[Array] = []  # from the last to the first
    for i in reversed(range(n)):
        known = zip(reversed(rows[i][i + 1 : n]), x, strict=True)
        x.append((rows[i][n] - sum((a * b for a, b in known), jnp.zeros_like(right[i]))) / rows[i][i])
    return jnp.stack(x[::-1])
