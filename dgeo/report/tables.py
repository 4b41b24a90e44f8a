"""Sections of tables or texts: hidden variables, recovered parameters, mass ledger, origin of the run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dgeo.errors import DgeoError
from dgeo.report.markup import folded, paragraph, table
from dgeo.report.run_files import read_json, read_text
from dgeo.report.wording import label, number

_MEASURES = ("anomaly_correlation", "nse", "bias")


def hidden_table(run: Path) -> str:
    """Scores of variables never shown in training, beside the untrained model's; may be empty."""
    hidden = _mapping(read_json(run / "metrics.json").get("hidden"))
    rows = [_hidden_row(name, entry) for name, entry in hidden.items() if isinstance(entry, dict)]
    header = [
        "Variable",
        *(f"{label(measure)}{which}" for measure in _MEASURES for which in ("", ", untrained")),
    ]
    caption = "Variables that training never saw, against the truth, and the same of the model before training"
    return table(header, rows, caption) if rows else ""


def recovery_table(run: Path) -> str:
    """Correlation of learned parameters with the truth behind virtual basins; may be empty."""
    recovery = _mapping(read_json(run / "metrics.json").get("recovery"))
    found = {name: _mapping(value) for name, value in recovery.items()}
    kinds = list(dict.fromkeys(kind for value in found.values() for kind in value))
    rows = [[label(name), *(value.get(kind) for kind in kinds)] for name, value in found.items()]
    caption = "Correlation of learned parameters with the true ones, over basins"
    return table(["Parameter", *map(label, kinds)], rows, caption) if rows else ""


PROBES, KEYS = "probes.json", ("probe", "verdict", "figure")
LEDGER = {"inflows": "Inflow", "outflows": "Outflow", "exchanges": "Exchange, in", "stores": "Change in store"}


def ledger_table(run: Path) -> str:
    """Inflows, outflows, exchanges, change of stores and what is left over, each also as a share of the inflow.

    A declared exchange through which nothing went is left out.
    """
    ledger = read_json(run / "ledger.json")
    parts = {title: _mapping(ledger.get(key)) for key, title in LEDGER.items()}
    parts["Exchange, in"] = {name: value for name, value in parts["Exchange, in"].items() if value}
    if not any(parts.values()):
        raise DgeoError("The file ledger.json names no inflow, outflow or store, so the ledger is left out.")
    supply = sum(value for value in parts["Inflow"].values() if isinstance(value, int | float))
    rows: list[list[object]] = [
        [f"{title}: {label(name).lower()}", _depth(value), _share(value, supply)]
        for title, part in parts.items()
        for name, value in part.items()
    ]
    rows.append(["Residual", ledger.get("residual"), _scientific(ledger.get("relative_residual"))])
    for key, title in {"steps": "Worst day", "events": "Worst event"}.items():
        if worst := _mapping(ledger.get(key)):
            place = f"{title}: from {worst.get('day')}, basin {worst.get('basin')}"
            rows.append([place, None, _scientific(worst.get("relative_residual"))])
    return table(["Mean over basins", "mm", "Share of inflow"], rows, "Water in the test period")


def probe_table(run: Path) -> str:
    """What `dgeo probe` found: every probe that applies, in words."""
    if not (run / PROBES).is_file():
        return paragraph(f"This model has not been examined: `dgeo probe {run.resolve().name}` puts it to the probes.")
    found = read_json(run / PROBES).get("rows")
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    applied = [row for row in rows if row.get("verdict") in ("pass", "fail")]
    if not applied:
        raise DgeoError(f"The file {PROBES} holds no findings, so they are left out; `dgeo probe` makes it anew.")
    passed = sum(row["verdict"] == "pass" for row in applied)
    caption = f"Passes {passed} of {len(applied)} probes; what each asks is in docs/trust.md"
    return table(["Probe", "Verdict", "Figure"], [[_word(row, key) for key in KEYS] for row in applied], caption)


def origin(run: Path) -> str:
    """The resolved configuration, the environment and the data's fingerprint, folded in."""
    titles = {"config.yaml": "Configuration", "environment.json": "Environment", "data.json": "Data"}
    return "".join(_folded_file(run / name, title) for name, title in titles.items())


def _folded_file(path: Path, title: str) -> str:
    try:
        return folded(f"{title} ({path.name})", read_text(path))
    except DgeoError as error:
        return paragraph(str(error), "missing")


def _word(row: Mapping[str, Any], key: str) -> str:
    return str(row.get(key, "–"))


def _hidden_row(name: str, entry: Mapping[str, Any]) -> list[object]:
    before = _mapping(entry.get("untrained"))
    return [label(name), *(source.get(measure) for measure in _MEASURES for source in (entry, before))]


def _depth(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, int | float) else number(value)


def _share(value: object, supply: float) -> str:
    return f"{100 * value / supply:.2f} %" if isinstance(value, int | float) and supply else "–"


def _scientific(value: object) -> str:
    return f"{value:.1e}" if isinstance(value, int | float) else number(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
