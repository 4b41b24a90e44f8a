"""What data say about a law: the spectrum of the misfit's Hessian over the values that the law may take.

The logarithm of the law is moved at some knots of its one argument, and in between linearly. With S the sensitivities
of what is observed over its error, SᵀS is the Hessian of the misfit (Gauss and Newton's part of it, which is all of it
at a perfect fit). The root of an eigenvalue counts how many errors the data move when that pattern of the logarithm
moves by 1, so 1/√λ is the standard deviation that the data alone leave to it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dgeo.models import Law


class Moved(eqx.Module):
    """A law of one argument, times e^{Σ cᵢ·hatᵢ}."""

    law: Law
    argument: str = eqx.field(static=True)
    knots: jax.Array
    moves: jax.Array

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.law.inputs, self.argument)))

    def __call__(self, values: Mapping[str, jax.Array]) -> jax.Array:
        return self.law(values) * jnp.exp(jnp.interp(values[self.argument], self.knots, self.moves))


def of_law(
    observed: Callable[[Law], jax.Array], law: Law, argument: str, knots: np.ndarray, error: float
) -> dict[str, Any]:
    """The spectrum at a law, of its logarithm at the knots."""
    at = jnp.asarray(knots, jnp.float32)
    found = of_numbers(lambda moves: observed(Moved(law, argument, at, moves)), jnp.zeros_like(at), error)
    return {"knots": [float(x) for x in knots], **found}


def of_numbers(observed: Callable[[jax.Array], jax.Array], numbers: jax.Array, error: float) -> dict[str, Any]:
    """Eigenvalues of the Hessian, largest first, with the best and the least known pattern of the numbers."""
    slopes = np.asarray(jax.jit(jax.jacfwd(observed))(numbers), np.float64).reshape(-1, numbers.size) / error
    values, patterns = np.linalg.eigh(slopes.T @ slopes)
    values, patterns = np.maximum(values[::-1], 0.0), patterns[:, ::-1]
    return {
        "eigenvalues": [float(f"{x:.4g}") for x in values],
        "known_within_a_tenth": int(np.sum(values > 100)),
        "best_known": np.round(patterns[:, 0], 3).tolist(),
        "least_known": np.round(patterns[:, -1], 3).tolist(),
        "errors_moved_by_each_alone": [float(f"{x:.4g}") for x in np.linalg.norm(slopes, axis=0)],
    }
