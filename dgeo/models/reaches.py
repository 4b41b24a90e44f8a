"""The reaches of river networks: who flows into whom, and in which order.

A network is a forest: every reach flows into one other, or out of the model. Several networks side by side are one
(`joined`), so that reaches alone matter and not how they hang together.

`turn` is a reach's place in the order of computation, by its distance to the outlet: a reach has its turn right after
those that flow into it, all of these at once.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from dgeo.errors import DgeoError
from dgeo.numerics import Frozen
from dgeo.numerics.forest import Forest, chunks

Numbers = Sequence[float] | np.ndarray | Array


class Reaches(Frozen):
    """Geometry of all reaches; `reaches(...)` makes it from checked input.

    - `downstream`: the index of the reach that each flows into; the number of reaches for outlets;
    - `turn`: see above; `turns`: how many there are; `order`: reaches by their turns (`dgeo.numerics.forest.chunks`);
    - `length` [m] and `slope` [1] of the bed;
    - `reservoir`: which of them are reservoirs, `has_reservoirs` whether any is.
    """

    downstream: Int[Array, " reach"]
    turn: Int[Array, " reach"]
    order: Int[Array, "chunk place"]
    length: Float[Array, " reach"]
    slope: Float[Array, " reach"]
    reservoir: Bool[Array, " reach"]
    turns: int = eqx.field(static=True)
    has_reservoirs: bool = eqx.field(static=True)

    @property
    def count(self) -> int:
        """How many reaches there are."""
        return self.downstream.shape[0]

    @property
    def forest(self) -> Forest:
        """The same as a system of equations sees it."""
        return Forest(self.downstream, self.order)

    @property
    def outlets(self) -> Bool[Array, " reach"]:
        """Which reaches flow out of the model."""
        return self.downstream == self.count

    def gathered(self, discharge: Float[Array, " reach"]) -> Float[Array, " reach"]:
        """What flows into every reach from those right above it."""
        return jnp.zeros_like(discharge).at[self.downstream].add(discharge, mode="drop")


def reaches(
    downstream: Numbers,
    length: Numbers,
    slope: Numbers,
    reservoir: Numbers | None = None,
) -> Reaches:
    """One or more networks from lists over reaches, in any order.

    `downstream` is the index of the reach that each flows into, −1 where it leaves the model.

    Raises `DgeoError` for lists of different length, an index that there is not, a loop, and a length or bed slope that
    is not positive.
    """
    down = np.asarray(downstream, dtype=np.int64)
    count = len(down)
    for name, values in (("length", length), ("slope", slope)):
        _check_positive(name, np.asarray(values, dtype=np.float64), count)
    wrong = np.flatnonzero((down < -1) | (down >= count))
    if wrong.size:
        raise DgeoError(
            f"Reach {wrong[0]} flows into reach {down[wrong[0]]}, which is not among the {count}: "
            "give indices from 0, and −1 for a reach that leaves the model."
        )
    turn = _turns(down)
    dams = np.zeros(count, bool) if reservoir is None else np.asarray(reservoir, bool)
    return Reaches(
        jnp.asarray(np.where(down < 0, count, down), jnp.int32),
        jnp.asarray(turn, jnp.int32),
        jnp.asarray(chunks(turn)),
        jnp.asarray(np.asarray(length, np.float64)),
        jnp.asarray(np.asarray(slope, np.float64)),
        jnp.asarray(dams),
        turns=int(turn.max(initial=0)) + 1,
        has_reservoirs=bool(dams.any()),
    )


def joined(networks: Sequence[Reaches]) -> Reaches:
    """Several networks as one; their reaches follow one another."""
    starts = np.cumsum([0, *(network.count for network in networks)])
    down = [
        np.where(network.outlets, -1, np.asarray(network.downstream) + start)
        for network, start in zip(networks, starts, strict=False)
    ]

    def together(name: str) -> np.ndarray:
        return np.concatenate([np.asarray(getattr(network, name)) for network in networks])

    return reaches(np.concatenate(down), together("length"), together("slope"), together("reservoir"))


def _check_positive(name: str, values: np.ndarray, count: int) -> None:
    if len(values) != count:
        raise DgeoError(f"There are {count} reaches and {len(values)} values of {name}: give one for each reach.")
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if wrong.size:
        raise DgeoError(
            f"The {name} of reach {wrong[0]} is {values[wrong[0]]:g}, and water needs a positive one to flow by: "
            "give the least that the survey can tell from zero."
        )


def _turns(down: np.ndarray) -> np.ndarray:
    """The largest distance to the outlet in a reach's own network, less its own."""
    distance = np.zeros(len(down), np.int64)
    above = np.bincount(down[down >= 0], minlength=len(down))
    ready, order = list(np.flatnonzero(above == 0)), []
    while ready:
        reach = ready.pop()
        order.append(reach)
        below = down[reach]
        if below >= 0:
            above[below] -= 1
            if above[below] == 0:
                ready.append(below)
    if len(order) < len(down):
        raise DgeoError(
            f"Reach {np.flatnonzero(above)[0]} flows back into itself: a river network has no loops, "
            "so cut one of the reaches on the way round (−1) or give its water to another."
        )
    outlet = np.arange(len(down))
    for reach in reversed(order):
        if down[reach] >= 0:
            distance[reach], outlet[reach] = distance[down[reach]] + 1, outlet[down[reach]]
    farthest = np.zeros(len(down), np.int64)
    np.maximum.at(farthest, outlet, distance)
    return farthest[outlet] - distance
