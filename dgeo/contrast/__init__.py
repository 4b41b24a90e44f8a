"""Neighbours of differentiable modelling, kept beside it with their error and their cost."""

from dgeo.contrast.aquifer import Aquifer
from dgeo.contrast.aquifer_pinn import aquifer_calibrated, aquifer_pinn
from dgeo.contrast.experiment import Contrast, ContrastConfig, Row, contrast, read_contrast, write_contrast
from dgeo.contrast.picture import draw_contrast
from dgeo.contrast.pinn import Network, Observed, PinnResult, pinn
from dgeo.contrast.solved import calibrate, solved

__all__ = [
    "Aquifer",
    "Contrast",
    "ContrastConfig",
    "Network",
    "Observed",
    "PinnResult",
    "Row",
    "aquifer_calibrated",
    "aquifer_pinn",
    "calibrate",
    "contrast",
    "draw_contrast",
    "pinn",
    "read_contrast",
    "solved",
    "write_contrast",
]
