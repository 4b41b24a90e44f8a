"""One network, several physics: does skill in streamflow tell a sensible structure from an absurd one?

    python benchmarks/structures.py --out runs/structures [--models hbv shm nonsense bucket] [--only real|virtual]

Each model is trained under the same network, data, budget and seed (configs/structures_*.yaml). On
real basins streamflow is scored; on virtual ones, whose truth is none of these models, also what no one showed them:
evaporation, snow, soil moisture and all water together, as correlation of anomalies, and that of the untrained model.
After Acuña Espinoza et al. (2024), doi:10.5194/hess-28-2705-2024.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from dgeo import training
from dgeo.demo import evaluate_virtual
from dgeo.metrics import anomaly_correlation, paired_difference
from dgeo.training import read_json, write_json

CONFIGS = Path(__file__).parent / "configs"
MODELS = ("hbv", "shm", "nonsense", "bucket")
HIDDEN = ("evapotranspiration", "snow_water_equivalent", "soil_moisture")


def trained(kind: str, model: str, folder: Path) -> Path:
    """The run of a model, trained where it is not yet."""
    version = ["model.physics.version=1.1p"] if model == "hbv" else []
    config = training.read_config(CONFIGS / f"structures_{kind}.yaml", [f"model.physics.name={model}", *version])
    run = folder / kind / model
    if (run / "metrics.json").exists():
        return run
    dataset = training.load_dataset(config.data)
    training.train(config, run, resume=True, dataset=dataset)
    if kind == "virtual":
        evaluate_virtual(run)
    else:
        training.evaluate(run, dataset=dataset)
    return run


def streamflow(run: Path, first: Path) -> dict[str, Any]:
    """Median NSE and KGE, and the paired difference in NSE from the first model."""
    test = read_json(run / "metrics.json")["test"]
    a, b = (xr.Dataset.from_dataframe(_table(folder)) for folder in (run, first))
    found = paired_difference(a["nse"].values, b["nse"].values, a["region"].values)
    return {"nse": test["nse"]["median"], "kge": test["kge"]["median"], "less first": found}


def _table(run: Path) -> Any:
    import pandas as pd

    return pd.read_csv(run / "metrics.csv", dtype={"basin": str, "region": str}).set_index("basin")


def hidden(run: Path) -> dict[str, float]:
    """Median correlation of anomalies with the truth, for each variable the model has, and for all its water."""
    scores = read_json(run / "metrics.json")["hidden"]
    found = {}
    for name in HIDDEN:
        if name in scores:
            found[name] = scores[name]["anomaly_correlation"]
            found[f"{name}, untrained"] = scores[name]["untrained"]["anomaly_correlation"]
    return found | {"all water": all_water(run)}


def all_water(run: Path) -> float:
    """The same for the sum of all stores, which every structure has."""
    config = training.config_of(run)
    world = training.virtual_world(config.data)
    simulation = xr.open_dataset(run / "simulation.nc", engine="h5netcdf")
    stores = [name for name in config.model.outline().budget.stores if name in simulation]
    true = [name for name in world.physics.budget.stores]
    place = {"basin": simulation["basin"], "time": simulation["time"]}
    simulated = sum(simulation[name].transpose("time", "basin").values for name in stores)
    observed = sum(world.truth[name].sel(place).transpose("time", "basin").values for name in true)
    correlation = anomaly_correlation(
        simulated.astype(np.float64), observed.astype(np.float64), simulation["time"].values
    )
    return float(np.nanmedian(correlation))


def main() -> None:
    """Train what is not trained, and print one table for each kind of basins."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/structures"))
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--only", choices=("real", "virtual"))
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    for kind in (arguments.only,) if arguments.only else ("real", "virtual"):
        runs = [trained(kind, model, arguments.out) for model in arguments.models]
        rows = {run.name: streamflow(run, runs[0]) for run in runs}
        if kind == "virtual":
            rows = {run.name: {**rows[run.name], "hidden": hidden(run)} for run in runs}
        results[kind] = rows
        print(kind)
        for model, row in rows.items():
            low, high = row["less first"]["interval"]
            difference = f"{row['less first']['median']:+.3f} [{low:+.3f}, {high:+.3f}]"
            print(f"| {model} | {row['nse']:.3f} | {row['kge']:.3f} | {difference} |", end="")
            print(" ".join(f" {name}: {value:.2f};" for name, value in row.get("hidden", {}).items()))
    write_json(arguments.out / "structures.json", results)


if __name__ == "__main__":
    from dgeo.training.devices import use_all_cores

    use_all_cores()
    main()
