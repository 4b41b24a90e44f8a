"""What the coming steps need of a data set that is not in memory, read while the devices work on the steps before.

A step draws its basins and days from the seed and its own number alone, so that the host can draw the same ones early.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice, repeat

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Int

from dgeo import data
from dgeo.training.arrays import Draw, Read, Windows
from dgeo.training.config import TrainingConfig
from dgeo.training.sampler import Sampler
from dgeo.training.step import Case, Trainer, draws

AHEAD = 1  # calls that are read while one is computed


@dataclass(frozen=True)
class Reader:
    """Windows of `length` days out of a dataset; of the targets, the days `seen` alone."""

    dataset: xr.Dataset
    forcings: Sequence[str]
    targets: Sequence[str]
    seen: Bool[np.ndarray, " time"]
    length: int

    def __call__(self, basins: Int[np.ndarray, "step batch"], starts: Int[np.ndarray, "step batch"]) -> Windows:
        """The windows of these basins from these days on, [step, day, batch]."""
        seen = self.seen[starts[:, None] + np.arange(self.length)[None, :, None]]
        targets = {name: self._cut(name, basins, starts) for name in self.targets}
        return Windows(
            {name: self._cut(name, basins, starts) for name in self.forcings},
            {name: np.where(seen, value, np.float32(np.nan)) for name, value in targets.items()},
        )

    def _cut(self, name: str, basins: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Every basin is read once, however many windows it has in the call, and not all basins at a time."""
        wanted, place = np.unique(basins, return_inverse=True)
        found = np.empty((len(basins), self.length, basins.shape[1]), np.float32)
        rows = np.arange(self.length)[None]
        for part in data.parts_of(len(wanted)):
            values = self.dataset[name].variable[:, wanted[part]].values
            step, site = np.nonzero((place >= part.start) & (place < part.stop))
            days, column = starts[step, site][:, None] + rows, place[step, site] - part.start
            found[step, :, site] = values[days, column[:, None]]
        return found


class Feed:
    """An iterator over calls: the windows of all members, [member, step, day, batch], on the devices.

    What goes wrong in reading is raised where the windows are asked for.
    """

    def __init__(
        self, trainer: Trainer, reads: Sequence[Read], cases: Sequence[Case], steps: Sequence[int], calls: int
    ) -> None:
        """So many calls, of which the first makes these steps of the members."""
        self._trainer, self._reads = trainer, reads
        self._cases = [jax.tree.map(np.asarray, (case.sampler, case.seed)) for case in cases]
        self._draw = _drawing(trainer.config, *self._cases[0])
        self._pool = ThreadPoolExecutor(max_workers=1)
        length = trainer.config.steps_per_call
        self._calls = iter([[step + call * length for step in steps] for call in range(calls)])
        self._coming: deque[Future[Windows]] = deque()

    def __iter__(self) -> Iterator[Windows]:
        return self

    def __next__(self) -> Windows:
        """The windows of the next call; reading goes on with those of the calls after it."""
        for steps in islice(self._calls, AHEAD + 1 - len(self._coming)):
            self._coming.append(self._pool.submit(self._read, steps))
        return self._coming.popleft().result()

    def __enter__(self) -> "Feed":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _read(self, steps: Sequence[int]) -> Windows:
        windows = []
        for read, (sampler, seed), first in zip(self._reads, self._cases, steps, strict=True):
            draw = self._draw(sampler, seed, np.asarray(first, np.int32))
            windows.append(read(np.asarray(draw.basin), np.asarray(draw.start)))
        together = jax.tree.map(lambda *leaves: np.stack(leaves), *windows)
        return self._trainer.devices.placed(together, jax.tree.map(lambda _: True, together))


def feed(
    trainer: Trainer, reads: Sequence[Read | None], cases: Sequence[Case], steps: Sequence[int], calls: int
) -> AbstractContextManager[Iterator[Windows | None]]:
    """What calls read ahead of them: nothing, where all data are on the devices."""
    wanted = [read for read in reads if read is not None]
    return Feed(trainer, wanted, cases, steps, calls) if wanted else nullcontext(repeat(None))


def _host() -> jax.Device:
    """Where windows are drawn: beside the devices that train, which would answer after the call they are at."""
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return jax.local_devices()[0]


def _drawing(config: TrainingConfig, sampler: Sampler, seed: np.ndarray) -> Callable[..., Draw]:
    """The draws of a call's steps, [step, batch], compiled in the thread, and so in the precision, of the training."""

    def drawn(sampler: Sampler, seed: Array, first: Array) -> Draw:
        steps = first + jnp.arange(config.steps_per_call, dtype=jnp.int32)
        return jax.lax.map(lambda step: draws(sampler, seed, step, config.batch)[0], steps)

    with jax.default_device(_host()):
        return jax.jit(drawn).lower(sampler, seed, np.asarray(0, np.int32)).compile()
