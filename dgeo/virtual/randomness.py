"""Random numbers that belong to one basin and one purpose.

Every basin draws from streams of its own, named by what they are for. A world of ten basins is therefore
the first ten of a world of a hundred, a longer record begins as a shorter one does, and noise can be
changed with the weather kept.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float


def draw(
    seed: int,
    count: int,
    purpose: str,
    sample: Callable[..., np.ndarray],
    *of_basin: Float[np.ndarray, " basin"],
) -> Float[np.ndarray, "*sample basin"]:
    """`sample(generator, *values of the basin)` of every basin, side by side on a last axis."""
    samples = []
    for basin in range(count):
        stream = np.random.SeedSequence(seed, spawn_key=(basin, *purpose.encode()))
        values = (value[basin] for value in of_basin)
        samples.append(np.asarray(sample(np.random.default_rng(stream), *values), dtype=np.float64))
    return np.stack(samples, axis=-1)
