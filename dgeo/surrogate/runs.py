"""Runs of a black box to learn from: parameters that fill their bounds, weather of many basins, outputs.

Parameters are a Latin hypercube: each parameter's interval is cut into as many parts as there are runs, and every part
is used once (McKay et al. 1979, Technometrics 21:239).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from dgeo.errors import DgeoError
from dgeo.models import Parameter
from dgeo.surrogate.black_box import BlackBox, Series

Mapper = Callable[[Callable[[Any], Series], Iterable[Any]], Iterator[Series]]
Watch = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Runs:
    """Forcings and outputs [time, run], parameters and basin [run], and the seconds that the black box took."""

    forcing: Series
    parameters: Series
    outputs: Series
    basin: np.ndarray
    seconds: float

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.basin)

    def part(self, chosen: np.ndarray) -> "Runs":
        """Some of the runs."""
        forcing, outputs = (
            {name: values[:, chosen] for name, values in group.items()} for group in (self.forcing, self.outputs)
        )
        parameters = {name: values[chosen] for name, values in self.parameters.items()}
        return Runs(forcing, parameters, outputs, self.basin[chosen], self.seconds)


def sample_parameters(parameters: Mapping[str, Parameter], count: int, random: np.random.Generator) -> Series:
    """A Latin hypercube of `count` points within the bounds, on the scale (linear, logarithmic) of each."""
    places = {name: (random.permutation(count) + random.random(count)) / count for name in parameters}
    return {
        name: np.asarray(parameters[name].bounds.from_fraction(jnp.asarray(place)), np.float64)
        for name, place in places.items()
    }


def sample_runs(
    black_box: BlackBox,
    forcing: Mapping[str, np.ndarray],
    count: int,
    days: int,
    seed: int = 0,
    *,
    batch: int = 32,
    mapper: Mapper = map,
    watch: Watch = lambda row: None,
) -> Runs:
    """`count` runs of `days` steps, each with parameters of its own, a basin in turn and a random first day.

    **Arguments**

    - `forcing`: [time, basin] by name;
    - `batch`: runs in one call of the black box;
    - `mapper`: how calls are made, `map` by default; that of a `concurrent.futures` executor makes them in parallel;
    - `watch`: told of every batch done: {"phase", "seed", "step", "steps", "loss", "validation", "seconds"}.

    **Raises** `DgeoError` for a record shorter than a run, and for what the black box does wrong.
    """
    length, basins = next(iter(forcing.values())).shape
    if days > length:
        raise DgeoError(f"Runs of {days} days do not fit into a record of {length}; shorten `runs.days`.")
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(b"runs")))
    basin = random.permutation(np.arange(count) % basins)
    first = random.integers(0, length - days + 1, count)
    rows = first[None] + np.arange(days)[:, None]
    weather = {name: np.asarray(forcing[name])[rows, basin[None]] for name in black_box.interface.forcings}
    parameters = sample_parameters(black_box.interface.parameters, count, random)
    outputs, seconds = run_batches(black_box, weather, parameters, batch=batch, mapper=mapper, watch=watch, seed=seed)
    return Runs(weather, parameters, outputs, basin, seconds)


def run_batches(
    black_box: BlackBox,
    forcing: Series,
    parameters: Series,
    *,
    batch: int = 32,
    mapper: Mapper = map,
    watch: Watch = lambda row: None,
    seed: int = 0,
) -> tuple[Series, float]:
    """The outputs [time, run] of all runs, a batch a call, and the seconds they took."""
    began = time.perf_counter()
    count = next(iter(parameters.values())).shape[0]
    parts = [slice(start, min(start + batch, count)) for start in range(0, count, batch)]
    tasks = [_Task(black_box, forcing, parameters, part) for part in parts]
    found = []
    for part, outputs in zip(parts, mapper(_run, tasks), strict=True):
        found.append(outputs)
        watch(_row(seed, part.stop, count, time.perf_counter() - began))
    joined = {name: np.concatenate([part[name] for part in found], axis=1) for name in black_box.interface.outputs}
    return joined, time.perf_counter() - began


@dataclass(frozen=True)
class _Task:
    """One call of a black box, which a process of its own may make."""

    black_box: BlackBox
    forcing: Series
    parameters: Series
    part: slice


def _run(task: _Task) -> Series:
    forcing = {name: values[:, task.part] for name, values in task.forcing.items()}
    parameters = {name: values[task.part] for name, values in task.parameters.items()}
    return task.black_box(forcing, parameters, task.part.start)


def _row(seed: int, step: int, steps: int, seconds: float) -> dict[str, Any]:
    shared = {"phase": "black box", "seed": seed, "loss": float("nan"), "validation": None}
    return shared | {"step": step, "steps": steps, "seconds": seconds}
