"""A valid file of every kind that dgeo reads."""

import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml

from dgeo import data, training, virtual
from dgeo.data import camels_us
from dgeo.report import write_report

ATTRIBUTES = ["elev_mean", "aridity", "frac_snow"]
FORCINGS = ("precipitation", "temperature", "potential_evapotranspiration")
BASINS = ("01013500", "02056900", "11266500")


def content(folder: Path, **changes: Any) -> dict[str, Any]:
    """A config that trains in seconds."""
    sections: dict[str, Any] = {
        "data": {"source": "netcdf", "file": str(folder / "data.nc"), "potential_evapotranspiration": "given"},
        "split": {"train": ["2000-10-01", "2002-09-30"], "validation": None, "test": ["2002-10-01", "2003-09-30"]},
        "model": {
            "attributes": ATTRIBUTES, "components": 1, "static": {"width": 4, "depth": 1}, "routing_days": 5,
        },
        "training": {
            "batch": 2, "warmup": 20, "window": 30, "steps": 2, "steps_per_call": 2, "validate_every": 2,
            "checkpoint_every": 2, "spin_up": 60, "refit": False,
        },
    }  # fmt: skip
    return {name: {**section, **changes.get(name, {})} for name, section in sections.items()}


def world() -> xr.Dataset:
    """Three virtual basins of three years."""
    return virtual.basins(count=3, years=3, seed=1, gaps=0.05).dataset.assign_coords(basin=list(BASINS))


def write_text_layout(root: Path, dataset: xr.Dataset, days: int = 60) -> None:
    """The official text layout of CAMELS-US, with what the virtual basins have."""
    forcing, flow = root / "basin_mean_forcing" / "daymet" / "01", root / "usgs_streamflow" / "01"
    for place in (forcing, flow):
        place.mkdir(parents=True)
    stamps = dataset["time"].values[:days].astype("datetime64[D]")
    for i, basin in enumerate(BASINS):
        columns = "Year Mnth Day Hr dayl(s) prcp(mm/day) srad(W/m2) swe(mm) tmax(C) tmin(C) vp(Pa)"
        head = f" 45.00\n 100.00\n 864000000\n{columns}\n"
        rows, flows = [], []
        for day, stamp in enumerate(stamps):
            rain, mean, q = (
                float(dataset[name].values[day, i]) for name in ("precipitation", "temperature", "streamflow")
            )
            date = str(stamp).replace("-", " ")
            rows.append(f"{date} 12\t43200.00\t{rain:.2f}\t200.00\t0.00\t{mean + 4:.2f}\t{mean - 4:.2f}\t500.00\n")
            amount, flag = (-999.0, "M") if np.isnan(q) else (q * 350, "A")
            flows.append(f"{basin} {date} {amount:.2f} {flag}\n")
        (forcing / f"{basin}_lump_cida_forcing_leap.txt").write_text(head + "".join(rows))
        (flow / f"{basin}_streamflow_qc.txt").write_text("".join(flows))
    for table, names in (
        ("topo", ("elev_mean", "area_gages2")),
        ("clim", ("aridity", "frac_snow", "high_prec_timing")),
    ):
        lines = [";".join(("gauge_id", *names))]
        for i, basin in enumerate(BASINS):
            words = {"area_gages2": "864.0", "high_prec_timing": "son"}
            cells = (words.get(name) or f"{float(dataset[name].values[i]):.4f}" for name in names)
            lines.append(";".join((basin, *cells)))
        (root / f"camels_{table}.txt").write_text("\n".join(lines) + "\n")


def write_prepared(root: Path, text: Path) -> None:
    """The prepared NetCDF of CAMELS-US, from the text layout."""
    series = data.read_text(text)
    path = root / camels_us.PREPARED_FILE
    path.parent.mkdir(parents=True)
    names = {"precipitation": "prcp", "temperature_min": "tmin", "temperature_max": "tmax", "vapour_pressure": "vp"}
    names |= {"shortwave_radiation": "srad", "day_length": "dayl", "streamflow": "q"}
    kept = series[list(names)].rename(names).drop_vars(["area", "latitude", "region"], errors="ignore")
    kept.to_netcdf(path, engine="h5netcdf")
    path.with_name("areas.csv").write_text(
        "gauge_id,area_header_km2\n" + "".join(f"{basin},864.0\n" for basin in BASINS)
    )
    (root / "camels_us_attributes").mkdir()
    for table in text.glob("camels_*.txt"):
        (root / "camels_us_attributes" / table.name).write_bytes(table.read_bytes())


def build(folder: Path) -> None:
    """All of it; some seconds, most of them for the training."""
    dataset = world()
    dataset.to_netcdf(folder / "data.nc", engine="h5netcdf")
    (folder / "run.yaml").write_text(yaml.safe_dump(content(folder)))
    data.write_store(training.load_dataset(training.read_config(folder / "run.yaml").data), folder / "store.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_text_layout(folder / "camels", dataset)
        write_prepared(folder / "prepared", folder / "camels")
    data.BasinSplit(BASINS[:2], BASINS[2:], "by hand").save(folder / "basins.json")
    years = {basin: (2001, 2002) for basin in BASINS}
    data.YearSplit(years, {basin: (2003,) for basin in BASINS}, name="years").save(folder / "years.json")
    config = training.read_config(folder / "run.yaml")
    training.train(config, folder / "run")
    training.evaluate(folder / "run")
    write_report(folder / "run")
    training.apply(folder / "run", end="2001-01-31", save_state=folder / "state.safetensors")
    own = {"data": content(folder)["data"], "attributes": ATTRIBUTES, "train": ["2000-10-01", "2002-09-30"]}
    own |= {"validation": ["2001-10-01", "2002-09-30"], "test": ["2002-10-01", "2003-09-30"]}
    (folder / "own.yaml").write_text(yaml.safe_dump(own))
    (folder / "pinn.yaml").write_text("model: cascade\nparameters: {k: 0.2}\ndays: 100\nseed: 3\n")
    black_box = {
        "data": {"source": "virtual", "count": 4, "years": 5}, "black_box": "bucket",
        "learning": {"attributes": ATTRIBUTES},
        "split": {"train": ["2000-10-01", "2003-09-30"], "test": ["2003-10-01", "2005-09-30"]},
    }  # fmt: skip
    (folder / "surrogate.yaml").write_text(yaml.safe_dump(black_box))


def netcdf_bytes(dataset: xr.Dataset) -> bytes:
    """A dataset as the bytes of a file."""
    buffer = io.BytesIO()
    dataset.to_netcdf(buffer, engine="h5netcdf")
    return buffer.getvalue()


def as_json(value: Any) -> str:
    """For comparisons."""
    return json.dumps(value, sort_keys=True, default=str)
