"""How training went: loss and validation score of every seed."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from dgeo.report.drawing import LINES, Margins, image, new_figure
from dgeo.report.markup import picture
from dgeo.report.run_files import read_table
from dgeo.report.wording import duration

_POINTS = 150


def training_curves(run: Path) -> str:
    """Loss and, where it was evaluated, median validation NSE against the optimiser step."""
    history = read_table(run / "history.csv", "seed", "step", "loss")
    phases = history["phase"].astype(str) if "phase" in history else pd.Series("training", index=history.index)
    numeric = {
        name: pd.to_numeric(history[name], errors="coerce")
        for name in ("step", "loss", "validation", "seconds")
        if name in history
    }
    history = history.assign(phase=phases, seed=history["seed"].astype(str), **numeric)
    longest = history["seconds"].max() if "seconds" in history else float("nan")
    caption = (
        f"One colour a seed, at most {_POINTS} averages a curve; dashed: refitted on all training years. "
        f"The slowest seed took {duration(float(longest))}."
    )
    return picture(image(partial(draw_curves, history)), "Loss and validation score against step", caption)


def draw_curves(history: pd.DataFrame) -> Figure:
    """Two panels, or one where no validation score was ever evaluated."""
    validated = "validation" in history and history["validation"].notna().any()
    figure, grid = new_figure(3.0, Margins(top=0.1), columns=1 + int(validated))
    panels = grid[0]
    draw_column(panels[0], history, "loss", "Loss")
    log_axis(panels[0], history["loss"])
    if validated:
        draw_column(panels[1], history, "validation", "Median validation NSE")
        shown = history["validation"].dropna()
        panels[1].set_ylim(max(shown.min(), np.percentile(shown, 50) - 0.4) - 0.02, shown.max() + 0.02)
    if len(panels[0].get_legend_handles_labels()[1]) > 1:
        panels[0].legend(title="Seed", loc="upper right", ncols=2)
    return figure


def draw_column(axis: Axes, history: pd.DataFrame, column: str, title: str) -> None:
    """One curve a seed and phase."""
    colours = dict(zip(history["seed"].unique(), LINES * (1 + history["seed"].nunique() // len(LINES)), strict=False))
    for (seed, phase), rows in history.dropna(subset=["step", column]).groupby(["seed", "phase"], sort=False):
        thin = thinned(rows, column)
        refit = phase == "refit"
        axis.plot(
            thin["step"],
            thin[column],
            color=colours[seed],
            linestyle="--" if refit else "-",
            label=f"_{seed}" if refit else seed,
            marker="." if len(thin) < 30 else "",
        )
    axis.set(xlabel="Optimiser step", ylabel=title)


def thinned(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Averages over consecutive steps, so that a curve of any length stays legible and small."""
    ordered = rows.sort_values("step")[["step", column]].reset_index(drop=True)
    return ordered.groupby(np.arange(len(ordered)) // (1 + len(ordered) // _POINTS)).mean()


def log_axis(axis: Axes, loss: pd.Series) -> None:
    """A logarithmic axis with plain numbers, where every loss is positive."""
    if not (loss.dropna() > 0).all():
        return
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
