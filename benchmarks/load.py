"""Load: many virtual basins simulated for years by `dgeo simulate` in bounded memory, and the same basin by basin.

    python benchmarks/load.py [--count 10000] [--years 20] [--few 1000] [--alone 200] [--folder FOLDER] [--json FILE]

Virtual basins are written to a store in parts, if it is not there, and a run is made whose weights are fresh: what a
simulation costs does not depend on them. `dgeo simulate RUN --out ….zarr` is a process of its own; its peak is the
resident memory of the whole process, with what was loaded and compiled, and is measured for the `few` first basins too:
bounded memory is that both are alike. Then `alone` of the basins, evenly spread, are simulated one at a time in memory
and compared with the store: the largest difference of any output on any day, over the largest of that output in that
basin.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dgeo import data, training, virtual
from dgeo.hybrid import build, save
from dgeo.training.application import applied

PART = 250
ATTRIBUTES = ("aridity", "frac_snow", "soil_depth_statsgo", "sand_frac", "geol_permeability")


def store_of(folder: Path, count: int, years: int) -> Path:
    """The virtual basins, in parts with ids of their own."""
    path = folder / f"basins_{count}_{years}.zarr"

    def part(seed: int) -> Any:
        found = virtual.basins(PART, years, seed).dataset
        print(f"{(seed + 1) * PART} basins made", flush=True)
        return found.assign_coords(basin=[f"{seed:03d}_{basin}" for basin in found["basin"].values])

    if not path.exists():
        data.write_store((part(seed) for seed in range(-(-count // PART))), path)
    return path


def run_of(folder: Path, store: Path, basins: list[str], years: int) -> Path:
    """A run folder of HBV with 16 components, two dynamic parameters and routing."""
    run = folder / f"run_{len(basins)}"
    shutil.rmtree(run, ignore_errors=True)
    (run / "models").mkdir(parents=True)
    config = training.parse_config(
        {
            "data": {"source": "zarr", "file": str(store), "basins": basins},
            "split": {"train": ("2000-10-01", "2001-09-30"), "test": ("2001-10-01", f"{2000 + years}-09-30")},
            "model": {"attributes": ATTRIBUTES, "components": 16, "dynamic": {"parameters": ("beta", "beta_et")}},
            "outputs": ("streamflow", "evapotranspiration", "snow_water_equivalent", "soil_moisture"),
        },
        "load",
    )
    some = training.load_dataset(config.data).isel(basin=slice(100)).load()
    fresh = build(config.recipe, training.training_statistics(some, config), jax.random.key(0))
    save(run / "models" / "seed_0.safetensors", fresh, config.recipe, {"seed": 0, "basins": basins[:100]})
    training.write_config(run / "config.yaml", config)
    return run


def simulated(run: Path, out: Path) -> dict[str, float]:
    """`dgeo simulate`, as a process; peak memory is that of the largest child so far."""
    shutil.rmtree(out, ignore_errors=True)
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "dgeo", "simulate", str(run), "--out", str(out)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "wall_s": time.perf_counter() - began,
        "processor_s": used,
        "peak_GiB": after.ru_maxrss / 2**20,
        "written_GiB": size_of(out),
    }


def size_of(path: Path) -> float:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 2**30


def differences(run: Path, out: Path, alone: int) -> dict[str, float]:
    """The largest difference, by output, of basins that are simulated one at a time."""
    task, together = applied(run), data.open_store(out)
    worst: dict[str, float] = dict.fromkeys(map(str, together.data_vars), 0.0)
    for place in np.unique(np.linspace(0, len(task.basins) - 1, alone).astype(int)):
        one, _ = task.simulated(slice(int(place), int(place) + 1))
        for name in worst:
            ours, theirs = one[name].values[:, 0], together[name].variable[:, int(place)].values
            largest = float(np.abs(ours).max()) or 1.0
            worst[name] = max(worst[name], float(np.abs(ours - theirs).max()) / largest)
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("count", 10000), ("years", 20), ("few", 1000), ("alone", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--folder", type=Path, default=Path("load"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    store = store_of(arguments.folder, arguments.count, arguments.years)
    basins = [str(basin) for basin in data.open_store(store)["basin"].values]
    found: dict[str, Any] = {
        "basins": arguments.count,
        "years": arguments.years,
        "cores": len(os.sched_getaffinity(0)),
        "store_GiB": size_of(store),
    }
    for name, count in (("few", arguments.few), ("all", arguments.count)):  # the peak of children never falls
        run = run_of(arguments.folder, store, basins[:count], arguments.years)
        out = arguments.folder / f"simulated_{count}.zarr"
        found[name] = {"basins": count, **simulated(run, out)}
    found["alone"] = {"basins": arguments.alone, "largest_difference": differences(run, out, arguments.alone)}
    text = json.dumps(found, indent=1)
    print(text)
    if arguments.json is not None:
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
