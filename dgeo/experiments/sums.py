"""What a hydrograph leaves behind of each water year, from which its scores follow for any choice of years.

    n, Σo, Σo², Σs, Σs², Σso        simulated s, observed o [mm d-1], over the observed days of a year

Sums of years add up, so that NSE and KGE of resampled years need no hydrograph:

    NSE = 1 − (Σs² − 2Σso + Σo²)/(Σo² − (Σo)²/n)
"""

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from dgeo.data import water_year

NAMES = ("n", "o", "oo", "s", "ss", "so")
Parts = Float[np.ndarray, "member year basin"]


def yearly_sums(
    simulated: Float[np.ndarray, "member time basin"], observed: xr.DataArray, members: list[str]
) -> xr.Dataset:
    """The sums [member, year, basin] of simulations of the days and basins of `observed`; a gap adds nothing.

    A simulation that is not finite on an observed day makes the sums of its year NaN.
    """
    time, o = observed["time"].values, observed.transpose("time", "basin").values.astype(np.float64)
    years, of_day = np.unique(water_year(time), return_inverse=True)
    present = np.isfinite(o)
    o = np.where(present, o, 0.0)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}
    for member in simulated:
        s = np.where(present, member.astype(np.float64), 0.0)
        products = {"n": present.astype(np.float64), "o": o, "oo": o * o, "s": s, "ss": s * s, "so": s * o}
        for name, values in products.items():
            parts[name].append(_by_year(values, of_day, len(years)))
    coordinates = {"member": members, "year": years, "basin": observed["basin"].values.astype(str)}
    variables = {name: (("member", "year", "basin"), np.stack(values)) for name, values in parts.items()}
    return xr.Dataset(variables, coordinates)


def efficiency(sums: dict[str, np.ndarray]) -> np.ndarray:
    """NSE [1] of sums that were added up over years; NaN where the observations never vary."""
    n = np.maximum(sums["n"], 1)
    spread = sums["oo"] - sums["o"] ** 2 / n
    error = sums["ss"] - 2 * sums["so"] + sums["oo"]
    varies = spread > 1e-9 * np.maximum(sums["oo"], 1e-12)
    return 1 - np.divide(error, spread, out=np.full(np.shape(error), np.nan), where=varies)


def kling_gupta(sums: dict[str, np.ndarray]) -> np.ndarray:
    """KGE of 2009 [1] of sums that were added up over years; NaN where either never varies."""
    n = np.maximum(sums["n"], 1)
    mean_s, mean_o = sums["s"] / n, sums["o"] / n
    var_s, var_o = (np.maximum(sums[k * 2] / n - mean**2, 0) for k, mean in (("s", mean_s), ("o", mean_o)))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = (sums["so"] / n - mean_s * mean_o) / np.sqrt(var_s * var_o)
        ratio, bias = np.sqrt(var_s / var_o), mean_s / mean_o
        return 1 - np.sqrt((correlation - 1) ** 2 + (ratio - 1) ** 2 + (bias - 1) ** 2)


def _by_year(values: Float[np.ndarray, "time basin"], of_day: Int[np.ndarray, " time"], years: int) -> np.ndarray:
    total = np.zeros((years, values.shape[1]))
    np.add.at(total, of_day, values)
    return total
