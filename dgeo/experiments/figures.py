"""The figures that studies share."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure as Drawing

from dgeo.experiments.results import Results
from dgeo.experiments.scoring import ENSEMBLE
from dgeo.experiments.show import Figure, file_name
from dgeo.report.drawing import FAINT, LINES, Margins, new_figure
from dgeo.report.scores import draw_distribution


def distributions(results: Results, splits: Sequence[str] | None = None) -> list[Figure]:
    """The distribution of the ensembles' NSE over basins, one figure a test."""
    scores = results.scores
    figures = []
    if scores.empty:
        return []
    joint = scores[scores["member"] == ENSEMBLE]
    for (split, test), chosen in joint.groupby(["split", "test"], sort=False):
        if splits is not None and split not in splits:
            continue
        values = {model: part["nse"].to_numpy() for model, part in chosen.groupby("model", sort=False)}
        shown = dict(list(values.items())[: len(LINES)])
        caption = f"{split}, {test}: share of basins whose NSE is at or below the value on the axis."
        figures.append(Figure(file_name(f"distribution_{split}_{test}"), caption, partial(draw_distribution, shown)))
    return figures


def draw_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[tuple[float, float]]]],
    across: str,
    up: str,
    *,
    logarithmic: bool = True,
) -> Drawing:
    """Values with their ranges against a place on an axis, one line a name."""
    figure, grid = new_figure(4.0, Margins(top=0.1))
    axis = grid[0, 0]
    for (name, (x, y, ranges)), colour in zip(curves.items(), LINES * 3, strict=False):
        low, high = np.array(ranges, float).T if len(ranges) else (y, y)
        axis.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        axis.plot(x, y, "o-", color=colour, label=name, markersize=4)
    if logarithmic:
        axis.set_xscale("log")
    axis.set(xlabel=across, ylabel=up)
    axis.legend(loc="best")
    return figure


def draw_differences(rows: Sequence[tuple[str, float, float, float]], across: str) -> Drawing:
    """Estimates with their intervals, one below the other, beside a line at 0."""
    figure, grid = new_figure(0.8 + 0.32 * max(len(rows), 1), Margins(left=3.2, top=0.1))
    axis = grid[0, 0]
    axis.axvline(0, color=FAINT, linewidth=0.8)
    for place, (_, value, low, high) in enumerate(rows):
        axis.plot([low, high], [place, place], color=LINES[0], linewidth=1.6)
        axis.plot(value, place, "o", color=LINES[0], markersize=4)
    axis.set_yticks(range(len(rows)), [row[0] for row in rows])
    axis.set(xlabel=across, ylim=(len(rows) - 0.5, -0.5))
    return figure
