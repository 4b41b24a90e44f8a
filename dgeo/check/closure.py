"""Whether the books of every simulator close: every step, every event and every run, in single and double precision."""

import zlib
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.check.cases import Maker, makers
from dgeo.check.engines import native_holds
from dgeo.check.findings import Findings

TOLERANCES = {"float32": 1e-5, "float64": 1e-12}  # of what a store held and what entered it
KINDS = (("float32", "auto"), ("float32", "native"), ("float64", "auto"))


@dataclass(frozen=True)
class ClosureRow:
    """The worst relative residuals of a simulator, over all steps, events and runs of all draws, stores and sites.

    `engine` is "auto", on so few sites the scan, or a model's own march; or "native", the loop in C, where it holds it.
    """

    model: str
    precision: str
    engine: str
    step: float
    event: float
    run: float
    events: int
    tolerance: float
    passed: bool

    @property
    def sentence(self) -> str:
        """The row in words."""
        worst = max(self.step, self.event, self.run)
        return f"{self.model} in {self.precision}: {worst:.1e} of what there was, where {self.tolerance:.0e} is allowed"


def closures(only: str = "", *, steps: int = 365, draws: int = 3, seed: int = 0) -> Findings:
    """The books of all simulators whose name contains `only`, in the weather of `dgeo.check.cases`."""
    named = [(name, make) for name, make in makers().items() if only in name]
    rows = [closure_of(name, make, kind, steps, draws, seed) for name, make in named for kind in KINDS]
    return Findings("Residuals", tuple(row for row in rows if row is not None))


def closure_of(name: str, make: Maker, kind: tuple[str, Any], steps: int, draws: int, seed: int) -> ClosureRow | None:
    """The row of one simulator in a precision, by an engine; None where it conserves nothing or C cannot hold it."""
    dtype, engine = kind
    run: Any = None
    found = []
    for draw in range(draws):
        with jax.enable_x64(True):
            case = make(steps, np.random.default_rng((seed, draw, zlib.crc32(name.encode()))))
        if case.books is None:
            return None
        with jax.enable_x64(dtype == "float64"):
            inputs = case.in_precision(jnp.dtype(dtype))
            if engine == "native" and run is None and not native_holds(case, inputs):
                return None
            run = jax.jit(partial(case.run, engine=engine)) if run is None else run  # draws differ in `inputs` alone
            found.append(case.books(inputs, run(inputs)))
    step, event, run = (max(one.levels[level].relative_residual for one in found) for level in range(3))
    tolerance, events = TOLERANCES[dtype], sum(one.events for one in found)
    passed = max(step, event, run) <= tolerance
    return ClosureRow(name, dtype, engine, step, event, run, events, tolerance, passed)
