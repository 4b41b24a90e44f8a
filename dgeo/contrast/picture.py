"""The picture of a contrast: solutions on the left, losses on the right."""

import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from dgeo.contrast.experiment import Contrast
from dgeo.numerics import write_atomically

STYLES = {"truth": ("black", "-", 1.6), "solver": ("tab:blue", "--", 1.4), "PINN": ("tab:red", "-", 1.0)}


def draw_contrast(path: str | Path, found: Contrast) -> Path:
    """Write the picture as PNG."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    (upper, right), (lower, rest) = figure.subplots(2, 2, width_ratios=(3, 2))
    for axes, series, names in (
        (upper, found.runoff, ("day", "runoff [mm/d]", "Runoff of one basin")),
        (lower, found.heads, ("cell", "head [m]", "Groundwater head on the last day")),
    ):
        for name, values in series.items():
            colour, line, width = STYLES[name]
            axes.plot(np.arange(1, len(values) + 1), values, line, color=colour, linewidth=width, label=name)
        axes.set(xlabel=names[0], ylabel=names[1], title=names[2])
        axes.legend(frameon=False)
    for name, losses in found.losses.items():
        right.semilogy(losses, label=name, linewidth=0.8)
    right.set(xlabel="step of training", ylabel="loss", title="Training the networks")
    right.legend(frameon=False, fontsize="small")
    for problem in dict.fromkeys(row.problem for row in found.rows):
        rows = [row for row in found.rows if row.problem == problem]
        rest.loglog([row.seconds for row in rows], [row.error for row in rows], "o", label=problem)
        for row in rows:
            rest.annotate(row.method, (row.seconds, row.error), fontsize=8, xytext=(4, 4), textcoords="offset points")
    rest.set(xlabel="seconds, without compiling", ylabel="relative error", title="Error against cost")
    rest.legend(frameon=False, fontsize="small")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    path = Path(path)
    write_atomically(path, lambda temporary: temporary.write_bytes(buffer.getvalue()))
    return path
