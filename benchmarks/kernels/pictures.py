"""One row of panels, as all figures of the kernels are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


@contextmanager
def panels(path: Path, count: int, width: float = 3.7, height: float = 3.2, dpi: int = 80) -> Iterator[list[Any]]:
    """The axes of a row; every panel with labels and no legend of its own gets one, and the figure is written."""
    figure, axes = plt.subplots(1, count, figsize=(width * count, height), layout="constrained")
    yield list(axes)
    for panel in axes:
        if panel.get_legend() is None and panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize=6)
    figure.savefig(path, dpi=dpi)
    plt.close(figure)
