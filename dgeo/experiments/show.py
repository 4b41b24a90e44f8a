"""Tables and figures of a study, in every form that they are written in."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure as Drawing

from dgeo.numerics import write_atomically
from dgeo.report import drawing, markup
from dgeo.report.wording import number


@dataclass(frozen=True)
class Table:
    """A table by name; the first column names the rows. `note` says what must be known to read it."""

    name: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""

    def markdown(self) -> str:
        """As Markdown."""
        lines = [self.header, ["---"] * len(self.header), *([_text(value) for value in row] for row in self.rows)]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"## {self.title}\n\n{body}\n" + (f"\n{self.note}\n" if self.note else "")

    def html(self) -> str:
        """As part of a page."""
        note = markup.paragraph(self.note) if self.note else ""
        return markup.table(self.header, [[_cell(value) for value in row] for row in self.rows], self.title) + note

    def csv(self) -> str:
        """As CSV, numbers in full."""
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(self.header)
        writer.writerows([["" if value is None else value for value in row] for row in self.rows])
        return buffer.getvalue()


@dataclass(frozen=True)
class Figure:
    """A figure by name, drawn when it is needed."""

    name: str
    caption: str
    draw: Callable[[], Drawing]

    def write(self, folder: Path) -> None:
        """As PNG."""
        with matplotlib.rc_context(drawing.STYLE):
            figure = self.draw()
            write_atomically(folder / f"{self.name}.png", lambda path: figure.savefig(path, format="png", dpi=160))

    def html(self) -> str:
        """As part of a page."""
        return markup.picture(drawing.image(self.draw), self.name.replace("_", " "), self.caption)


def file_name(title: str) -> str:
    """A name that any file system takes."""
    return re.sub(r"[^\w.=-]+", "_", title)


def _text(value: object) -> str:
    return value if isinstance(value, str) else number(value)


def _cell(value: object) -> object:
    return value if isinstance(value, str | int | float) or value is None else str(value)
