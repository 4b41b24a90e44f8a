"""The folder of a study: its definition, which must not change but may grow, and a folder for each cell.

study.json            what the study is: every cell with its config and tests; cells may be added
splits/               the splits of basins or years that cells read
cells/NAME/           a run folder as `dgeo train` makes it, and in it once the cell is finished
simulation.nc     simulated [member, time, basin] and observed streamflow of all tests
scores.csv        one row a test, member and basin
sums.nc           sums of each water year, from which scores are resampled
cell.json         cost, summary, and whatever the study looked at; written last
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dgeo.errors import DgeoError
from dgeo.experiments.cells import Cell
from dgeo.training import parse_config, read_json, write_json

RECORD = "cell.json"
COST = ("seconds", "seeds", "steps", "basin_days", "scoring_seconds")
FAILED = "failed.txt"


class Folder:
    """The folder of a study."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def splits(self) -> Path:
        """Where splits are kept."""
        return self.path / "splits"

    def cell(self, cell: Cell) -> Path:
        """The run folder of a cell."""
        return self.path / "cells" / cell.name

    def finished(self, cell: Cell) -> bool:
        """Whether a cell is trained, scored and kept."""
        return (self.cell(cell) / RECORD).exists()

    def record(self, cell: Cell) -> dict[str, Any]:
        """What was kept of a finished cell; raises `DgeoError` where its file is damaged."""
        path = self.cell(cell) / RECORD
        record = read_json(path)
        parts: list[Any] = [record.get(part) for part in ("cost", "medians", "extra")]
        cost, medians, _ = parts
        if (
            not all(isinstance(part, dict) for part in parts)
            or not all(isinstance(cost.get(name), int | float) for name in COST)
            or not all(isinstance(found, dict) and "nse" in found for found in medians.values())
        ):
            raise DgeoError(
                f"{path} is damaged; remove it and run the study again, which scores this cell anew from its model."
            )
        return record

    def begin(self) -> None:
        """Make the folder; raises `DgeoError` where it cannot be written."""
        try:
            for path in (self.splits, self.path / "cells"):
                path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DgeoError(f"The folder {self.path} cannot be written ({error.strerror}); choose another.") from error

    def define(self, name: str, budget: str, data: str, cells: Sequence[Cell]) -> None:
        """Keep the definition, or check that it is the one that the folder was begun with, with more cells or as many.

        Raises `DgeoError` that names the first difference.
        """
        described = {"study": name, "budget": budget, "data": data, "cells": {c.name: c.describe() for c in cells}}
        definition = json.loads(json.dumps(described))
        path = self.path / "study.json"
        if path.exists():
            place = _first_difference(_grown(_completed(read_json(path)), definition), definition)
            if place is not None:
                raise DgeoError(
                    f"{self.path} was begun with another definition of this study ({place} differs); restore it, or "
                    "choose another --out."
                )
        write_json(path, definition)

    def estimates(self) -> dict[str, dict[str, float]]:
        """The measured seconds of a training step and of compilation, by model; empty before any was measured."""
        path = self.path / "budget.json"
        found = dict(read_json(path)) if path.exists() else {}
        for model, seconds in found.items():
            if not isinstance(seconds, dict) or not all(
                isinstance(seconds.get(n), int | float) for n in ("compilation", "step")
            ):
                raise DgeoError(f"{path} is damaged at {model!r}; remove it, and the steps are measured again.")
        return found

    def keep_estimates(self, found: Mapping[str, Mapping[str, float]]) -> None:
        """Write them."""
        write_json(self.path / "budget.json", found)


def _completed(definition: dict[str, Any]) -> dict[str, Any]:
    """A kept definition with the keys that configs have come to have since, at their defaults: it means the same."""
    cells = definition.get("cells")
    for cell in cells.values() if isinstance(cells, dict) else ():
        with suppress(DgeoError, TypeError, KeyError):
            cell["config"] = parse_config(cell["config"], "study.json").model_dump(mode="json")
    return definition


def _grown(begun: dict[str, Any], definition: dict[str, Any]) -> dict[str, Any]:
    """A kept definition with the cells that the study has come to have since."""
    cells = begun.get("cells")
    return {**begun, "cells": {**definition["cells"], **cells}} if isinstance(cells, dict) else begun


def _first_difference(before: Any, now: Any, place: str = "") -> str | None:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in (*before, *(key for key in now if key not in before)):
            inner = f"{place}.{key}" if place else str(key)
            if key not in before or key not in now:
                return inner
            found = _first_difference(before[key], now[key], inner)
            if found is not None:
                return found
        return None
    return None if before == now else place
