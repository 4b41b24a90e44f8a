"""What the network learned: maps of the parameters and their distance from the bounds."""

from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from dgeo.errors import DgeoError
from dgeo.report.drawing import image
from dgeo.report.maps import MapPanel, draw_maps
from dgeo.report.markup import Share, picture, table
from dgeo.report.run_files import open_dataset, read_scores
from dgeo.report.wording import compact, label, unit_text, with_units

_PANELS = 6
_NEAR = 0.01


def read_parameters(run: Path) -> dict[str, xr.DataArray]:
    """Every variable of `parameters.nc` with bounds, dims (basin) or (basin, component)."""
    with open_dataset(run / "parameters.nc", "basin") as dataset:
        learned = {str(name): field.load() for name, field in dataset.data_vars.items() if _has_bounds(field)}
    if not learned:
        raise DgeoError("The file parameters.nc holds no parameter with bounds, so this part is left out.")
    return learned


def read_attributes(run: Path) -> dict[str, xr.DataArray]:
    """Every numeric variable of `parameters.nc` without bounds and with the one dim basin."""
    with open_dataset(run / "parameters.nc", "basin") as dataset:
        return {
            str(name): field.load()
            for name, field in dataset.data_vars.items()
            if field.dims == ("basin",) and field.dtype.kind in "fiu" and not _has_bounds(field)
        }


def basin_mean(field: xr.DataArray) -> np.ndarray:
    """A parameter averaged over its parallel components, [basin]."""
    others = [dim for dim in field.dims if dim != "basin"]
    return np.asarray(field.mean(others), dtype=float)


def parameter_maps(run: Path) -> str:
    """Maps of the parameters whose values spread most over their range between basins."""
    learned = read_parameters(run)
    positions = read_scores(run / "metrics.csv", "longitude", "latitude").drop_duplicates("basin").set_index("basin")
    basins = next(iter(learned.values()))["basin"].values.astype(str)
    placed = positions.reindex(basins)[["longitude", "latitude"]].to_numpy()
    inside = np.isfinite(placed).all(axis=1)
    if not inside.any():
        raise DgeoError("No basin of parameters.nc has a position in metrics.csv, so the maps are left out.")
    widest = sorted(learned, key=lambda name: -spread(learned[name]))[:_PANELS]
    panels = [
        MapPanel(with_units(label(name), units(learned[name])), basin_mean(learned[name])[inside]) for name in widest
    ]
    source = image(partial(draw_maps, placed[inside, 0], placed[inside, 1], panels, 3))
    caption = (
        f"The {len(panels)} parameters that differ most between basins relative to their bounds: mean "
        "over components, and over time where they vary. Colours span the 2nd to the 98th percentile."
    )
    return picture(source, "Maps of learned parameters", caption)


def bound_table(run: Path) -> str:
    """For each parameter its bounds, its middle and tails, and the share of its values near a bound."""
    rows: list[list[object]] = []
    for name, field in read_parameters(run).items():
        values = finite_values(field)
        lower, upper = bounds(field)
        low, middle, high = np.percentile(values, (5, 50, 95)) if values.size else (np.nan,) * 3
        near = shares_near_bounds(values, lower, upper)
        span = f"{compact(lower)} to {compact(upper)}"
        tails = f"{compact(float(low))} to {compact(float(high))}"
        rows.append(
            [
                label(name),
                unit_text(units(field)),
                span,
                compact(float(middle)),
                tails,
                *(Share(part) for part in near),
            ]
        )
    header = ["Parameter", "Units", "Bounds", "Median", "5 to 95 %", "Near lower bound", "Near upper bound"]
    return table(header, rows, "Near: within 1 % of the range from the bound, over all basins and components")


def shares_near_bounds(values: np.ndarray, lower: float, upper: float) -> tuple[float, float]:
    """The shares of values within 1 % of the range from the lower and from the upper bound."""
    if values.size == 0:
        return float("nan"), float("nan")
    margin = _NEAR * (upper - lower)
    return float(np.mean(values <= lower + margin)), float(np.mean(values >= upper - margin))


def spread(field: xr.DataArray) -> float:
    """The range from the 10th to the 90th percentile between basins, relative to that between the bounds."""
    values = basin_mean(field)
    lower, upper = bounds(field)
    if not np.isfinite(values).any() or not upper > lower:
        return 0.0
    low, high = (float(limit) for limit in np.nanpercentile(values, (10, 90)))
    return float((high - low) / (upper - lower))


def bounds(field: xr.DataArray) -> tuple[float, float]:
    """The lower and upper bound that the file states for a parameter."""
    return float(field.attrs["lower_bound"]), float(field.attrs["upper_bound"])


def units(field: xr.DataArray) -> str:
    """The units that the file states, or nothing."""
    return str(field.attrs.get("units", ""))


def finite_values(field: xr.DataArray) -> np.ndarray:
    """All values of a parameter, flat, without gaps."""
    values = np.asarray(field, dtype=float).ravel()
    finite: np.ndarray = values[np.isfinite(values)]
    return finite


def _has_bounds(field: xr.DataArray) -> bool:
    stated = [field.attrs.get(bound) for bound in ("lower_bound", "upper_bound")]
    return "basin" in field.dims and all(isinstance(bound, int | float | np.number) for bound in stated)
