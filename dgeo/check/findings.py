"""What a check found of every simulator: rows of one kind, a table of them, and a file."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from rich.table import Table

from dgeo.check.gradient_report import rows_to_json, write_json
from dgeo.errors import DgeoError


class Finding(Protocol):
    """A row: a frozen dataclass of names, numbers and whether it `passed`."""

    @property
    def passed(self) -> bool:
        """Whether it is as it should be."""
        ...

    @property
    def sentence(self) -> str:
        """What is wrong, in words."""
        ...


@dataclass(frozen=True)
class Findings:
    """All rows of a check."""

    title: str
    rows: tuple[Any, ...]

    def require(self) -> None:
        """Raise `DgeoError` that names the first failure, unless there are rows and all passed."""
        if not self.rows:
            raise DgeoError("No model was checked: give a part of a name that there is, or none for all of them.")
        failed = [row for row in self.rows if not row.passed]
        if failed:
            raise DgeoError(
                f"{len(failed)} of {len(self.rows)} rows of {self.title} failed, first {failed[0].sentence}."
            )

    def table(self) -> Table:
        """One line a row, one column a field."""
        table = Table(
            *(field.name.replace("_", " ") for field in fields(self.rows[0])) if self.rows else (), title=self.title
        )
        for row in self.rows:
            table.add_row(*(_shown(getattr(row, field.name)) for field in fields(row)))
        return table

    def write(self, path: str | Path) -> None:
        """Write `{"rows": [{field: value}]}`."""
        write_json(path, rows_to_json(self.rows))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "[green]✓[/green]" if value else "[red]✗[/red]"
    return f"{value:.1e}" if isinstance(value, float) else str(value)
