"""Whether the files of a run are whole, and the same bit for bit, for benchmarks/faults.py."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import yaml
from safetensors.numpy import load_file


def arrays_of(path: Path) -> dict[str, object]:
    """All values of a NetCDF file, as what can be compared bit for bit."""
    with h5netcdf.File(path, "r") as file:
        return {f"{path.name} {n}": bits(np.asarray(v[...])) for n, v in file.variables.items()}


def bits(values: np.ndarray) -> object:
    return values.tolist() if values.dtype.kind == "O" else values.tobytes()


def whole(run: Path) -> list[str]:
    """Files under their own names that are not whole."""
    readers: dict[str, Callable[[Path], Any]] = {
        ".safetensors": load_file,
        ".json": lambda path: json.loads(path.read_text()),
        ".yaml": lambda path: yaml.safe_load(path.read_text())["training"],
        ".nc": arrays_of,
        ".csv": lambda path: [1 / (line.count(",") > 3) for line in path.read_text().splitlines()],
    }
    broken = []
    for path in run.rglob("*") if run.exists() else ():
        if path.is_file() and not path.name.startswith("."):
            try:
                readers[path.suffix](path)
            except Exception as error:
                broken.append(f"{path.relative_to(run)}: {error}")
    return broken


def outcome(run: Path) -> dict[str, Any]:
    """All that must be the same bit for bit."""
    found: dict[str, Any] = {}
    for path in sorted(run.glob("models/*")):
        found |= {f"{path.name}{name}": array.tobytes() for name, array in load_file(path).items()}
    found["history"] = [line.rsplit(",", 1)[0] for line in (run / "history.csv").read_text().splitlines()]
    metrics = json.loads((run / "metrics.json").read_text())
    metrics.pop("seconds")
    for seed in metrics["seeds"]:
        seed.pop("seconds")
    found["metrics"] = metrics
    for name in ("simulation.nc", "parameters.nc"):
        found |= arrays_of(run / name)
    found["ledger"], found["scores"] = (run / "ledger.json").read_text(), (run / "metrics.csv").read_text()
    found["left behind"] = sorted(p.name for p in run.rglob(".*") if p.name != ".lock")
    return found


def difference(run: Path, expected: dict[str, Any]) -> str:
    found = outcome(run)
    return ", ".join(name for name in expected | found if found.get(name) != expected.get(name))


def endless(run: Path) -> str:
    """Models and checkpoints of a run that hold a number that is not finite; other data make other models."""
    found = [
        path
        for path in run.rglob("*.safetensors")
        for array in load_file(path).values()
        if array.dtype.kind == "f" and not np.isfinite(array).all()
    ]
    return ", ".join(sorted({path.name for path in found}))
