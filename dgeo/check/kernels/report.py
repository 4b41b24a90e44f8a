"""What was found of a process kernel: one row for each known case, and a table of them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

from dgeo.check.gradient_report import Report as Gradients, rows_to_json, write_json
from dgeo.errors import DgeoError

Kind = Literal["value", "order", "gradient", "budget", "cost"]


@dataclass(frozen=True)
class KernelRow:
    """One case of one kernel.

    - `kernel`, `case`: what was computed; `kind`: the question it answers;
    - `value`: ours; `exact`: the closed form's or published one, None where there is none;
    - `error`: |value − exact|, relative if `relative`; of a budget the residual over what went in;
    - `tolerance`: what the error may be; None for what is only shown, as costs are.
    """

    kernel: str
    case: str
    kind: Kind
    value: float
    exact: float | None
    error: float | None
    tolerance: float | None
    passed: bool
    relative: bool = True

    @property
    def sentence(self) -> str:
        """The row in words."""
        against = "" if self.exact is None else f", exact {self.exact:.6g}"
        allowed = "" if self.tolerance is None else f"; the error is {self.error:.2g} and may be {self.tolerance:.2g}"
        return f"{self.kernel}, {self.case}: {self.value:.6g}{against}{allowed}"


@dataclass(frozen=True)
class KernelReport:
    """All rows of some kernels."""

    rows: tuple[KernelRow, ...] = ()

    def __iter__(self) -> Iterator[KernelRow]:
        return iter(self.rows)

    @property
    def failures(self) -> tuple[KernelRow, ...]:
        """The rows that did not pass."""
        return tuple(row for row in self.rows if not row.passed)

    def require(self) -> None:
        """Raise `DgeoError` that names the first failure, unless all passed."""
        if not self.rows:
            raise DgeoError("No kernel was checked: give a part of a name that there is, or none for all of them.")
        if self.failures:
            count = f"{len(self.failures)} of {len(self.rows)}"
            raise DgeoError(f"{count} cases of kernels failed, first {self.failures[0].sentence}.")

    def table(self) -> Table:
        """One line for every case."""
        table = Table("kernel", "case", "kind", "value", "exact", "error", "may be", "", title="Kernels")
        for row in self.rows:
            numbers = (_shown(row.exact, ".7g"), _shown(row.error, ".1e"), _shown(row.tolerance, ".0e"))
            mark = "[green]✓[/green]" if row.passed else "[red]✗[/red]"
            table.add_row(row.kernel, row.case, row.kind, f"{row.value:.7g}", *numbers, mark)
        return table

    def to_json(self) -> dict[str, Any]:
        """All as `{"rows": [{"kernel", "case", "kind", "value", "exact", "error", "tolerance", "passed"}]}`."""
        return rows_to_json(self.rows)

    def write(self, path: str | Path) -> None:
        """Write `to_json()` to a file."""
        write_json(path, self.to_json())


@dataclass(frozen=True)
class Cases:
    """Makes the rows of one kernel."""

    kernel: str

    def value(
        self, case: str, value: Any, exact: float, tolerance: float, *, relative: bool = True, kind: Kind = "value"
    ) -> KernelRow:
        """A number beside the exact one; the error is relative to the exact one, unless told otherwise."""
        found, exact = float(value), float(exact)
        error = abs(found - exact) / (abs(exact) if relative and exact else 1.0)
        return KernelRow(self.kernel, case, kind, found, exact, error, tolerance, error <= tolerance, relative)

    def gradient(self, case: str, value: Any, exact: float, tolerance: float, *, relative: bool = True) -> KernelRow:
        """A derivative beside its closed form or identity."""
        return self.value(case, value, exact, tolerance, relative=relative, kind="gradient")

    def gradients(self, case: str, report: Gradients) -> list[KernelRow]:
        """The rows of the gradient kit that measured an error, the largest of each check."""
        worst = {row.check: row for row in sorted(report, key=lambda row: (not row.passed, row.error or 0.0))}
        return [
            KernelRow(
                self.kernel, f"{case}, {row.check}", "gradient", row.error, None, row.error, row.tolerance, row.passed
            )
            for row in worst.values()
            if row.error is not None and row.kind != "cost"
        ]

    def order(self, case: str, errors: list[Any], steps: list[float], expected: float, tolerance: float) -> KernelRow:
        """The slope of ln(error) over ln(step) between the two finest, beside the order that theory gives."""
        coarse, fine = float(errors[-2]), float(errors[-1])
        found = math.log(coarse / fine) / math.log(steps[-2] / steps[-1])
        return self.value(case, found, expected, tolerance, relative=False, kind="order")

    def budget(self, case: str, residual: Any, gross: Any, tolerance: float) -> KernelRow:
        """The residual of a balance, over the initial storage and all that came in."""
        error = abs(float(residual)) / float(gross)
        return KernelRow(self.kernel, case, "budget", float(residual), 0.0, error, tolerance, error <= tolerance)

    def cost(self, case: str, value: float) -> KernelRow:
        """What is shown and not judged: seconds, a ratio, an exponent."""
        return KernelRow(self.kernel, case, "cost", float(value), None, None, None, math.isfinite(value))


def _shown(number: float | None, form: str) -> str:
    return "–" if number is None else format(number, form)
