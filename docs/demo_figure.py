"""Draw the picture of the README from a finished demo: `python docs/demo_figure.py dgeo-demo docs/demo.png`.

The basin is the one with the median NSE; dashed lines are the truth, which the model never saw.
"""

import sys
from pathlib import Path

import pandas as pd
import xarray as xr

from dgeo.report.hydrographs import Series, draw_hydrograph, stretch


def main(run: Path, picture: Path) -> None:
    """Two years of the median basin."""
    scores = pd.read_csv(run / "metrics.csv", dtype={"basin": str}).sort_values("nse")
    with xr.open_dataset(run / "simulation.nc", engine="h5netcdf") as simulation:
        basin = simulation.sel(basin=scores["basin"].iloc[len(scores) // 2]).load()
    series = {
        str(name): Series(field.values.astype(float), field.attrs.get("units", ""))
        for name, field in basin.data_vars.items()
    }
    window = stretch(basin["time"].values, series["streamflow_observed"])
    shown = {name: Series(one.values[window], one.units) for name, one in series.items()}
    draw_hydrograph(basin["time"].values[window], shown).savefig(picture, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
