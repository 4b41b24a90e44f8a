"""Muskingum routing through one reach, in a form that keeps its water whatever the coefficients do.

    V' = V + Δt·(I − Q)                          the water in the reach
    X·I + (1 − X)·Q = Φ(V')                      solved for the outflow Q

| symbol | name | unit |
|---|---|---|
| V, V' | water in the reach before and after the step | m³ |
| I, Q | inflow and outflow, means over the step | m³ s⁻¹ |
| Φ | discharge of uniform flow that holds V in the reach (its rating) | m³ s⁻¹ |
| X | weight of the inflow | 1 |
| Δt, L | step, length of the reach | s, m |
| c, B, S | celerity L·Φ'(V), top width, bed slope | m s⁻¹, m, 1 |

With Φ = V/K and X = X₀ + Δt/(2K) this is the textbook's Muskingum, coefficient by coefficient. Where K and X vary
with the flow, the textbook's form makes or loses water (Todini 2007), as its storage is a by-product of coefficients;
here the storage is the state, and in steady flow it is L times the wetted area, as it must be.

The weight makes the scheme's dispersion that of a diffusive wave, c·L·(½ − X) + c²Δt/2 = Q/(2BS) (Cunge 1969):

    X = ½·(1 + C − R),    C = c·Δt/L,    R = Q/(B·S·c·L),      at most C and at most `HIGHEST`

The limits keep every outflow positive: where C < 1 − R the scheme is the explicit upwind one, and flood waves disperse
by what the grid cannot resolve.

References: Cunge (1969) On the subject of a flood propagation computation method, doi:10.1080/00221686909500264;
Todini (2007) A mass conservative and water storage consistent variable parameter Muskingum–Cunge approach,
doi:10.5194/hess-11-1645-2007.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import at_most, minimum, positive_part

Scalar = Float[Array, ""]
Rating = Callable[[Scalar, Any], Scalar]
HIGHEST = 0.95


def weight(courant: Scalar, dispersion: Scalar) -> Scalar:
    """The weight X of the inflow, from C = c·Δt/L and R = Q/(B·S·c·L)."""
    matched = (1 + courant - dispersion) / 2
    return at_most(at_most(matched, courant), jnp.full_like(matched, HIGHEST))


def slope_of(rating: Rating, volume: Scalar, given: Any) -> tuple[Scalar, Scalar]:
    """Φ(V) and Φ'(V) [s⁻¹]."""
    return jax.jvp(lambda v: rating(v, given), (volume,), (jnp.ones_like(volume),))


def outflow(
    rating: Rating, given: Any, volume: Scalar, inflow: Scalar, weight: Scalar, dt: Scalar, iterations: int = 4
) -> Scalar:
    """The outflow Q [m³ s⁻¹] of a reach that holds `volume` and receives `inflow`; never more than there is.

    Newton's method for any rising `rating(volume, given)`; its derivative is that of the implicit function, one
    iteration's worth, however many there were.
    """

    def improved(discharge: Scalar, known: tuple) -> Scalar:
        given, volume, inflow, weight, dt = known
        held, rise = slope_of(rating, volume + dt * (inflow - discharge), given)
        excess = held - weight * inflow - (1 - weight) * discharge
        return discharge + excess / jax.lax.stop_gradient(1 - weight + dt * rise)

    variable = (given, volume, inflow, weight, dt)
    still = jax.tree.map(lambda x: jax.lax.stop_gradient(x) if eqx.is_inexact_array(x) else x, variable)

    def iterate(_: Array, discharge: Scalar) -> Scalar:
        return jnp.clip(improved(discharge, still), 0, still[1] / still[4] + still[2])

    found = jax.lax.fori_loop(0, iterations - 1, iterate, _first_guess(rating, *still))
    return minimum(positive_part(improved(found, variable)), volume / dt + inflow)


def _first_guess(rating: Rating, given: Any, volume: Scalar, inflow: Scalar, weight: Scalar, dt: Scalar) -> Scalar:
    """The outflow if Φ(V) were proportional to V^{5/3} below the most that the reach can come to hold, roughly."""
    share = (1 - weight) / dt
    most = volume + inflow / share
    kept = most * jnp.exp(-0.6 * jnp.log1p(rating(most, given) / (share * most + 1e-30)))
    return jnp.clip((volume - kept) / dt + inflow, 0, volume / dt + inflow)
