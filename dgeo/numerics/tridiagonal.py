"""Newton's method where every unknown meets only its two neighbours.

    J(x)·δ = f(x, a),   x ← x − δ        J = ∂f/∂x, tridiagonal

J comes from three forward derivatives: no row meets two columns of the same third, so one derivative along
(1, 0, 0, 1, 0, 0, …) shows a third of the columns at once. The derivative of the root is that of the implicit function,
dx = −J⁻¹·(∂f/∂a)·da: one more solve, in both modes, however many iterations it took.

Reference: Curtis, Powell & Reid (1974) On the estimation of sparse Jacobian matrices, doi:10.1093/imamat/13.1.117.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

Column = Float[Array, " z"]
Residual = Callable[[Column, Any], Column]
FIRMER = 1.01  # times the main diagonal of a system that is singular on the way, as a column at saturation may be
ROUNDINGS = 100  # a residual of so many roundings of 1 is none


class _Search(NamedTuple):
    """Where the search stands, the last step to it and its share of the largest, and max|f| before that step."""

    i: Int[Array, ""]
    x: Column
    step: Column
    share: Float[Array, ""]
    residual: Float[Array, ""]


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
    function: Residual,
    start: Column,
    arguments: Any,
    *,
    iterations: int,
    largest_change: float = jnp.inf,
    smallest_size: float = 1.0,
    tolerance: float = 0.0,
) -> Column:
    """The x with f(x, arguments) = 0; differentiable in `arguments`, in both modes.

    Stops where max|f| has fallen to `tolerance`, or to a hundred roundings of 1 if that is more; without one, after
    `iterations`, which it never exceeds; the step from there is still taken. Where f bends sharply Newton overshoots:
    no iteration moves an unknown by more than `largest_change`·(`smallest_size` + |x|), and by half of that each time
    that it turns back. Values and derivatives are right where the iteration has converged; where it runs into numbers
    that are none, or into a singular system, `start` is all that comes out.
    """
    arrays, static = eqx.partition(arguments, eqx.is_array)
    start, known = jax.lax.stop_gradient((start, arrays))

    def residual(x: Column, arrays: Any) -> Column:
        return function(x, eqx.combine(arrays, static))

    limits = (largest_change, smallest_size, max(tolerance, ROUNDINGS * float(np.finfo(start.dtype).eps)))
    root = _searched(lambda x: residual(x, known), start, iterations, *(limits if tolerance else (*limits[:2], 0.0)))
    value, diagonals = tridiagonal_jacobian(lambda x: residual(x, known), root)
    solvable = jnp.all(jnp.isfinite(_solve(diagonals, value)))
    identity = jnp.zeros_like(diagonals).at[1].set(1)
    step = _solve(jnp.where(solvable, diagonals, identity), residual(root, arrays))
    return jnp.where(solvable, root - step, start)


def _searched(
    function: Callable[[Column], Column],
    start: Column,
    iterations: int,
    largest_change: float,
    smallest_size: float,
    tolerance: float,
) -> Column:
    def onward(now: _Search) -> Bool[Array, ""]:
        return (now.i < iterations) & ~(now.residual <= tolerance)

    def iterate(now: _Search) -> _Search:
        value, diagonals = tridiagonal_jacobian(function, now.x)
        step = _solve(diagonals, value)
        firm = _solve(diagonals.at[1].multiply(FIRMER), value)
        step = jnp.where(jnp.all(jnp.isfinite(step)), step, firm)
        share = jnp.where(jnp.sum(step * now.step) < 0, now.share / 2, jnp.minimum(1.5 * now.share, 1))
        limit = share * largest_change * (smallest_size + jnp.abs(now.x))
        step = jnp.clip(step, -limit, limit)
        return _Search(now.i + 1, now.x - step, step, share, jnp.max(jnp.abs(value)))

    one, unknown = jnp.ones((), start.dtype), jnp.asarray(jnp.inf, start.dtype)
    first = _Search(jnp.zeros((), jnp.int32), start, jnp.zeros_like(start), one, unknown)
    root = jax.lax.while_loop(onward, iterate, first).x
    return jnp.where(jnp.all(jnp.isfinite(root)), root, start)


def _solve(diagonals: Float[Array, "3 z"], right: Column) -> Column:
    below, on, above = diagonals
    return jax.lax.linalg.tridiagonal_solve(below, on, above, right[:, None])[:, 0]
