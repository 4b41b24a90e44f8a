"""Training on a Zarr store against the same training in memory: time per step, and peak memory of each process.

    python benchmarks/streaming.py [--count 3000] [--years 30] [--components 4] [--call 50] [--store FOLDER]

Virtual basins are written to a store in parts, if it is not there. Each training is a process of its own, and has one
device. The time of a step is the median over calls after the first, which compiles; peak memory is the resident memory
of the whole process, with what was loaded and compiled.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr

PART, CALLS = 250, 8


def renamed(dataset: xr.Dataset, part: int) -> xr.Dataset:
    """The basins of a part, with ids of their own."""
    return dataset.assign_coords(basin=[f"{part:03d}_{basin}" for basin in dataset["basin"].values])


def write(path: Path, count: int, years: int) -> None:
    from dgeo import data, virtual

    parts = range(-(-count // PART))
    data.write_store((renamed(virtual.basins(PART, years, seed).dataset, seed) for seed in parts), path)


def settings(store: Path, arguments: argparse.Namespace):
    from dgeo import training

    year = 2000 + arguments.years
    return training.parse_config(
        {
            "data": {"source": "zarr", "file": str(store)},
            "split": {
                "train": ("2001-10-01", f"{year - 2}-09-30"),
                "test": (f"{year - 2}-10-01", f"{year - 1}-09-30"),
            },
            "model": {
                "attributes": ("aridity", "frac_snow", "soil_depth_statsgo", "sand_frac", "geol_permeability"),
                "components": arguments.components,
            },
            "training": {
                "steps": arguments.call * CALLS,
                "steps_per_call": arguments.call,
                "validate_every": arguments.call * CALLS,
                "checkpoint_every": arguments.call * CALLS,
            },
        },
        "streaming",
    )


def worker(store: Path, arguments: argparse.Namespace) -> None:
    """One training; prints its figures."""
    from dgeo import data, training

    began = time.perf_counter()
    config, dataset = settings(store, arguments), data.open_store(store)
    if arguments.worker == "memory":
        dataset = dataset.load()
        config = config.model_copy(update={"data": config.data.model_copy(update={"source": "netcdf"})})
    ends, losses = [], []

    def watch(row: dict) -> None:
        ends.append(time.perf_counter())
        losses.append(row["loss"])

    with tempfile.TemporaryDirectory() as folder:
        training.train(config, folder, dataset=dataset, watch=watch)
    step = np.diff(ends) / arguments.call
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    figures = {"step_s": float(np.median(step)), "spread_s": [float(step.min()), float(step.max())], "peak_GiB": peak}
    print(json.dumps({**figures, "first_call_s": ends[0] - began, "losses": losses}))


def measured(kind: str, store: Path, arguments: argparse.Namespace) -> dict:
    command = [sys.executable, __file__, "--worker", kind, "--store", str(store)]
    for name in ("count", "years", "components", "call"):
        command += [f"--{name}", str(getattr(arguments, name))]
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("count", 3000), ("years", 30), ("components", 4), ("call", 50)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--worker", choices=("memory", "store"))
    arguments = parser.parse_args()
    store = arguments.store or Path(tempfile.gettempdir()) / f"dgeo_{arguments.count}_{arguments.years}.zarr"
    if arguments.worker:
        worker(store, arguments)
        return
    if not store.exists():
        write(store, arguments.count, arguments.years)
    size = sum(file.stat().st_size for file in store.rglob("*") if file.is_file()) / 2**30
    found = {kind: measured(kind, store, arguments) for kind in ("memory", "store")}
    same = found["memory"].pop("losses") == found["store"].pop("losses")
    print(json.dumps({"store_GiB": size, "same_losses": same, **found}, indent=1))


if __name__ == "__main__":
    main()
