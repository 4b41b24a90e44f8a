"""x' = NN(x, a): several forcing products fused into one, and forcings corrected, before networks and physics see them.

    fusion         x'_t = Σ_i w_i x_{i,t}     w = softmax(NN(a, x_t)),   so w ≥ 0 and Σ_i w_i = 1
    correction     P'_t = f·P_t               f = bounds(NN(a, x_t)),    so a dry day stays dry
                   T'_t = T_t + d             d = bounds(NN(a, x_t))

The networks read attributes a, and where asked the forcings x_t of the same day, as they were given. Nothing is
remembered, so there is no carry, and nothing looks into the future. A fresh network gives equal weights, a factor of
1 and an offset of 0.

A gap (NaN) in a product is a gap in the fused forcing.
"""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.errors import DgeoError, nearest
from dgeo.hybrid.inputs import Inputs
from dgeo.models import Values
from dgeo.nn import Standardise
from dgeo.numerics import Bounds

NEUTRAL = {"multiplicative": 1.0, "additive": 0.0}


class ForcingNetwork(eqx.Module):
    """MLP(attributes, forcings of the day) → one row of numbers for each day and site.

    Without forcings the row is the same on all days, and is worked out once: the time axis then has length 1.
    """

    attributes: Standardise
    forcings: Standardise | None
    network: eqx.nn.MLP

    def __call__(self, forcing: Values, attributes: Values) -> Float[Array, "day site column"]:
        """The rows; `day` is 1 for a network of attributes alone."""
        site = self.attributes(attributes)[None]
        if self.forcings is None:
            return jax.vmap(jax.vmap(self.network))(site)
        _require(forcing, self.forcings.names, "reads")
        day = self.forcings(forcing)
        features = jnp.concatenate([day, jnp.broadcast_to(site, (*day.shape[:-1], site.shape[-1]))], axis=-1)
        return jax.vmap(jax.vmap(self.network))(features)


class Fusion(eqx.Module):
    """Several products of one variable → their weighted mean, whose weights are learned."""

    products: tuple[str, ...] = eqx.field(static=True)
    network: ForcingNetwork

    def weights(self, forcing: Values, attributes: Values) -> Float[Array, "day site product"]:
        """The share of each product; Σ = 1."""
        return jax.nn.softmax(self.network(forcing, attributes), axis=-1)

    def __call__(self, forcing: Values, attributes: Values) -> Float[Array, "time site"]:
        """The fused variable. Raises `DgeoError` where a product is missing."""
        _require(forcing, self.products, "fuses")
        weights = self.weights(forcing, attributes)
        # Rounded before they are summed, so that the sum is the same wherever a series was cut.
        parts = [jax.lax.optimization_barrier(weights[..., i] * forcing[name]) for i, name in enumerate(self.products)]
        return sum(parts[1:], start=parts[0])


class Correction(eqx.Module):
    """A forcing times a factor, or plus an offset, within bounds; the variable itself says which days are dry."""

    kind: Literal["multiplicative", "additive"] = eqx.field(static=True)
    bounds: Bounds
    network: ForcingNetwork

    def factor(self, forcing: Values, attributes: Values) -> Float[Array, "day site"]:
        """The factor [1], or the offset in the unit of the variable."""
        return self.bounds.from_unbounded(self.network(forcing, attributes)[..., 0])

    def __call__(
        self, series: Float[Array, "time site"], forcing: Values, attributes: Values
    ) -> Float[Array, "time site"]:
        """The corrected `series`; the network reads `forcing`, as it was given."""
        factor = self.factor(forcing, attributes)
        return series * factor if self.kind == "multiplicative" else series + factor


class ForcingCorrection(eqx.Module):
    """All that is done to forcings before the model: first the fusions, then the corrections, by variable.

    A variable that is fused need not be among the forcings given, a variable that is only corrected must be.
    """

    fusions: dict[str, Fusion]
    corrections: dict[str, Correction]

    def __call__(self, forcing: Values, attributes: Values) -> Values:
        """Forcings [time, site] and attributes [site] → the forcings, with the variables fused and corrected.

        Raises `DgeoError` where a product, or a forcing to correct, is missing.
        """
        given = dict(forcing)
        result = given | {name: fusion(given, attributes) for name, fusion in self.fusions.items()}
        _require(result, tuple(self.corrections), "corrects")
        return result | {
            name: correction(result[name], given, attributes) for name, correction in self.corrections.items()
        }

    def weights(self, inputs: Inputs) -> dict[str, Float[Array, "day site product"]]:
        """{fused variable: the weight of each product}, in the order of `fusions[variable].products`.

        `day` is 1 where the weights do not change in time.
        """
        return {name: fusion.weights(inputs.forcing, inputs.attributes) for name, fusion in self.fusions.items()}

    def factors(self, inputs: Inputs) -> dict[str, Float[Array, "day site"]]:
        """{corrected variable: its factor, or its offset}; `day` is 1 where they do not change in time."""
        return {name: part.factor(inputs.forcing, inputs.attributes) for name, part in self.corrections.items()}


def _require(forcing: Values, names: tuple[str, ...], verb: str) -> None:
    for name in names:
        if name not in forcing:
            raise DgeoError(f"The forcings lack {name!r}, which the forcing section {verb}; {nearest(name, forcing)}")
