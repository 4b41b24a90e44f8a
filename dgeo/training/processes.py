"""Several processes, on one host or many, that train one run: the first writes and validates, all compute.

Each holds all data and weights; a batch is spread over the devices of all (`devices.py`).
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import jax
import numpy as np
from jax.experimental import multihost_utils

from dgeo.errors import DgeoError

COORDINATOR, COUNT, PLACE = "DGEO_COORDINATOR", "DGEO_PROCESSES", "DGEO_PROCESS"
HEARTBEAT = 30  # [s] after which a process that is silent counts as lost, and ends those that wait for it
COLLECTIVES = ("gloo", "nccl")  # who complains, by name, when a process is gone


def join() -> None:
    """Join the other processes that the environment tells of, before the first computation; alone without any.

    `dgeo launch` sets DGEO_COORDINATOR (host:port of the first process), DGEO_PROCESSES and DGEO_PROCESS (0, 1, …).
    DGEO_COORDINATOR=auto leaves all three to JAX, which knows Slurm, Open MPI, Kubernetes and cloud TPUs. Raises
    `DgeoError` where the processes do not find each other.
    """
    coordinator = os.environ.get(COORDINATOR)
    if coordinator is None:
        return
    settings: Any = jax.config  # not every jax says which there are
    settings.update("jax_enable_preemption_service", False)  # it would swallow SIGTERM
    given: dict[str, Any] = {}
    try:
        if coordinator != "auto":
            given = {"num_processes": int(os.environ[COUNT]), "process_id": int(os.environ[PLACE])}
            given["coordinator_address"] = coordinator
        jax.distributed.initialize(**given, heartbeat_timeout_seconds=HEARTBEAT)
    except (KeyError, ValueError, RuntimeError) as error:
        raise DgeoError(
            f"The processes of {COORDINATOR}={coordinator} do not find each other ({error}); start them with `dgeo "
            f"launch`, set {COUNT} and {PLACE} too, or set {COORDINATOR}=auto under Slurm, Open MPI or Kubernetes."
        ) from error


def leave() -> bool:
    """Part from the other processes, when all have finished; whether this is the first, which goes on alone."""
    jax.distributed.shutdown()
    return is_first()


def end(code: int) -> NoReturn:
    """End this process; of several, without waiting for the others, which do not come when one has failed."""
    if not jax.distributed.is_initialized():
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextmanager
def company() -> Iterator[None]:
    """Within it, the loss of another process raises `DgeoError`."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        complaint = str(error)
        if jax.process_count() == 1 or not any(name in complaint.lower() for name in COLLECTIVES):
            raise
        raise DgeoError(
            f"Process {jax.process_index()} lost another of the {jax.process_count()} processes "
            f"({complaint.splitlines()[0]}); find the cause in that one's output, and continue all with --resume."
        ) from error


def is_first() -> bool:
    """Whether this process writes the files."""
    return jax.process_index() == 0


def from_first(compute: Callable[[], float]) -> float:
    """A number that the first process computes, in all of them."""
    if jax.process_count() == 1:
        return float(compute())
    value = np.asarray([compute() if is_first() else 0.0], np.float64)
    halves = multihost_utils.broadcast_one_to_all(value.view(np.uint32))  # devices may not know double precision
    return float(np.asarray(halves).view(np.float64)[0])


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
