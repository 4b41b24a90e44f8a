"""The weighted mean over a site's components, which a loop may take within itself."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.models import Values


class ComponentMean(eqx.Module):
    """Σ_m weight_m·output_m of every output of some days: a `reduce` of `simulate`. `weights` add up to 1.

    Days are reduced one by one and in one order of the components, so the bits are the same wherever a series was cut.
    """

    weights: Float[Array, "site component"]

    def __call__(self, outputs: Values) -> Values:
        """{name: [time, site, component]} → {name: [time, site]}."""
        return {name: self._mean(values) for name, values in outputs.items()}

    def _mean(self, series: Float[Array, "time site component"]) -> Float[Array, "time site"]:
        @jax.checkpoint
        def add(total: Array, part: tuple[Array, Array]) -> tuple[Array, None]:
            values, weight = part
            return total + jax.lax.optimization_barrier(values * weight[None]), None  # rounded, and then added

        parts = (jnp.moveaxis(series, -1, 0), jnp.moveaxis(self.weights, -1, 0))
        return jax.lax.scan(add, jnp.zeros_like(series[..., 0]), parts)[0]
