"""The root of one rising function of one number, found within a bracket, with the gradient of the implicit function.

    f(x) < 0 below the root, f(x) > 0 above it         low < x < high

Newton's method where its step stays in the bracket and at least halves the one before, bisection elsewhere: it cannot
leave the bracket, and kinks, flat pieces and touched zeros only cost iterations. The derivative of the root is that of
the implicit function, dx = −(∂f/∂a)·da/(∂f/∂x), in both modes and of any order; where f is flat at the root, none.

Reference: Press et al. (2007) Numerical Recipes, 3rd ed., section 9.4 (the safeguard).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

Scalar = Float[Array, ""]

ITERATIONS = 120  # bisection of any bracket in float64 takes 53 halvings; a Newton step before each, twice as many
ROUNDINGS = 4  # a step of so many roundings of x is none


class _Search(NamedTuple):
    """The bracket, the point in it, and how far the last step went."""

    i: Int[Array, ""]
    low: Scalar
    high: Scalar
    x: Scalar
    moved: Scalar
    found: Bool[Array, ""]


def bracketed_root(function: Callable[[Scalar], Scalar], low: Scalar, high: Scalar, start: Scalar) -> Scalar:
    """The x in (low, high) at which `function` turns from negative to positive, to a few roundings of it.

    Differentiable in whatever the function captures; low, high and start have no derivative. Where it never turns, the
    end of the bracket towards which its sign points; NaN of the function gives NaN.
    """
    low, high, start = jax.lax.stop_gradient((low, high, start))

    def solve(function: Callable[[Scalar], Scalar], start: Scalar) -> Scalar:
        return _searched(function, low, high, start)

    def tangent_solve(slope: Callable[[Scalar], Scalar], right: Scalar) -> Scalar:
        steep = slope(jnp.ones_like(right))
        flat = steep == 0
        return jnp.where(flat, jnp.zeros_like(right), right / jnp.where(flat, jnp.ones_like(steep), steep))

    return jax.lax.custom_root(function, start, solve, tangent_solve)


def _searched(function: Callable[[Scalar], Scalar], low: Scalar, high: Scalar, start: Scalar) -> Scalar:
    rounding = ROUNDINGS * float(np.finfo(start.dtype).eps)

    def iterate(now: _Search) -> _Search:
        value, slope = jax.jvp(function, (now.x,), (jnp.ones_like(now.x),))
        low, high = jnp.where(value < 0, now.x, now.low), jnp.where(value < 0, now.high, now.x)
        step = -value / jnp.where(slope == 0, jnp.ones_like(slope), slope)
        newton = (slope > 0) & (now.x + step > low) & (now.x + step < high) & (2 * jnp.abs(step) <= now.moved)
        x = jnp.where(newton, now.x + step, (low + high) / 2)
        x = jnp.where(jnp.isnan(value), value, x)
        moved = jnp.abs(x - now.x)
        found = (value == 0) | ~(moved > rounding * jnp.maximum(jnp.abs(x), rounding))
        return _Search(now.i + 1, low, high, jnp.where(value == 0, now.x, x), moved, found)

    begin = _Search(jnp.zeros((), jnp.int32), low, high, start, high - low, jnp.asarray(False))
    return jax.lax.while_loop(lambda now: ~now.found & (now.i < ITERATIONS), iterate, begin).x
