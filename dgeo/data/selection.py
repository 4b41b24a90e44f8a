"""Parts of a dataset by basin id and by period."""

from collections.abc import Iterable

import xarray as xr

from dgeo.data.axes import iso
from dgeo.data.splits import Period, days
from dgeo.errors import DgeoError, nearest


def within(ds: xr.Dataset, period: Period | None) -> xr.Dataset:
    """The days of `period`, which the record must hold (`DgeoError` otherwise); every day for None."""
    if period is None:
        return ds
    first, last = days(period)
    record = ds["time"].values
    if record.size == 0 or first < record[0].astype("datetime64[D]") or last > record[-1].astype("datetime64[D]"):
        held = f"{iso(record[0])} to {iso(record[-1])}" if record.size else "no day"
        raise DgeoError(
            f"The period {first} to {last} is not inside the record, which holds {held}; choose days within it."
        )
    return ds.sel(time=slice(str(first), str(last)))


def positions(basins: Iterable[str], known: Iterable[str]) -> list[int]:
    """Where each of `basins` stands in `known`; raises `DgeoError` for an id unknown or asked for twice."""
    place = {str(basin): i for i, basin in enumerate(known)}
    wanted = [str(basin) for basin in basins]
    for basin in wanted:
        if basin not in place:
            near = nearest(basin, place)
            clause = near if near.startswith("did you mean") or len(place) <= 20 else "see ds.basin for the ids it has."
            raise DgeoError(f"Basin '{basin}' is not among the {len(place)} basins of the dataset; {clause}")
    if len(set(wanted)) < len(wanted):
        twice = next(basin for i, basin in enumerate(wanted) if basin in wanted[:i])
        raise DgeoError(f"Basin '{twice}' is asked for more than once; name every basin once.")
    return [place[basin] for basin in wanted]


def select(ds: xr.Dataset, basins: Iterable[str] | None = None, period: Period | None = None) -> xr.Dataset:
    """The basins asked for, in that order, and the days of the period; None takes all.

    Raises `DgeoError` for an unknown or repeated basin and for a period outside the record.
    """
    if basins is not None:
        ds = ds.isel(basin=positions(basins, ds["basin"].values))
    return within(ds, period)
