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

Both return by how much C changed and what flowed in and out in units of C·Δx. The change itself is solved for, from
differences of C, so that single precision has all its digits for what hardly moves: mass is kept to their rounding.

Reference: LeVeque (2002) Finite Volume Methods for Hyperbolic Problems, chapter 6, doi:10.1017/CBO9780511791253.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import at_least

Line = Float[Array, " cell"]
Scalar = Float[Array, ""]


def advected(c: Line, inflow: Scalar, courant: Scalar) -> tuple[Line, Scalar, Scalar]:
    """The change of C by a step of advection with `inflow` (C) at the head, what flowed in and what flowed out."""
    implicit = 1 - 1 / at_least(courant, jnp.ones_like(courant))
    explicit, later = (1 - implicit) * courant, implicit * courant
    around = jnp.concatenate([2 * inflow - c[:1], c, c[-1:]])  # the head is half a cell before the first middle
    slope = limited(around[1:-1] - around[:-2], around[2:] - around[1:-1])
    leaving = explicit * (c + (1 - explicit) / 2 * slope)
    entering = jnp.concatenate([(explicit * inflow)[None], leaving[:-1]])
    upstream = jnp.concatenate([inflow[None], c[:-1]])
    gained = entering - leaving + later * (upstream - c)
    below, on = jnp.full_like(c, -later).at[0].set(0), jnp.full_like(c, 1 + later)
    change = _solved(below, on, jnp.zeros_like(c), gained)
    return change, courant * inflow, leaving[-1] + later * (c[-1] + change[-1])


def dispersed(c: Line, inflow: Scalar, number: Scalar) -> tuple[Line, Scalar]:
    """The change of C by a step of dispersion with D·Δt/Δx² = `number`, and what dispersed in at the head."""
    implicit = 1 - 1 / (2 * at_least(number, jnp.ones_like(number)))
    through = jnp.concatenate([2 * (inflow - c[:1]), c[:-1] - c[1:]])  # the heads; the line's own is half a cell away
    neighbour = implicit * number
    on = jnp.full_like(c, 1 + 2 * neighbour).at[0].add(neighbour).at[-1].add(-neighbour)
    off = jnp.full_like(c, -neighbour)
    gained = number * (through - jnp.append(through[1:], 0.0))
    change = _solved(off.at[0].set(0), on, off.at[-1].set(0), gained)
    return change, number * (through[0] - 2 * implicit * change[0])


def limited(left: Line, right: Line) -> Line:
    """Van Leer's slope of two differences: their harmonic mean, and 0 at an extremum."""
    same = left * right > 0
    total = jnp.where(same, left + right, jnp.ones_like(left))
    return jnp.where(same, 2 * left * right / total, jnp.zeros_like(left))


def _solved(below: Line, on: Line, above: Line, right: Line) -> Line:
    if right.size == 1:
        return right / on
    return jax.lax.linalg.tridiagonal_solve(below, on, above, right[:, None])[:, 0]
