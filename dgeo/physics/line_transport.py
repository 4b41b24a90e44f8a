"""Advection and dispersion along a line of equal cells, in finite volumes.

    ∂C/∂t = −v·∂C/∂x + D·∂²C/∂x²

| symbol | name | unit |
|---|---|---|
| C | concentration or temperature | any |
| v, D | velocity (≥ 0), dispersion; both over the retardation, if there is any | m s⁻¹, m² s⁻¹ |
| Δx, Δt | length of a cell, of a step | m, s |

Advection is upwind with van Leer's limiter, of second order in space and time at Courant numbers v·Δt/Δx ≤ 1. Beyond 1
a share 1 − Δx/(v·Δt) of it is taken implicitly and without the limiter: of first order, but stable and without
overshoot at any step. Dispersion is Crank–Nicolson's where that is free of overshoot (D·Δt/Δx² ≤ 1), and gradually more
implicit beyond. The line begins at a given C and ends where nothing disperses on.

Both return what flowed in and out in units of C·Δx, by which the cells changed: mass is kept to rounding.

Reference: LeVeque (2002) Finite Volume Methods for Hyperbolic Problems, chapter 6, doi:10.1017/CBO9780511791253.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import at_least

Line = Float[Array, " cell"]
Scalar = Float[Array, ""]


def advected(c: Line, inflow: Scalar, courant: Scalar) -> tuple[Line, Scalar, Scalar]:
    """C after a step of advection with `inflow` (C) at the head, what flowed in and what flowed out."""
    implicit = 1 - 1 / at_least(courant, jnp.ones_like(courant))
    explicit = (1 - implicit) * courant
    around = jnp.concatenate([2 * inflow - c[:1], c, c[-1:]])  # the head is half a cell before the first middle
    slope = limited(around[1:-1] - around[:-2], around[2:] - around[1:-1])
    leaving = explicit * (c + (1 - explicit) / 2 * slope)
    entering = jnp.concatenate([(courant * inflow)[None], leaving[:-1]])
    below = -implicit * courant
    on = jnp.full_like(c, 1 + implicit * courant)
    diagonal = jnp.full_like(c, below).at[0].set(0)
    after = _solved(diagonal, on, jnp.zeros_like(c), c + entering - leaving)
    return after, courant * inflow, leaving[-1] + implicit * courant * after[-1]


def dispersed(c: Line, inflow: Scalar, number: Scalar) -> tuple[Line, Scalar]:
    """C after a step of dispersion with D·Δt/Δx² = `number`, and what dispersed in at the head."""
    implicit = 1 - 1 / (2 * at_least(number, jnp.ones_like(number)))

    def exchanged(c: Line) -> Line:
        """Through the head of every cell, in units of `number`; the line's own is half a cell away."""
        return jnp.concatenate([2 * (inflow - c[:1]), c[:-1] - c[1:]])

    before = exchanged(c)
    gained = number * (1 - implicit) * (before - jnp.append(before[1:], 0.0))
    neighbour = implicit * number
    on = jnp.full_like(c, 1 + 2 * neighbour).at[0].add(neighbour).at[-1].add(-neighbour)
    off = jnp.full_like(c, -neighbour)
    right = (c + gained).at[0].add(2 * neighbour * inflow)
    after = _solved(off.at[0].set(0), on, off.at[-1].set(0), right)
    entered = number * ((1 - implicit) * before[0] + implicit * exchanged(after)[0])
    return after, entered


def limited(left: Line, right: Line) -> Line:
    """Van Leer's slope of two differences: their harmonic mean, and 0 at an extremum."""
    same = left * right > 0
    total = jnp.where(same, left + right, jnp.ones_like(left))
    return jnp.where(same, 2 * left * right / total, jnp.zeros_like(left))


def _solved(below: Line, on: Line, above: Line, right: Line) -> Line:
    if right.size == 1:
        return right / on
    return jax.lax.linalg.tridiagonal_solve(below, on, above, right[:, None])[:, 0]
