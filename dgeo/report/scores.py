"""How good the model is: summary table, distribution and map of the scores."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dgeo.errors import DgeoError
from dgeo.report.drawing import FAINT, LINES, Margins, image, new_figure
from dgeo.report.maps import MapPanel, draw_maps
from dgeo.report.markup import picture, table
from dgeo.report.run_files import read_json, read_scores, read_table
from dgeo.report.wording import duration, label, number, percent

_EFFICIENCIES = ("nse", "kge", "log_nse")


def score_table(run: Path) -> str:
    """Median, mean, interval and failures of every metric in `metrics.json`."""
    test = _summaries(read_json(run / "metrics.json").get("test"))
    if not test:
        raise DgeoError("The file metrics.json has no scores under test, so the table of scores is left out.")
    return _table_of("Test period", test)


def target_tables(run: Path) -> str:
    """The same for each further variable that the model was trained on; nothing where there is none."""
    targets = read_json(run / "metrics.json").get("targets")
    found = {name: _summaries(part) for name, part in targets.items()} if isinstance(targets, dict) else {}
    return "".join(_table_of(label(name), summaries) for name, summaries in found.items() if summaries)


def seed_table(run: Path) -> str:
    """The median NSE and the wall time of every ensemble member; nothing where the file lists none."""
    seeds = read_json(run / "metrics.json").get("seeds")
    members = [seed for seed in seeds if isinstance(seed, dict)] if isinstance(seeds, list) else []
    if not members:
        return ""
    rows = [[str(seed.get("seed", "–")), seed.get("nse"), duration(seed.get("seconds"))] for seed in members]
    return table(["Seed", "Median NSE", "Wall time"], rows, "Members of the ensemble, each by itself")


def score_distribution(run: Path) -> str:
    """The cumulative distribution of the efficiencies over basins."""
    known = read_table(run / "metrics.csv").columns
    names = [name for name in _EFFICIENCIES if name in known]
    if not names:
        raise DgeoError("The file metrics.csv has neither a column nse nor kge, so the distribution is left out.")
    scores = read_scores(run / "metrics.csv", *names)
    below = "; ".join(f"{label(name)} is below 0 in {percent(_share_below(scores[name]))}" for name in names)
    caption = f"Share of basins with a score at or below the value on the axis. {below} of basins."
    source = image(partial(draw_distribution, {label(name): scores[name].to_numpy() for name in names}))
    return picture(source, "Cumulative distribution of scores over basins", caption)


def draw_distribution(scores: Mapping[str, np.ndarray]) -> Figure:
    """Empirical distribution functions, with the median of the first score marked."""
    figure, grid = new_figure(3.4, Margins(top=0.1))
    axis = grid[0, 0]
    for (name, values), colour in zip(scores.items(), LINES, strict=False):
        ordered = np.sort(values[np.isfinite(values)])
        share = np.arange(1, ordered.size + 1) / max(ordered.size, 1)
        median = number(float(np.median(ordered))) if ordered.size else "–"
        axis.step(ordered, share, where="post", color=colour, label=f"{name}, median {median}", linewidth=1.6)
        axis.plot(np.median(ordered) if ordered.size else np.nan, 0.5, "o", color=colour, markersize=4)
    axis.axhline(0.5, color=FAINT, linewidth=0.7, linestyle=(0, (4, 3)))
    tails = [np.nanpercentile(values, 2) - 0.05 for values in scores.values() if np.isfinite(values).any()]
    axis.set(
        xlim=(max(-0.5, min(0.5, *tails)) if tails else 0.0, 1.0),
        ylim=(0, 1),
        xlabel="Score",
        ylabel="Share of basins",
    )
    axis.legend(loc="upper left")
    return figure


def score_map(run: Path) -> str:
    """The first two efficiencies on a map."""
    known = read_table(run / "metrics.csv").columns
    names = [name for name in ("nse", "kge") if name in known]
    scores = read_scores(run / "metrics.csv", "longitude", "latitude", *names)
    placed = scores.dropna(subset=["longitude", "latitude"])
    if placed.empty or not names:
        raise DgeoError("The file metrics.csv has no basin with a position and a score, so the map is left out.")
    panels = [MapPanel(label(name), placed[name].to_numpy(), (0.0, 1.0)) for name in names]
    draw = partial(draw_maps, placed["longitude"].to_numpy(), placed["latitude"].to_numpy(), panels, len(panels))
    caption = "Scores in the test period. Colours end at 0; low scores lie on top, a basin without one is hollow."
    return picture(image(draw), "Map of scores", caption)


def _summaries(part: object) -> dict[str, Mapping[str, Any]]:
    entries = part.items() if isinstance(part, dict) else ()
    return {name: entry for name, entry in entries if isinstance(entry, dict) and "median" in entry}


def _table_of(title: str, summaries: Mapping[str, Mapping[str, Any]]) -> str:
    header = [title, "Median", "Interval of the median", "Mean", "Basins", "Failures"]
    return table(header, [_row(name, summary) for name, summary in summaries.items()])


def _row(name: str, summary: Mapping[str, Any]) -> list[object]:
    interval = _interval(summary.get("interval"))
    return [
        label(name),
        summary.get("median"),
        interval,
        *(summary.get(key) for key in ("mean", "n", "failures")),
    ]


def _interval(bounds: object) -> str:
    if not isinstance(bounds, list) or len(bounds) != 2:
        return "–"
    return f"{number(bounds[0])} to {number(bounds[1])}"


def _share_below(scores: pd.Series) -> float:
    finite = scores[np.isfinite(scores)]
    return float((finite < 0).mean()) if len(finite) else float("nan")
