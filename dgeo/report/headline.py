"""The numbers at the top of the page."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from dgeo.errors import DgeoError
from dgeo.report.run_files import open_dataset, read_json
from dgeo.report.wording import duration, number


def headline(run: Path) -> str:
    """Cards with the median NSE and KGE, the number of basins and the wall time; dashes where not known."""
    try:
        metrics: Mapping[str, Any] = read_json(run / "metrics.json")
    except DgeoError:
        metrics = {}
    nse, kge = _summary(metrics, "nse"), _summary(metrics, "kge")
    cards = {
        "median NSE": number(nse.get("median")),
        "median KGE": number(kge.get("median")),
        "basins": number(nse.get("n")),
        "wall time": duration(metrics.get("seconds")),
        "test period": period(run),
    }
    return "".join(f'<div class="card"><b>{escape(value)}</b>{title}</div>' for title, value in cards.items())


def period(run: Path) -> str:
    """The years that the simulation covers, or a dash."""
    try:
        with open_dataset(run / "simulation.nc", "time") as simulation:
            time = simulation["time"].values
    except DgeoError:
        return "–"
    years = time[[0, -1]].astype("datetime64[Y]").astype(str) if time.size else ("", "")
    return f"{years[0]}–{years[1]}" if time.size else "–"


def _summary(metrics: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    test = metrics.get("test")
    summary = test.get(name) if isinstance(test, dict) else None
    return summary if isinstance(summary, dict) else {}
