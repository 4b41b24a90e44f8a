"""Several workers of one command on this machine, watched: when one fails it is named, and the others are stopped.

What they have in common is in their environment (`training.processes.join`). What a worker complains of goes to a log
of its own, and to the screen; what the first says goes to the screen, and what the others say to their logs.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

from dgeo.errors import DgeoError
from dgeo.numerics import make_folder
from dgeo.training.devices import cores
from dgeo.training.processes import COORDINATOR, COUNT, PLACE

GRACE = 10  # [s] that a worker has to write its checkpoint, once it is told to stop


def launch(words: Sequence[str], count: int, logs: Path) -> None:
    """Run `dgeo` with these words in so many workers, until all are done.

    Raises `DgeoError` that says which failed first and how; an interruption (Ctrl-C) stops all.
    """
    make_folder(logs)
    address = f"127.0.0.1:{_free_port()}"
    ended: SimpleQueue[_Worker] = SimpleQueue()
    stopping = Event()
    workers = [_Worker(words, place, count, address, logs, ended, stopping) for place in range(count)]
    try:
        for _ in workers:
            worker = ended.get()
            if worker.process.returncode:
                raise DgeoError(
                    f"Worker {worker.place} of {count} (counted from 0) {_how(worker.process.returncode)}, and the "
                    f"others were stopped; its log is {worker.log}, and --resume continues from the last checkpoint."
                )
    except KeyboardInterrupt:
        raise DgeoError(f"Interrupted, and all {count} workers stopped; continue with --resume.") from None
    finally:
        stopping.set()
        _stop([worker.process for worker in workers])


class _Worker:
    """A process of the command, and a thread that passes on what it complains of and tells when it has ended."""

    def __init__(
        self,
        words: Sequence[str],
        place: int,
        count: int,
        address: str,
        logs: Path,
        ended: "SimpleQueue[_Worker]",
        stopping: Event,
    ) -> None:
        self.place, self.log, self.ended, self.stopping = place, logs / f"worker_{place}.log", ended, stopping
        environment = _share(place, count) | os.environ
        environment |= {COORDINATOR: address, COUNT: str(count), PLACE: str(place)}
        environment["JAX_COORDINATOR_BIND_ADDRESS"] = address  # no other machine has any business there
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dgeo", *words],
                env=environment,
                stdout=None if place == 0 else log,
                stderr=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C is for the launcher alone, which tells the workers
            )
        Thread(target=self._relay, daemon=True).start()

    def _relay(self) -> None:
        """Until the process ends; what it says after another has failed only goes to its log."""
        assert self.process.stderr is not None
        prefix = f"[{self.place}] " if self.place else ""
        with self.log.open("ab") as log:
            for line in self.process.stderr:
                log.write(line)
                log.flush()
                if not self.stopping.is_set():
                    print(prefix + line.decode(errors="replace"), end="", file=sys.stderr, flush=True)
        if self.process.wait():
            self.stopping.set()
        self.ended.put(self)


def _share(place: int, count: int) -> dict[str, str]:
    """A worker's part of the cores and GPUs, where the environment does not say another."""
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*"))) // count
    some = {"JAX_LOCAL_DEVICE_IDS": ",".join(str(place * gpus + i) for i in range(gpus))} if gpus else {}
    return some | {"JAX_NUM_CPU_DEVICES": str(max(cores() // count, 1))}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _how(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """The first before the others, without which it does not come to where it can write its checkpoint."""
    for group in (processes[:1], processes[1:]):
        for process in group:
            process.terminate()
        for process in group:
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
