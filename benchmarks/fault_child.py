"""A small training in a process of its own, under a fault, for benchmarks/faults.py."""

import contextlib
import os
import signal
import socket
import time
import traceback
from pathlib import Path
from typing import Any

from fault_kinds import Fault

from dgeo import training
from dgeo.errors import DgeoError

SENTENCE, ERROR = 3, 4  # exit codes of a child


def sections(folder: Path) -> dict[str, Any]:
    return {
        "data": {"source": "netcdf", "file": str(folder / "data.nc"), "potential_evapotranspiration": "given"},
        "split": {
            "train": ["2000-10-01", "2002-09-30"], "validation": ["2002-04-01", "2002-09-30"],
            "test": ["2002-10-01", "2003-09-30"],
        },
        "model": {
            "attributes": ["elev_mean", "aridity", "frac_snow"], "components": 2, "static": {"width": 8, "depth": 1},
            "routing_days": 5,
        },
        "training": {
            "batch": 3, "warmup": 20, "window": 30, "steps": 24, "steps_per_call": 2, "validate_every": 8,
            "checkpoint_every": 2, "spin_up": 60, "optimiser": {"learning_rate": 0.01},
        },
    }  # fmt: skip


class Child:
    """A forked process that trains and evaluates a run under a fault, and tells of each call of the training."""

    def __init__(self, config: Path, run: Path, fault: Fault = lambda: None, slow: float = 0.02) -> None:
        self.said = run.with_name(run.name + ".said")
        self.said.unlink(missing_ok=True)
        self.near, far = socket.socketpair()
        self.began = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(self._work(config, run, fault, far, slow))
        far.close()

    def _work(self, config: Path, run: Path, fault: Fault, far: socket.socket, slow: float) -> int:
        def watch(row: Any) -> None:
            far.send(b".")
            time.sleep(slow)

        said = os.open(self.said, os.O_CREAT | os.O_WRONLY, 0o666)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(said, 2)
        try:
            fault()
            training.train(training.read_config(config), run, resume=True, watch=watch)
            training.evaluate(run)
        except DgeoError as error:
            os.write(said, str(error).encode())
            return SENTENCE
        except BaseException:
            os.write(said, traceback.format_exc().encode())
            return ERROR
        return 0

    def training_began(self) -> bool:
        """Wait for the first call of the training; whether it came before the end."""
        return bool(self.near.recv(1))

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> int:
        """The exit code; −9 after a kill."""
        _, status = os.waitpid(self.pid, 0)
        self.near.close()
        self.seconds = time.monotonic() - self.began
        self.words = self.said.read_text(errors="replace")[-600:]
        return os.waitstatus_to_exitcode(status)
