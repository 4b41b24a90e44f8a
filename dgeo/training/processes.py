"""Several processes, on one host or many, that train one run: the first writes and validates, all compute.

Each holds all data and weights; a batch is spread over the devices of all (`devices.py`).
"""

import os
from collections.abc import Callable, Sequence

import jax
import numpy as np
from jax.experimental import multihost_utils

from dgeo.errors import DgeoError

COORDINATOR, COUNT, PLACE = "DGEO_COORDINATOR", "DGEO_PROCESSES", "DGEO_PROCESS"
HEARTBEAT = 30  # [s] after which a process that is silent counts as lost


def join() -> None:
    """Join the other processes that the environment tells of, before the first computation; alone without any.

    `dgeo launch` sets DGEO_COORDINATOR (host:port of the first process), DGEO_PROCESSES and DGEO_PROCESS (0, 1, …).
    DGEO_COORDINATOR=auto leaves all three to JAX, which knows Slurm, MPI, Kubernetes and cloud TPUs.
    """
    coordinator = os.environ.get(COORDINATOR)
    if coordinator is None:
        return
    auto = coordinator == "auto"
    try:
        jax.distributed.initialize(
            None if auto else coordinator,
            None if auto else int(os.environ[COUNT]),
            None if auto else int(os.environ[PLACE]),
            heartbeat_timeout_seconds=HEARTBEAT,
        )
    except (KeyError, ValueError, RuntimeError) as error:
        raise DgeoError(
            f"The processes of {COORDINATOR}={coordinator} could not find each other ({error}); start them with "
            "`dgeo launch`, or set it to auto under Slurm or MPI."
        ) from error


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
