"""Newton's method for a few equations at once, with the gradient of the implicit function.

    J(x)·δ = f(x, a),   x ← x − t·δ        J = ∂f/∂x,   t = 1, ½, ¼, …

The step is shortened where the residual would grow, as it may at a kink (min, max) or where f bends sharply. The
derivative of the root is that of the implicit function, dx = −J⁻¹·(∂f/∂a)·da: one more solve, in both modes, however
many iterations it took.
"""

import functools
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


Numbers = tuple[Float[Array, ""], ...]


class _Search(NamedTuple):
    """Where the search stands: the point, its residual and its Newton step, and how much of that step to try.

    Numbers one by one: side by side for thousands of systems they are elementwise programs, which short rows are not.
    """

    i: Int[Array, ""]
    x: Numbers
    value: Numbers
    step: Numbers
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
        return _largest(now.value) <= tolerance * (1 + _largest(now.x))

    def iterate(now: _Search) -> _Search:
        x = tuple(a - now.share * b for a, b in zip(now.x, now.step, strict=True))
        value, rows = _rows(function, x)
        step = _solved(rows, value)
        taken = (_largest(value) < _largest(now.value)) | (now.share <= SMALLEST_SHARE)
        taken = taken & jnp.isfinite(sum(step[1:], step[0]))
        onward = _Search(now.i + 1, x, value, step, jnp.ones_like(now.share))
        shorter = now._replace(i=now.i + 1, share=now.share / 2)
        return jax.tree.map(lambda new, old: jnp.where(taken, new, old), onward, shorter)

    numbers = tuple(start)
    unknown = tuple(jnp.full_like(number, jnp.inf) for number in numbers)
    nowhere = tuple(jnp.zeros_like(number) for number in numbers)
    first = _Search(jnp.zeros((), jnp.int32), numbers, unknown, nowhere, jnp.ones((), start.dtype))
    last = jax.lax.while_loop(lambda now: (now.i < iterations) & ~found(now), iterate, first)
    root = jnp.stack([a - b for a, b in zip(last.x, last.step, strict=True)])
    return jnp.where(found(last), root, start), found(last)


def _implicit(function: Residual, root: Vector, found: Bool[Array, ""], arguments: Any) -> Vector:
    """The root, with the derivative of the implicit function; where it was not found, none."""

    @jax.custom_jvp
    def attached(root: Vector, found: Bool[Array, ""], arguments: Any) -> Vector:
        return root

    @attached.defjvp
    def _jvp(primals: tuple, tangents: tuple) -> tuple:
        root, found, arguments = primals
        _, rows = _rows(lambda x: function(x, arguments), tuple(root))
        # where f or J is not finite, zero times it must not enter either mode
        rows = [
            [jnp.where(found, a, jnp.full_like(a, i == j)) for j, a in enumerate(row)] for i, row in enumerate(rows)
        ]
        moved = jax.tree.map(
            lambda x, dx: jnp.where(found, dx, jnp.zeros_like(dx)) if eqx.is_inexact_array(x) else dx,
            arguments,
            tangents[2],
        )
        change = jax.jvp(lambda arguments: function(root, arguments), (arguments,), (moved,))[1]
        right = tuple(jnp.where(found, change, jnp.zeros_like(change)))
        return root, -jnp.stack(_linear_solve(rows, right))

    return attached(root, found, arguments)


def _linear_solve(rows: list[list[Array]], right: Numbers) -> Numbers:
    """The solution as a linear function of the right-hand side, in both modes."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return jax.lax.custom_linear_solve(
        lambda x: _product(rows, x),
        right,
        solve=lambda _, b: _solved(rows, b),
        transpose_solve=lambda _, b: _solved(columns, b),
    )


def _product(rows: list[list[Array]], x: Numbers) -> Numbers:
    terms = [[a * b for a, b in zip(row, x, strict=True)] for row in rows]
    return tuple(sum(rest, first) for first, *rest in terms)


def _rows(function: Callable[[Vector], Vector], x: Numbers) -> tuple[Numbers, list[list[Array]]]:
    """f(x), and its Jacobian, number by number."""
    value, push = jax.linearize(lambda *x: tuple(function(jnp.stack(x))), *x)
    ones = [tuple(jnp.ones_like(a) if i == k else jnp.zeros_like(a) for i, a in enumerate(x)) for k in range(len(x))]
    columns = [push(*one) for one in ones]
    return value, [[column[i] for column in columns] for i in range(len(x))]


def _largest(numbers: Numbers) -> Float[Array, ""]:
    return functools.reduce(jnp.maximum, [jnp.abs(number) for number in numbers])


def solve(matrix: Matrix, right: Vector) -> Vector:
    """The x with matrix·x = right; not finite where the matrix is singular. Has no derivative.

    Elimination with partial pivoting, written out number by number: thousands of systems side by side are one
    elementwise program, several times faster than a library that takes them one by one.
    """
    return jnp.stack(_solved([list(row) for row in matrix], tuple(right)))


def _solved(matrix: list[list[Array]], right: Numbers) -> Numbers:
    n = len(right)
    if n > UNROLLED:
        return tuple(jnp.linalg.solve(jnp.stack([jnp.stack(row) for row in matrix]), jnp.stack(right)))
    rows = [[*row, number] for row, number in zip(matrix, right, strict=True)]
    for k in range(n):
        for i in range(k + 1, n):
            rows[k], rows[i] = _larger_first(rows[k], rows[i], k)
        for i in range(k + 1, n):
            share = rows[i][k] / rows[k][k]
            rows[i] = [
                *rows[i][: k + 1],
                *(a - share * b for a, b in zip(rows[i][k + 1 :], rows[k][k + 1 :], strict=True)),
            ]
    x: list[Array] = []  # from the last to the first
    for i in reversed(range(n)):
        known = zip(reversed(rows[i][i + 1 : n]), x, strict=True)
        x.append((rows[i][n] - sum((a * b for a, b in known), jnp.zeros_like(right[i]))) / rows[i][i])
    return tuple(x[::-1])


def _larger_first(upper: list[Array], lower: list[Array], k: int) -> tuple[list[Array], list[Array]]:
    """Two rows, the one with the larger number in column k first; what is left of k has been eliminated."""
    swap = jnp.abs(lower[k]) > jnp.abs(upper[k])
    pairs = list(zip(upper[k:], lower[k:], strict=True))
    first = [jnp.where(swap, b, a) for a, b in pairs]
    second = [jnp.where(swap, a, b) for a, b in pairs]
    return [*upper[:k], *first], [*lower[:k], *second]
