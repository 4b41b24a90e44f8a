"""Whether simulated streamflow rises or falls over the years as the observed does.

The trend of a basin is the slope of a straight line through the means of its tested water years, by least squares
[mm/d a decade]; years with fewer than nine tenths of their days observed are left out.
"""

import numpy as np
import xarray as xr
from jaxtyping import Float

from dgeo.experiments.results import Results
from dgeo.experiments.scoring import ENSEMBLE
from dgeo.experiments.show import Table

FULL = 0.9 * 365
FEWEST = 5  # years, without which a basin has no trend
Site = Float[np.ndarray, " basin"]


def trends(results: Results) -> Table:
    """One row a split, test and model: correlation of the trends over basins, and the median error."""
    rows: list[list[object]] = []
    places = {(d.cell.split, test, d.cell.model): None for d in results.cells for test in d.cell.tests}
    for split, test, model in places:
        sums = results.sums(test, members=ENSEMBLE, model=model, split=split)
        if sums is None:
            continue
        simulated, observed = slopes(sums, "s"), slopes(sums, "o")
        known = np.isfinite(simulated) & np.isfinite(observed)
        if known.sum() > 2:
            together = float(np.corrcoef(simulated[known], observed[known])[0, 1])
            error = float(np.median(np.abs(simulated - observed)[known]))
            middles = [float(np.median(series[known])) for series in (observed, simulated)]
            rows.append([f"{split}: {test}", model, together, error, *middles, int(known.sum())])
    header = [
        "test",
        "model",
        "correlation",
        "median error",
        "observed, median",
        "simulated, median",
        "basins",
    ]
    note = "Slopes of the yearly means of the ensembles, in mm/d a decade; the correlation is that over basins."
    return Table("trends", "Trends of streamflow", header, rows, note)


def slopes(sums: xr.Dataset, name: str) -> Site:
    """The trend of each basin in the mean of a sum over years, of its first member; NaN with few years."""
    n, total = (sums[key].isel(member=0).transpose("year", "basin").values for key in ("n", name))
    years = np.broadcast_to(sums["year"].values.astype(float)[:, None], n.shape)
    weight = (n >= FULL).astype(float)
    mean = np.divide(total, n, out=np.zeros_like(total), where=n > 0)
    count = weight.sum(axis=0)
    enough = count >= FEWEST
    middle = (weight * years).sum(axis=0) / np.maximum(count, 1)
    apart = weight * (years - middle[None])
    spread = (apart**2).sum(axis=0)
    slope = np.divide((apart * mean).sum(axis=0), spread, out=np.full(spread.shape, np.nan), where=spread > 0)
    return np.where(enough, 10 * slope, np.nan)
