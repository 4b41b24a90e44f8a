"""Parameters that are sought, as unbounded numbers, which move ten times as fast as the weights beside them."""

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax.numpy as jnp

from dgeo.errors import DgeoError, nearest
from dgeo.models import Parameter, Values
from dgeo.numerics import Bounds

FASTER = 10.0


class Unknown(eqx.Module):
    """z by name; a call puts bounds(10·z) in the place of the known values."""

    unbounded: Values
    bounds: dict[str, Bounds] = eqx.field(static=True)

    @classmethod
    def of(cls, specifications: Mapping[str, Parameter], names: Sequence[str]) -> "Unknown":
        """At the middle of their bounds; raises `DgeoError` for a name that there is not."""
        for name in names:
            if name not in specifications:
                raise DgeoError(f"There is no parameter {name!r} to seek: {nearest(name, specifications)}")
        return cls({name: jnp.asarray(0.0) for name in names}, {name: specifications[name].bounds for name in names})

    def __call__(self, known: Values) -> Values:
        """All parameters, the sought ones as they are now."""
        return {**known, **{name: self.bounds[name].from_unbounded(FASTER * z) for name, z in self.unbounded.items()}}
