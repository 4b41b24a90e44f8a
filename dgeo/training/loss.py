"""What a loss is: sums over the days of each basin, and the number they make.

The loss of a batch is the value of the sums over its basins, so each observation counts the same however the
gaps fall.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from dgeo.errors import DgeoError, nearest

Series = Float[Array, "time basin"]
Present = Bool[Array, "time basin"]
PerBasin = Float[Array, " basin"]
Sums = Any


@dataclass(frozen=True)
class Loss:
    """A loss of simulated against observed series [time, basin], the latter with NaN in its gaps.

    - `sums(simulated, observed, scale)`: a tree of sums [basin] that add up over basins;
    - `value(sums)`: the loss of such sums;
    - `scale(observed)`: the scale [basin] that `sums` asks for, from the observations of the training days.

    Of several targets (see `combined`), the series and scales are mappings from their names.
    """

    sums: Callable[[Any, Any, Any], Sums]
    value: Callable[[Sums], Array]
    scale: Callable[[Any], Any]

    def __call__(self, simulated: Any, observed: Any, scale: Any) -> Float[Array, ""]:
        """The loss of all basins together; 0 without observations."""
        return self.value(jax.tree.map(jnp.sum, self.sums(simulated, observed, scale)))


def combined(losses: Mapping[str, tuple[Loss, float]]) -> Loss:
    """The weighted sum of the losses of several targets, each with its own gaps: {target: (loss, weight)}.

    Simulated, observed and scale are mappings; variables in them that are no target are ignored. Raises
    `DgeoError` where a target is missing.
    """

    def sums(*given: Mapping[str, Array]) -> dict[str, Sums]:
        return {name: loss.sums(*(target(values, name) for values in given)) for name, (loss, _) in losses.items()}

    def value(sums: Mapping[str, Sums]) -> Array:
        parts = [weight * loss.value(sums[name]) for name, (loss, weight) in losses.items()]
        return sum(parts[1:], start=parts[0])

    def scale(observed: Mapping[str, Array]) -> dict[str, PerBasin]:
        return {name: loss.scale(target(observed, name)) for name, (loss, _) in losses.items()}

    return Loss(sums, value, scale)


def target(values: Mapping[str, Array], name: str) -> Array:
    """One variable by name; raises `DgeoError` where it is missing."""
    if name not in values:
        raise DgeoError(f"The loss has a target {name!r} that is not among the variables; {nearest(name, values)}")
    return values[name]


def pairs(simulated: Series, observed: Series) -> tuple[Series, Series, Present]:
    """Both series with 1 in the gaps, and where there is none.

    A pair of ones has no error, and every transform and its slope are finite there.
    """
    present = ~jnp.isnan(observed)
    return jnp.where(present, simulated, 1.0), jnp.where(present, observed, 1.0), present


def count(present: Present, like: Series) -> PerBasin:
    """The number of observations, in the precision of `like`."""
    return jnp.sum(present, axis=0, dtype=like.dtype)


def mean(total: Float[Array, "*shape"], number: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Total / number, 0 where there is nothing to count."""
    return total / jnp.maximum(number, 1)


def average(series: Series, present: Present) -> PerBasin:
    """The mean over the days that are present, 0 if none is."""
    return mean(jnp.sum(jnp.where(present, series, 0.0), axis=0), count(present, series))


def variance(series: Series, present: Present) -> PerBasin:
    """The mean squared departure from the mean over the days that are present, 0 if none is."""
    return average((series - average(series, present)[None]) ** 2, present)
