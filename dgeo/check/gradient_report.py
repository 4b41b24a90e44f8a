"""What a check of gradients found: one row for every check, a table of them, and a file."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

from dgeo.errors import DgeoError
from dgeo.numerics import write_atomically

Kind = Literal["exact", "finite", "live", "cost"]


@dataclass(frozen=True)
class Row:
    """One check of one function.

    - `check`: what was done; `kind`: the question that it answers;
    - `error`: the largest error, as the check defines it; None where nothing was measured;
    - `tolerance`: what it may be; `note`: where the error is largest, or why the check was left out.
    """

    name: str
    check: str
    kind: Kind
    error: float | None
    tolerance: float | None
    passed: bool
    note: str = ""

    @property
    def sentence(self) -> str:
        """The row in words."""
        size = "" if self.error is None else f" is {self.error:.2g}"
        limit = "" if self.tolerance is None else f" and may be {self.tolerance:.2g}"
        return f"{self.name}: {self.check}{size}{limit}{f' ({self.note})' if self.note else ''}"


@dataclass(frozen=True)
class Report:
    """All rows of one or more functions; reports add up."""

    rows: tuple[Row, ...] = ()

    def __add__(self, other: "Report") -> "Report":
        return Report((*self.rows, *other.rows))

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def passed(self) -> bool:
        """Whether every check passed; nothing checked is nothing passed."""
        return bool(self.rows) and all(row.passed for row in self.rows)

    @property
    def failures(self) -> tuple[Row, ...]:
        """The rows that did not pass."""
        return tuple(row for row in self.rows if not row.passed)

    def require(self) -> None:
        """Raise `DgeoError` that names the first failure, unless all passed."""
        if not self.rows:
            raise DgeoError("No gradient was checked: give at least one function, or a name that there is.")
        if self.failures:
            count, first = f"{len(self.failures)} of {len(self.rows)}", self.failures[0].sentence
            raise DgeoError(f"{count} checks of gradients failed, first {first}.")

    def table(self, title: str = "Gradients") -> Table:
        """One line for every function; for a terminal: `rich.print(report.table())`."""
        table = Table("function", "exact", "finite", "live", "cost ratio", "failed", title=title)
        for name in dict.fromkeys(row.name for row in self.rows):
            own = [row for row in self.rows if row.name == name]
            cells = (_cell([row for row in own if row.kind == kind]) for kind in ("exact", "finite", "live"))
            cost = next((row.error for row in own if row.kind == "cost"), None)
            failed = "; ".join(f"{row.check} {row.note}".strip() for row in own if not row.passed)
            table.add_row(name, *cells, "–" if cost is None else f"{cost:.1f}", failed)
        return table

    def to_json(self) -> dict[str, Any]:
        """All as `{"rows": [{"name", "check", "kind", "error", "tolerance", "passed", "note"}]}`; no number is null."""
        return rows_to_json(self.rows)

    def write(self, path: str | Path) -> None:
        """Write `to_json()` to a file."""
        write_json(path, self.to_json())


def rows_to_json(rows: Sequence[Any]) -> dict[str, Any]:
    """Rows that are dataclasses as `{"rows": [{field: value}]}`, where what is no number is null."""
    return {"rows": [{key: _finite(value) for key, value in asdict(row).items()} for row in rows]}


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write a file of JSON, whole or not at all."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _cell(rows: list[Row]) -> str:
    """The largest error of the rows, or a cross where one has failed."""
    measured = [row.error for row in rows if row.error is not None]
    mark = "[green]✓[/green]" if all(row.passed for row in rows) else "[red]✗[/red]"
    if not rows:
        return "–"
    return f"{mark} {max(measured):.0e}" if measured and rows[0].kind == "exact" else mark


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
