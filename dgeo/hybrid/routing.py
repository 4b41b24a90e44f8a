"""From runoff to streamflow: the unit hydrograph as a link of the chain, with its memory carried."""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from dgeo.models import Parameter, Values
from dgeo.numerics import Bounds
from dgeo.physics import unit_hydrograph


class GammaRouting(eqx.Module):
    """Streamflow = runoff convolved with a gamma unit hydrograph of `days` days."""

    days: int = eqx.field(static=True, default=15)

    parameters: ClassVar[dict[str, Parameter]] = {
        "routing_shape": Parameter("1", "shape of the unit hydrograph, less 0.1", Bounds(0.0, 2.9), 1.0),
        "routing_scale": Parameter("d", "scale of the unit hydrograph, less 0.5", Bounds(0.0, 6.5), 1.0),
    }

    def weights(self, parameters: Values, dt: float) -> Float[Array, "lag site"]:
        """The unit hydrograph of every site, in steps of `dt` days."""
        shape, scale = parameters["routing_shape"], parameters["routing_scale"]
        return unit_hydrograph.gamma_weights(shape, scale, self.steps(dt), dt)

    def steps(self, dt: float) -> int:
        """The length of the unit hydrograph in steps of `dt` days."""
        return max(round(self.days / dt), 1)

    def __call__(
        self,
        runoff: Float[Array, "time site"],
        parameters: Values,
        tail: Float[Array, "past site"],
        dt: float = 1.0,
    ) -> tuple[Float[Array, "time site"], Float[Array, "past site"]]:
        """Streamflow, and the past runoff that is still under way."""
        return unit_hydrograph.convolve(runoff, self.weights(parameters, dt), tail)

    def stored(self, parameters: Values, tail: Float[Array, "past site"], dt: float = 1.0) -> Float[Array, " site"]:
        """Water under way to the gauge [mm]."""
        return unit_hydrograph.stored(tail, self.weights(parameters, dt)) * dt
