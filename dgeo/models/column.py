"""What columns of soil share: their layers, and laws that are evaluated at many points of one site at once.

    surface      ●  ─┬─ half of the first layer
    layer 1      ●  ─┴─┬─
    layer 2      ●     │  from centre to centre
    …                  │
    bottom       ●  ───┴─ half of the last layer

Points are counted from the surface down, [z + 2] with the surface and the bottom; faces lie between them, [z + 1].
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dgeo.errors import DgeoError
from dgeo.models.law import Joint, Law, Values
from dgeo.numerics import Frozen


class Layers(Frozen):
    """The thickness of every layer [z], m, from the top down; `Layers.even` makes equal ones.

    Raises `DgeoError` for a layer that is no thicker than nothing.
    """

    thickness: Float[Array, " z"]

    @classmethod
    def even(cls, depth: float, number: int) -> "Layers":
        """`number` layers of equal thickness, `depth` m in all."""
        return cls(jnp.full(number, depth / number))

    def __check_init__(self) -> None:
        """Meet layers without thickness at the door."""
        if isinstance(self.thickness, jax.core.Tracer):
            return
        wrong = np.flatnonzero(~(np.asarray(self.thickness) > 0))
        if wrong.size:
            raise DgeoError(
                f"Layer {wrong[0]} of the column is {np.asarray(self.thickness)[wrong[0]]} m thick: "
                "give every layer a thickness above 0."
            )

    @property
    def centre(self) -> Float[Array, " z"]:
        """Depth of the centre of every layer below the surface [m]."""
        return jnp.cumsum(self.thickness) - self.thickness / 2

    @property
    def spacing(self) -> Float[Array, " face"]:
        """Distance between neighbouring points, from the surface to the bottom [m]."""
        half = self.thickness / 2
        return jnp.concatenate([half[:1], half[1:] + half[:-1], half[-1:]])


def at_points(law: Law, values: Mapping[str, Array], points: int) -> Float[Array, " point"]:
    """A law at every point; values are [point], or one number for all points."""
    return jax.vmap(law)({name: jnp.broadcast_to(values[name], (points,)) for name in law.inputs})


def of_joint(joint: tuple[Joint, ...], values: Values, layers: int) -> Values:
    """What networks for several slots give in every layer [z], at the values from which the step starts."""
    found: Values = {}
    for network in joint:
        read = {name: jnp.broadcast_to(values[name], (layers,)) for name in network.law.inputs}
        found |= jax.vmap(network)(read)
    return found


def with_ends(values: Values) -> Values:
    """Values of layers [z] at all points [z + 2]: the surface has those of the first, the bottom those of the last."""
    return {name: extended(x) if x.ndim else x for name, x in values.items()}


def extended(x: Float[Array, " z"]) -> Float[Array, " point"]:
    """The first and the last value once more."""
    return jnp.concatenate([x[:1], x, x[-1:]])
