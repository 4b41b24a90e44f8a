"""Several processes that train one run: the first writes and validates, all compute.

Each holds all data and weights; a batch is spread over the devices of all (`devices.py`).
"""

from collections.abc import Callable, Sequence

import jax
import numpy as np
from jax.experimental import multihost_utils

from dgeo.errors import DgeoError


def is_first() -> bool:
    """Whether this process writes the files."""
    return jax.process_index() == 0


def from_first(compute: Callable[[], float]) -> float:
    """A number that the first process computes, in all of them."""
    if jax.process_count() == 1:
        return float(compute())
    value = compute() if jax.process_index() == 0 else 0.0
    return float(multihost_utils.broadcast_one_to_all(np.asarray(value, np.float64)))


def agreed(what: str, values: Sequence[int]) -> None:
    """Raise `DgeoError` where the processes do not have the same numbers."""
    if jax.process_count() == 1:
        return
    everywhere = np.asarray(multihost_utils.process_allgather(np.asarray(values, np.int32)))
    if (everywhere != everywhere[:1]).any():
        raise DgeoError(
            f"The {what} is {everywhere.tolist()} in the {len(everywhere)} processes and must be the same in all: give "
            "them one run folder, on a file system that they share."
        )
