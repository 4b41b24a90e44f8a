"""What a run folder holds besides results: config, environment and data fingerprints, training history."""

import csv
import hashlib
import importlib.metadata
import io
import json
import math
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import xarray as xr

from dgeo import data
from dgeo.errors import DgeoError
from dgeo.numerics import write_atomically

PACKAGES = ("dgeo", "jax", "jaxlib", "equinox", "optax", "diffrax", "numpy", "xarray")


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write JSON atomically; a number that is not finite, which JSON does not know, becomes null."""
    write_text(path, json.dumps(_finite(content), indent=1, allow_nan=False) + "\n")


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def write_csv(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of one set of keys as CSV, atomically; None becomes an empty cell."""
    rows = list(rows)
    buffer = io.StringIO()
    if rows:
        writer = csv.DictWriter(buffer, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    write_text(path, buffer.getvalue())


def fingerprint_of(path: Path) -> str:
    """The SHA-256 of a file; raises `DgeoError` where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError) as error:
        raise DgeoError(f"{path} cannot be read ({error}); check its name.") from error


def environment() -> dict[str, Any]:
    """The machine and the versions a run was made with."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "devices": [str(device) for device in jax.devices()],
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def describe_data(dataset: xr.Dataset, root: Path | None = None) -> dict[str, Any]:
    """What data a run was made with, from which folder, and their fingerprint."""
    time = dataset["time"].values
    return {
        "root": None if root is None else str(root),
        "fingerprint": data.fingerprint(dataset),
        "basins": dataset.sizes["basin"],
        "first_day": str(time[0].astype("datetime64[D]")),
        "last_day": str(time[-1].astype("datetime64[D]")),
        "variables": sorted(str(name) for name in dataset.data_vars),
    }


def training_seconds(folder: str | Path) -> dict[tuple[str, int], float]:
    """The seconds that each phase of each seed took, compilation and validation included; empty without a history.

    Raises `DgeoError` for a history that is damaged.
    """
    if not (Path(folder) / "history.csv").exists():
        return {}
    with history(folder) as rows:
        return {(row["phase"], int(row["seed"])): float(row["seconds"]) for row in rows}


def best_validation(folder: str | Path) -> float | None:
    """The best validation score, the mean where several seeds have one; None without validation.

    Raises `DgeoError` for a history that is missing or damaged.
    """
    best: dict[str, float] = {}
    with history(folder) as rows:
        for row in rows:
            if row["validation"]:
                best[row["seed"]] = max(float(row["validation"]), best.get(row["seed"], -math.inf))
    return sum(best.values()) / len(best) if best else None


@contextmanager
def history(folder: str | Path) -> Iterator[list[dict[str, str]]]:
    """The rows of the training of a run, for a look at them; raises `DgeoError` where they cannot be read or used."""
    path = Path(folder) / "history.csv"
    try:
        yield list(csv.DictReader(io.StringIO(data.limited_text(path), newline="")))
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise DgeoError(
            f"{path} cannot be read ({type(error).__name__}: {error}); train the run again with --resume, which writes "
            "it anew."
        ) from error


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON file of a run; raises `DgeoError` where it is missing or damaged."""
    try:
        content = json.loads(data.limited_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise DgeoError(f"{path} cannot be read ({error}); evaluate the run again.") from error
    if not isinstance(content, dict):
        raise DgeoError(f"{path} holds no JSON object; evaluate the run again.")
    return content
