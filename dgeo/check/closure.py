"""Whether the books of every simulator close: every step, every event and every run, in single and double precision."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.table import Table

from dgeo.check.cases import Maker, makers
from dgeo.check.gradient_report import rows_to_json, write_json
from dgeo.errors import DgeoError

TOLERANCES = {"float32": 1e-5, "float64": 1e-12}  # of what a store held and what entered it


@dataclass(frozen=True)
class ClosureRow:
    """The worst relative residuals of a simulator, over all steps, events and runs of all draws, stores and sites."""

    model: str
    precision: str
    step: float
    event: float
    run: float
    events: int
    tolerance: float
    passed: bool


@dataclass(frozen=True)
class ClosureReport:
    """All rows."""

    rows: tuple[ClosureRow, ...] = ()

    def require(self) -> None:
        """Raise `DgeoError` that names the first failure, unless all passed."""
        if not self.rows:
            raise DgeoError("No model was checked: give a part of a name that there is, or none for all of them.")
        failed = [row for row in self.rows if not row.passed]
        if failed:
            worst = max(failed[0].step, failed[0].event, failed[0].run)
            raise DgeoError(
                f"The books of {len(failed)} of {len(self.rows)} do not close, first {failed[0].model} in "
                f"{failed[0].precision}: {worst:.1e} of what there was and may be {failed[0].tolerance:.0e}."
            )

    def table(self) -> Table:
        """One line for each simulator and precision."""
        table = Table("model", "precision", "step", "event", "run", "events", "may be", "", title="Residuals")
        for row in self.rows:
            mark = "[green]✓[/green]" if row.passed else "[red]✗[/red]"
            numbers = (f"{x:.1e}" for x in (row.step, row.event, row.run))
            table.add_row(row.model, row.precision, *numbers, f"{row.events}", f"{row.tolerance:.0e}", mark)
        return table

    def write(self, path: str | Path) -> None:
        """Write `{"rows": [{"model", "precision", "step", "event", "run", "events", "tolerance", "passed"}]}`."""
        write_json(path, rows_to_json(self.rows))


def closures(only: str = "", *, steps: int = 365, draws: int = 3, seed: int = 0) -> ClosureReport:
    """The books of all simulators whose name contains `only`, in the weather of `dgeo.check.cases`."""
    rows: list[ClosureRow] = []
    for name, make in makers().items():
        if only in name:
            rows.extend(row for dtype in TOLERANCES if (row := closure_of(name, make, dtype, steps, draws, seed)))
    return ClosureReport(tuple(rows))


def closure_of(name: str, make: Maker, dtype: str, steps: int, draws: int, seed: int) -> ClosureRow | None:
    """The row of one simulator in one precision; None where it conserves nothing."""
    found = []
    for draw in range(draws):
        with jax.enable_x64(True):
            case = make(steps, np.random.default_rng((seed, draw, zlib.crc32(name.encode()))))
        if case.books is None:
            return None
        with jax.enable_x64(dtype == "float64"):
            inputs = case.in_precision(jnp.dtype(dtype))
            found.append(case.books(inputs, jax.jit(case.run)(inputs)))
    worst: list[Any] = [max(one[level].relative_residual for one in found) for level in range(3)]
    tolerance = TOLERANCES[dtype]
    return ClosureRow(
        name, dtype, *worst, sum(one.events for one in found), tolerance, all(x <= tolerance for x in worst)
    )
