"""Basins on a plain graticule, coloured by a value."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from dgeo.report.drawing import WIDTH, Margins, new_figure

_MARGINS = Margins(left=0.45, right=0.4, bottom=0.25, across=0.9, down=0.45)


@dataclass(frozen=True)
class MapPanel:
    """One map: values [basin], title, limits of the colours (None: the 2nd and 98th percentile)."""

    title: str
    values: np.ndarray
    limits: tuple[float, float] | None = None


def draw_maps(longitude: np.ndarray, latitude: np.ndarray, panels: list[MapPanel], columns: int) -> Figure:
    """Small multiples of the same basins, longitude and latitude in degrees, values [basin]."""
    rows = math.ceil(len(panels) / columns)
    height = rows * (WIDTH / columns * _aspect(longitude, latitude) + 0.35)
    figure, grid = new_figure(height, _MARGINS, rows, columns)
    axes = grid.ravel()
    for axis, panel in zip(axes, panels, strict=False):
        draw_map(figure, axis, longitude, latitude, panel)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    return figure


def draw_map(figure: Figure, axis: Axes, longitude: np.ndarray, latitude: np.ndarray, panel: MapPanel) -> None:
    """Scatter the basins, the lowest value on top so that no failure hides, those without a value hollow."""
    order = np.argsort(-panel.values)
    low, high = panel.limits or _percentiles(panel.values)
    size = float(np.clip(9000 / longitude.size, 9, 45))
    empty = ~np.isfinite(panel.values)
    axis.scatter(longitude[empty], latitude[empty], s=size, facecolors="none", edgecolors="#8a949e", linewidths=0.6)
    points = axis.scatter(
        longitude[order],
        latitude[order],
        c=panel.values[order],
        s=size,
        cmap="viridis",
        norm=Normalize(low, high),
        edgecolors="white",
        linewidths=0.25,
    )
    graticule(axis, latitude)
    axis.set_title(panel.title)
    extend = ("min" if np.nanmin(panel.values, initial=low) < low else "") + (
        "max" if np.nanmax(panel.values, initial=high) > high else ""
    )
    bar = figure.colorbar(
        points,
        ax=axis,
        aspect=24,
        pad=0.02,
        fraction=0.05,
        extend={"minmax": "both", "": "neither"}.get(extend, extend),
    )
    bar.outline.set_visible(False)


def graticule(axis: Axes, latitude: np.ndarray) -> None:
    """Degrees along the edges, true proportions at the middle latitude."""
    middle = min(75.0, abs(float(np.mean(latitude))))
    axis.set_aspect(1.0 / math.cos(math.radians(middle)), adjustable="datalim")
    axis.margins(0.04)
    for edge, letters in ((axis.xaxis, "EW"), (axis.yaxis, "NS")):
        edge.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        edge.set_major_formatter(FuncFormatter(lambda degrees, _, letters=letters: _degrees(degrees, letters)))
    axis.tick_params(length=0, labelsize=7.5)


def _degrees(degrees: float, letters: str) -> str:
    return f"{abs(degrees):g}°{letters[int(degrees < 0)] if degrees else ''}"


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(limit) for limit in np.percentile(finite, (2, 98)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _aspect(longitude: np.ndarray, latitude: np.ndarray) -> float:
    """Height over width of a panel, within what a page bears."""
    width = float(np.ptp(longitude)) * math.cos(math.radians(float(np.mean(latitude))))
    return float(np.clip(0.9 * np.ptp(latitude) / max(width, 1e-3), 0.35, 0.8))
