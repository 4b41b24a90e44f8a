"""Every model and every check in one table: what was asked of each simulator, and what was found.

The figures are those that `dgeo check ledger`, `dgeo check precision` and `dgeo check engines` wrote (`--json`).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dgeo.check.cases import makers
from dgeo.models.registry import MODELS

SOLUTIONS = {
    "richards": "soil_water", "soil heat": "soil_heat", "snowpack": "snow", "aquifer": "groundwater", "river": "river",
    "solute": "transport", "oxygen": "transport", "stream temperature": "transport", "carbon": "carbon",
    "leaf": "leaf", "surface": "surface",
}  # fmt: skip
HEAD = ("model", "gradients", "exact solutions", "step", "event", "run", "float64 run", "in C", "on a GPU",
        "outputs", "gradients float32", "probes")  # fmt: skip


def coverage(folder: Path) -> str:
    """The table in Markdown, from `ledger.json`, `precision.json` and `engines.json` in a folder."""
    rows = {name: _rows(folder / f"{name}.json") for name in ("ledger", "precision", "engines")}
    lines = [_line(HEAD), _line(["---"] * len(HEAD))]
    return "\n".join([*lines, *(_line(_cells(name, rows)) for name in makers())]) + "\n"


def _cells(name: str, rows: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    kernel = next((page for start, page in SOLUTIONS.items() if name.startswith(start)), None)
    bucket = name.split()[0].strip(",:") in {*MODELS, "hybrid"}
    yield name
    yield "kit" if bucket and not name.startswith("hybrid") else "kernels" if kernel else "tests"
    yield f"[{kernel}](kernels/{kernel}.md)" if kernel else "–"
    own = {(row["precision"], row["engine"]): row for row in rows["ledger"] if row["model"] == name}
    single, double, native = (own.get(k) for k in (("float32", "auto"), ("float64", "auto"), ("float32", "native")))
    yield from (_number(single, level) for level in ("step", "event", "run"))
    yield _number(double, "run")
    engines = next((row for row in rows["engines"] if row["model"] == name), {})
    yield _number(native, "run") if native else _mark(engines.get("native"))
    yield _mark(engines.get("fused"))
    precision = next((row for row in rows["precision"] if row["model"] == name), None)
    yield from (_number(precision, part) for part in ("outputs_median", "gradients_median"))
    yield _mark(bucket or name.startswith("network"))


def _rows(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["rows"])


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _number(row: dict[str, Any] | None, key: str) -> str:
    return "–" if row is None or row[key] is None else f"{row[key]:.0e}"


def _mark(holds: bool | None) -> str:
    return "✓" if holds else "–"
