"""The look of all figures, and their way into the page."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from dgeo.errors import DgeoError

WIDTH = 10.0
INK = "#1f2933"
FAINT = "#8a949e"
OBSERVED = "#8a949e"
SIMULATED = "#d1495b"
WATER = "#6fa8dc"
LINES = ("#1b6ca8", "#e08e2b", "#2a9d6f", "#8e5ea2", "#c44e52", "#5b6770", "#b5a642", "#3fb6c6")

# Names come from files, so a dollar sign must stay one: no mathtext. The salt makes the page reproducible.
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "font.size": 8.5,
    "grid.color": "#e4e8ec",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "svg.hashsalt": "dgeo",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
}


@dataclass(frozen=True)
class Margins:
    """Room around and between the panels of a figure [inch], fixed: searching takes longer than drawing."""

    left: float = 0.65
    right: float = 0.15
    bottom: float = 0.45
    top: float = 0.25
    across: float = 0.65
    down: float = 0.65


def new_figure(
    height: float, margins: Margins, rows: int = 1, columns: int = 1, ratios: Sequence[float] | None = None
) -> tuple[Figure, np.ndarray]:
    """A figure of `WIDTH` by `height` [inch] and its axes [row, column], free of any global state."""
    figure = Figure(figsize=(WIDTH, height))
    panel_width = (WIDTH - margins.left - margins.right - (columns - 1) * margins.across) / columns
    panel_height = (height - margins.bottom - margins.top - (rows - 1) * margins.down) / rows
    figure.subplots_adjust(
        left=margins.left / WIDTH,
        right=1 - margins.right / WIDTH,
        bottom=margins.bottom / height,
        top=1 - margins.top / height,
        wspace=margins.across / panel_width,
        hspace=margins.down / panel_height,
    )
    return figure, figure.subplots(rows, columns, squeeze=False, height_ratios=ratios)


def image(draw: Callable[[], Figure]) -> str:
    """What `draw` returns, in the report's style, as a data URI holding an SVG.

    Raises `DgeoError` for values that matplotlib cannot place, such as an infinite loss.
    """
    buffer = io.BytesIO()
    try:
        with matplotlib.rc_context(STYLE):
            draw().savefig(buffer, format="svg", metadata={"Date": None}, dpi=160)
    except (ValueError, TypeError, ArithmeticError, IndexError) as error:
        raise DgeoError(f"A picture cannot be drawn of these values ({error}), so this part is left out.") from error
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
