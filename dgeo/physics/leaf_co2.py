"""The CO2 within a leaf: what photosynthesis draws down and stomata let in.

    A(C) = gs(A)/1.6 · (Ca − C)        solved for C [µmol mol⁻¹]

A rises with C; gs is any law of A. f(C) = A − gs/1.6·(Ca − C) is negative at C = 0, where nothing can be fixed, and
turns positive once: the root is bracketed, above by what the leaf can breathe out. In light it lies below Ca; in the
dark the leaf breathes out and it lies above.
Without residual conductance f is zero at two places, of which the open one, where it turns its sign, is the solution:
with Medlyn's law C = Ca·g1/(g1 + √D).
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import at_least, positive_part
from dgeo.numerics.bracket import bracketed_root
from dgeo.physics.stomata import VAPOUR_TO_CO2

Scalar = Float[Array, ""]

SMALLEST_CONDUCTANCE = 1e-4  # [mol m-2 s-1] through the cuticle: a leaf that breathes in the dark is never sealed


def intercellular_co2(
    assimilation: Callable[[Scalar], Scalar], conductance: Callable[[Scalar], Scalar], carbon_dioxide: Scalar
) -> tuple[Scalar, Scalar, Scalar]:
    """CO2 in the leaf [µmol mol-1], net assimilation [µmol m-2 s-1] and conductance for vapour [mol m-2 s-1].

    `assimilation` maps CO2 in the leaf to A, `conductance` maps A to gs; no less than 1e-4 counts. Differentiable in
    all that both capture, whatever they are.
    """

    def opened(net: Scalar) -> Scalar:
        return at_least(conductance(net), jnp.full_like(net, SMALLEST_CONDUCTANCE))

    def excess(carbon: Scalar) -> Scalar:
        net = assimilation(carbon)
        return net - opened(net) / VAPOUR_TO_CO2 * (carbon_dioxide - carbon)

    empty = jnp.zeros_like(carbon_dioxide)
    # no leaf breathes out more than one without CO2, through stomata that are open no less than this
    most = carbon_dioxide + VAPOUR_TO_CO2 / SMALLEST_CONDUCTANCE * positive_part(-assimilation(empty))
    inside = bracketed_root(excess, empty, most, 0.8 * carbon_dioxide)
    net = assimilation(inside)
    return inside, net, opened(net)
