"""Every model and every check in one table: what was asked of each simulator, and what was found.

The figures are those that `dgeo check ledger --json` and `dgeo check precision --json` wrote.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dgeo.check.cases import makers
from dgeo.models.registry import MODELS

SOLUTIONS = {
    "richards": "soil_water", "soil heat": "soil_heat", "snowpack": "snow", "aquifer": "groundwater", "river": "river",
    "diffusive river": "river",
    "solute": "transport", "oxygen": "transport", "stream temperature": "transport", "carbon": "carbon",
    "leaf": "leaf", "surface": "surface",
}  # fmt: skip
HEAD = (
    "simulator",
    "gradients",
    "step",
    "event",
    "run",
    "run in C",
    "run, float64",
    "outputs",
    "derivatives",
    "probes",
)
Rows = Mapping[str, list[dict[str, Any]]]


def coverage(folder: Path) -> str:
    """The table in Markdown, from `ledger.json` and `precision.json` in a folder."""
    names = ("ledger", "precision")
    rows = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["rows"] for name in names}
    lines = [HEAD, ["---"] * len(HEAD), *(_cells(name, rows) for name in makers())]
    return "".join(map(_line, lines))


def _cells(name: str, rows: Rows) -> Iterator[str]:
    """A simulator's line: where its gradients are checked, figures, and whether probes examine it."""
    page = next((page for start, page in SOLUTIONS.items() if name.startswith(start)), None)
    yield name
    yield f"[kernels](kernels/{page}.md)" if page else "kit" if name.split()[0].strip(",") in MODELS else "tests"
    own = {(row["precision"], row["engine"]): row for row in rows["ledger"] if row["model"] == name}
    single, native, double = (own.get(k) for k in (("float32", "auto"), ("float32", "native"), ("float64", "auto")))
    yield from (_number(single, level) for level in ("step", "event", "run"))
    yield _number(native, "run")
    yield _number(double, "run")
    compared = next((row for row in rows["precision"] if row["model"] == name), None)
    for part in ("outputs", "gradients"):
        yield f"{_number(compared, f'{part}_median')}, {_number(compared, f'{part}_max')}"
    yield "–" if page else "✓"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _number(row: dict[str, Any] | None, key: str) -> str:
    return "–" if row is None or row[key] is None else f"{row[key]:.0e}"
