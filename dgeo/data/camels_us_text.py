"""CAMELS-US from its official text layout."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from dgeo.data import units
from dgeo.data.camels_attributes import read_attributes
from dgeo.data.camels_text import Forcing, Streamflow, find, read_forcing, read_streamflow
from dgeo.data.camels_us import canonical_series, warn_equal_temperatures, with_attributes
from dgeo.data.checks import existing
from dgeo.data.selection import positions
from dgeo.data.variables import describe
from dgeo.errors import DgeoError, nearest

PRODUCTS = {
    "daymet": "cida",
    "maurer": "maurer",
    "maurer_extended": "maurer",
    "nldas": "nldas",
    "nldas_extended": "nldas",
}
OBSERVED = ("A", "A:e")
_COLUMNS = ("prcp", "tmin", "tmax", "srad", "vp", "dayl")


def _forcings(root: Path, product: str, basins: Iterable[str] | None) -> tuple[dict[str, Path], dict[str, Forcing]]:
    if product not in PRODUCTS:
        raise DgeoError(f"The forcing product '{product}' is not known; {nearest(product, PRODUCTS)}")
    folder = existing(root / "basin_mean_forcing" / product, f"folder of {product} forcings")
    files = find(folder, f"*_lump_{PRODUCTS[product]}_forcing_leap.txt")
    if not files:
        raise DgeoError(f"The folder '{folder}' holds no *_lump_{PRODUCTS[product]}_forcing_leap.txt; check the path.")
    if basins is not None and not (basins := list(basins)):
        raise DgeoError("No basin is asked for; name at least one, or None for all.")
    ids = list(files) if basins is None else [list(files)[i] for i in positions(basins, files)]
    return {basin: files[basin] for basin in ids}, {basin: read_forcing(files[basin]) for basin in ids}


def _streamflows(root: Path, ids: Iterable[str]) -> dict[str, Streamflow]:
    """The flow of each basin that has a file; one without can still be simulated, so it is a warning."""
    files = find(existing(root / "usgs_streamflow", "folder of streamflow"), "*_streamflow_qc.txt")
    missing = [basin for basin in ids if basin not in files]
    if missing:
        warnings.warn(
            f"{len(missing)} basins have no streamflow file ('{missing[0]}' first); their streamflow is NaN.",
            stacklevel=3,
        )
    return {basin: read_streamflow(files[basin]) for basin in ids if basin in files}


def _placed(days: np.ndarray, records: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Each record on the common calendar, one column a basin, NaN on the days it does not have."""
    table = np.full((days.size, len(records)), np.nan, np.float32)
    for column, (dates, values) in enumerate(records):
        table[(dates - days[0]).astype(int), column] = values
    return table


def _depth(basin: str, record: Streamflow, area: float, quality: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Flow [mm d-1] with NaN where the flag does not count as observed."""
    observed = np.isin(record.names, quality)[record.codes]
    if not observed.any():
        warnings.warn(f"Basin '{basin}' has no streamflow with the flags {', '.join(quality)}.", stacklevel=4)
    factor, _ = units.scale("ft3 s-1", "mm d-1", np.array([area / 1e6]))
    return record.dates, np.where(observed, record.flow * factor, np.nan)


def _flags(days: np.ndarray, records: dict[str, Streamflow], ids: list[str]) -> xr.DataArray:
    """Quality flags as CF codes; 0 is a day without a record."""
    seen = {name for record in records.values() for name in record.names}
    names = ["A", "A:e", "M", *sorted(seen - {"A", "A:e", "M"})]
    if len(names) >= np.iinfo(np.int8).max:
        raise DgeoError(f"The streamflow files have {len(names)} different quality flags, '{names[-1]}' the last.")
    table = np.zeros((days.size, len(ids)), np.int8)
    for column, basin in enumerate(ids):
        if basin in records:
            record = records[basin]
            code = np.array([names.index(name) + 1 for name in record.names], np.int8)
            table[(record.dates - days[0]).astype(int), column] = code[record.codes]
    attrs = {
        "units": "1",
        "long_name": "quality flag of the observed streamflow",
        "flag_values": np.arange(len(names) + 1, dtype=np.int8),
        "flag_meanings": " ".join(["no_record", *names]),
    }
    return xr.DataArray(table, dims=("time", "basin"), attrs=attrs)


def _attributes(root: Path, folder: str | Path | None, ids: list[str]) -> xr.Dataset | None:
    """The tables in `folder`, or in one of the usual places; None where there are none."""
    places = (
        [Path(folder)]
        if folder is not None
        else [root, root / "camels_attributes_v2.0", root.parent / "camels_attributes_v2.0"]
    )
    found = next((place for place in places if folder is not None or any(place.glob("camels_*.txt"))), None)
    return None if found is None else read_attributes(found, ids)


def _located(ds: xr.Dataset, forcings: dict[str, Forcing], files: dict[str, Path]) -> xr.Dataset:
    """Coordinates from the headers; the region is the HUC-2 folder, where the files lie in such folders."""
    located = ds.assign_coords(
        latitude=("basin", [forcing.latitude for forcing in forcings.values()], describe("latitude")),
        area=("basin", [forcing.area / 1e6 for forcing in forcings.values()], describe("area")),
    )
    folders = [path.parent.name for path in files.values()]
    if all(len(name) == 2 and name.isdigit() for name in folders):
        located = located.assign_coords(region=("basin", folders, describe("region")))
    return located


def _check_dates(forcings: dict[str, Forcing], flows: dict[str, Streamflow]) -> None:
    """Forcings and flow of a basin must share at least one day."""
    for basin, flow in flows.items():
        dates = forcings[basin].dates
        if not np.isin(flow.dates, dates).any():
            raise DgeoError(
                f"The dates of basin '{basin}' do not align: its forcings run from {dates.min()} to "
                f"{dates.max()}, its streamflow from {flow.dates.min()} to {flow.dates.max()}; fetch both "
                "files again."
            )


def _column(path: Path, forcing: Forcing, column: str) -> tuple[np.ndarray, np.ndarray]:
    if column not in forcing.values:
        raise DgeoError(f"The forcing file '{path}' has no column '{column}'; {nearest(column, forcing.values)}")
    return forcing.dates, forcing.values[column]


def _series(
    files: dict[str, Path], forcings: dict[str, Forcing], flows: dict[str, Streamflow], quality: Sequence[str]
) -> xr.Dataset:
    """Canonical series and quality flags on the union of all records."""
    records = [record.dates for source in (forcings, flows) for record in source.values()]
    days = np.arange(min(r.min() for r in records), max(r.max() for r in records) + np.timedelta64(1, "D"))
    none = (days[:0], np.zeros(0))
    depths = [_depth(b, flows[b], f.area, quality) if b in flows else none for b, f in forcings.items()]
    series = {c: _placed(days, [_column(files[b], f, c) for b, f in forcings.items()]) for c in _COLUMNS}
    raw = xr.Dataset(
        {name: (("time", "basin"), values) for name, values in {**series, "q": _placed(days, depths)}.items()},
        coords={"time": days.astype("datetime64[ns]"), "basin": list(forcings)},
    )
    return canonical_series(raw).assign(streamflow_quality=_flags(days, flows, list(forcings)))


def read_text(
    root: str | Path,
    product: str = "daymet",
    basins: Iterable[str] | None = None,
    quality: Sequence[str] = OBSERVED,
    attributes: str | Path | None = None,
) -> xr.Dataset:
    """Forcings of one product, streamflow and attributes of all basins with a forcing file, or of `basins`.

    `root` holds `basin_mean_forcing/<product>/` and `usgs_streamflow/`, each with or without a folder for
    each HUC-2 region; the products are daymet, maurer, maurer_extended, nldas and nldas_extended. Attribute
    tables are read from the folder `attributes`, else from `root` or `camels_attributes_v2.0` in or beside
    it; without them the longitude is not known and is left out.

    The days are the union of all records: NaN outside a record, where the code is -999, and where the flag of
    the flow is not in `quality` (A approved, A:e estimated, M missing). The flags stay in
    `streamflow_quality`. Raises `DgeoError` for a missing or broken file, an unknown product or basin, and
    files of which no dates coincide.
    """
    root = existing(root, "CAMELS-US folder")
    files, forcings = _forcings(root, product, basins)
    flows = _streamflows(root, forcings)
    _check_dates(forcings, flows)
    ds = _located(_series(files, forcings, flows, quality), forcings, files)
    warn_equal_temperatures(ds, product)
    tables = _attributes(root, attributes, list(forcings))
    return ds if tables is None else with_attributes(ds, tables)
