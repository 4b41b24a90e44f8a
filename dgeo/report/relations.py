"""Which attribute of a basin goes with which parameter: rank correlations and the clearest pairs."""

import math
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dgeo.errors import DgeoError
from dgeo.report.drawing import INK, LINES, WIDTH, Margins, image, new_figure
from dgeo.report.markup import picture
from dgeo.report.parameters import basin_mean, read_attributes, read_parameters, units
from dgeo.report.wording import label, with_units

_ATTRIBUTES = 30
_PAIRS = 6


def parameter_relations(run: Path) -> str:
    """A heatmap of Spearman's correlations and scatter panels of the strongest pairs."""
    learned, attributes = read_parameters(run), read_attributes(run)
    if not attributes:
        raise DgeoError("The file parameters.nc holds no numeric attributes, so their relations are left out.")
    matrix = rank_correlations(learned, attributes)
    if matrix.empty:
        raise DgeoError("Fewer than three basins vary in parameters and attributes, so relations are left out.")
    pairs = strongest_pairs(matrix)
    heat = "Spearman's rank correlation of learned parameters with attributes over basins, written from ±0.5 on."
    clear = "The parameters that one attribute explains best, each against that attribute; one point a basin."
    return picture(image(partial(draw_matrix, matrix)), "Heatmap of rank correlations", heat) + picture(
        image(partial(draw_pairs, learned, attributes, pairs, matrix)), "Parameters against attributes", clear
    )


def rank_correlations(learned: dict[str, xr.DataArray], attributes: dict[str, xr.DataArray]) -> pd.DataFrame:
    """Spearman's correlation [parameter, attribute], most telling attributes first, constant ones dropped."""
    left = pd.DataFrame({("parameter", name): basin_mean(field) for name, field in learned.items()})
    right = pd.DataFrame({("attribute", name): np.asarray(field, float) for name, field in attributes.items()})
    matrix = pd.concat([left, right], axis=1).corr(method="spearman", min_periods=3)
    matrix = matrix.loc["parameter", "attribute"].dropna(axis=0, how="all").dropna(axis=1, how="all")
    order = matrix.abs().max().sort_values(ascending=False, kind="stable").index
    return matrix[order[:_ATTRIBUTES]]


def strongest_pairs(matrix: pd.DataFrame) -> list[tuple[str, str]]:
    """(parameter, attribute), each parameter once, the clearest first."""
    strength = matrix.abs()
    best = strength.max(axis=1).sort_values(ascending=False, kind="stable").index[:_PAIRS]
    return [(str(name), str(strength.loc[name].idxmax())) for name in best]


def draw_matrix(matrix: pd.DataFrame) -> Figure:
    """Parameters down, attributes across, blue for negative and red for positive."""
    rows, columns = matrix.shape
    names = [label(str(name)) for name in matrix.index]
    attributes = [label(str(name)) for name in matrix.columns]
    margins = Margins(left=text_width(names), bottom=0.75 * text_width(attributes), right=0.65, top=0.1)
    figure, grid = new_figure(margins.bottom + margins.top + 0.26 * rows, margins)
    axis = grid[0, 0]
    values = matrix.to_numpy()
    mesh = axis.pcolormesh(values, cmap="RdBu_r", vmin=-1, vmax=1, edgecolors="white", linewidth=0.8)
    axis.set_xticks(np.arange(columns) + 0.5, attributes, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(np.arange(rows) + 0.5, names)
    axis.invert_yaxis()
    axis.grid(visible=False)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    for row, column in np.argwhere(np.abs(values) >= 0.5):
        value = values[row, column]
        colour = "white" if abs(value) > 0.7 else INK
        axis.text(column + 0.5, row + 0.5, f"{value:.1f}", ha="center", va="center", fontsize=6.5, color=colour)
    figure.colorbar(
        mesh, ax=axis, shrink=0.9, aspect=25, pad=0.015, fraction=0.04, label="Rank correlation"
    ).outline.set_visible(False)
    return figure


def text_width(texts: list[str]) -> float:
    """About how wide the longest text is as a label [inch], at most a third of the page."""
    return min(0.2 + 0.07 * max(len(text) for text in texts), WIDTH / 3)


def draw_pairs(
    learned: dict[str, xr.DataArray],
    attributes: dict[str, xr.DataArray],
    pairs: list[tuple[str, str]],
    matrix: pd.DataFrame,
) -> Figure:
    """One scatter panel a pair."""
    columns = min(3, len(pairs))
    rows = math.ceil(len(pairs) / columns)
    figure, grid = new_figure(2.5 * rows, Margins(), rows, columns)
    panels = grid.ravel()
    for axis, (parameter, attribute) in zip(panels, pairs, strict=False):
        horizontal, vertical = np.asarray(attributes[attribute], float), basin_mean(learned[parameter])
        axis.plot(horizontal, vertical, "o", color=LINES[0], alpha=0.5, markersize=3, markeredgewidth=0)
        axis.set_xlabel(with_units(label(attribute), units(attributes[attribute])))
        axis.set_ylabel(with_units(label(parameter), units(learned[parameter])))
        axis.set_title(f"ρ = {matrix.loc[parameter, attribute]:.2f}", fontsize=8.5)
    for axis in panels[len(pairs) :]:
        axis.set_axis_off()
    return figure
