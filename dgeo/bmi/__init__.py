"""Trained runs behind the Basic Model Interface of CSDMS; needs the package bmipy (`pip install dgeo[bmi]`).

`dgeo.bmi.trained_run` has the keys of the file that `initialize` reads.
"""

from dgeo.bmi.trained_run import Settings, TrainedRun

__all__ = ["Settings", "TrainedRun"]
