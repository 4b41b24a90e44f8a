"""One process at a time in a run folder: a lock of the system, which ends with the process whatever ends it."""

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from dgeo.errors import DgeoError
from dgeo.training.processes import is_first

NAME = ".lock"


@contextmanager
def locked(folders: Iterable[Path]) -> Iterator[None]:
    """Hold folders that exist; of the processes of one training, the first does it for all.

    The lock holds between processes and between threads. A file system that knows no locks is trusted. Raises
    `DgeoError` that names who holds a folder.
    """
    with ExitStack() as held:
        for folder in folders if is_first() else ():
            file = _open(folder / NAME)
            if file is not None:
                held.enter_context(file)
                _lock(file, folder)
        yield


def _open(path: Path) -> IO[str] | None:
    try:
        return path.open("a+", encoding="utf-8", errors="replace")
    except OSError as error:
        raise DgeoError(f"The folder {path.parent} cannot be written ({error.strerror}); choose another.") from error


def _lock(file: IO[str], folder: Path) -> None:
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise DgeoError(
            f"{folder} is in use by another process ({file.read(200).strip() or 'of unknown name'}); wait until it has "
            "ended, or choose another --out."
        ) from None
    except (ImportError, OSError):  # no locks on this system, or in this folder
        return
    with suppress(OSError):  # a full disk: the lock holds without a name
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), f"process {os.getpid()} on {socket.gethostname()}".encode())
