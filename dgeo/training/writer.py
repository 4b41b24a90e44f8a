"""Files written in the background, one after another, while the devices compute."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from dgeo.training.processes import is_first


class Writer:
    """`with Writer() as write: write(function, *arguments)`; of several processes, only the first writes.

    Each write waits for the one before, and raises what went wrong there; so does leaving the block, which waits for
    the last.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._last: Future[Any] | None = None

    def __call__(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call `function(*arguments)` in the background."""
        self.wait()
        if is_first():
            self._last = self._pool.submit(function, *arguments)

    def wait(self) -> None:
        """Until the last write is done."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.wait()
        finally:
            self._pool.shutdown()
