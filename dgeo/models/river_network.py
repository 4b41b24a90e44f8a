"""What river networks share, however their water moves: reaches, laws, parameters and the budget.

All reaches are one site; forcings, parameters, states and fluxes are arrays [reach]. Time is counted in seconds.
"""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.models.law import Formula, Slot, Values
from dgeo.models.model import Budget, Model, Parameter, Scalar, Variable
from dgeo.models.reaches import Reaches
from dgeo.numerics import Bounds, Limits

Reach = Float[Array, " reach"]


def given_roughness(manning_roughness: Scalar) -> Scalar:
    """The parameter as it is [s m^{−1/3}]."""
    return manning_roughness


def linear_release(volume: Scalar, residence_time: Scalar) -> Scalar:
    """V/k [m³ s⁻¹] of V [m³] and k [s]."""
    return volume / residence_time


class RiverNetwork(Model):
    """Reaches with channels of trapezoidal section, some of which are reservoirs.

    Slots, each a law of one reach: `roughness`, and `release` of reservoirs; both may read the `depth` [m].
    A withdrawal (negative lateral inflow) takes no more than is there.
    """

    reaches: Reaches

    slots: ClassVar = {
        "roughness": Slot(
            Formula(given_roughness), "s m-1/3", "Manning's roughness", Limits(0.005, 1.0), offers=("depth",)
        ),
        "release": Slot(
            Formula(linear_release), "m3 s-1", "outflow of a reservoir", Limits(0.0, scale=10.0), offers=("depth",)
        ),
    }
    forcings: ClassVar = {"lateral_inflow": Variable("m3 s-1", "runoff into the reach along its banks", 1.0)}
    states: ClassVar = {"volume": Variable("m3", "water in the reach", 1e5)}
    budget: ClassVar = Budget({"inflow": (None, "volume"), "outflow": ("volume", None)})
    fluxes: ClassVar = {
        "inflow": Variable("m3 s-1", "lateral inflow, less what could not be withdrawn", 1.0),
        "outflow": Variable("m3 s-1", "what leaves the network, 0 inside it", 10.0),
        "discharge": Variable("m3 s-1", "what flows out of the reach", 10.0),
    }
    step_parameters: ClassVar = ("bottom_width", "side_slope")

    @property
    def all_parameters(self) -> dict[str, Parameter]:
        """Of channels, and of reservoirs where there are any."""
        channels = {
            "manning_roughness": Parameter("s m-1/3", "Manning's n", Bounds(0.01, 0.3, "logarithmic"), 0.035),
            "bottom_width": Parameter("m", "width of the bed", Bounds(0.5, 500.0, "logarithmic"), 20.0),
            "side_slope": Parameter("1", "run of the banks over their rise", Bounds(0.0, 5.0), 1.0),
        }
        if not self.reaches.has_reservoirs:
            return channels
        residence = Parameter("s", "residence time of a reservoir", Bounds(3.6e3, 3.2e7, "logarithmic"), 8.64e5)
        return {**channels, "residence_time": residence}

    @property
    def present_laws(self) -> dict:
        """Without reservoirs nothing is released."""
        laws = super().present_laws
        return laws if self.reaches.has_reservoirs else {"roughness": laws["roughness"]}

    def initial_state(self) -> Values:
        """Dry reaches."""
        return {"volume": jnp.zeros_like(self.reaches.length)}
