"""The few pieces of HTML the page is built from; every string that enters is escaped here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from dgeo.report.wording import number, percent


@dataclass(frozen=True)
class Share:
    """A share of one, drawn in a table as a number over a bar."""

    value: float


def paragraph(text: str, style: str = "") -> str:
    """One paragraph, with an optional CSS class."""
    return f'<p class="{style}">{escape(text)}</p>' if style else f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """A heading within a section."""
    return f"<h3>{escape(text)}</h3>"


def table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """A table whose first column names the rows and whose other columns are numbers."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(cell(value) for value in row)}</tr>" for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def cell(value: object) -> str:
    """One cell: text as it is, numbers rounded, shares with a bar."""
    if not isinstance(value, Share):
        return f"<td>{escape(value if isinstance(value, str) else number(value))}</td>"
    width = 100 * value.value if value.value == value.value else 0
    return f'<td class="share">{percent(value.value)}<span class="bar" style="width:{width:.1f}%"></span></td>'


def picture(source: str, description: str, caption: str) -> str:
    """An embedded image with its text alternative and caption."""
    return (
        f'<figure><img src="{escape(source)}" alt="{escape(description)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def folded(title: str, text: str) -> str:
    """A text that opens on a click."""
    return f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"
