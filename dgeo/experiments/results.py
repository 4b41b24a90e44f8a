"""The finished cells of a study: their scores, sums and costs, pooled over folds and draws."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dgeo.data import read_netcdf
from dgeo.errors import DgeoError
from dgeo.experiments.cells import Cell
from dgeo.experiments.folder import FAILED, RECORD, Folder
from dgeo.experiments.scoring import ENSEMBLE
from dgeo.experiments.setting import Setting

Chosen = Callable[[Cell], bool]


@dataclass(frozen=True)
class Finished:
    """A finished cell and its record."""

    cell: Cell
    path: Path
    record: Mapping[str, Any]

    def simulation(self) -> xr.Dataset:
        """Simulated and observed streamflow of all its tests."""
        return self._read("simulation.nc", ("simulated", "observed"))

    def sums(self) -> xr.Dataset:
        """Sums of each water year, by test."""
        return self._read("sums.nc", ("test", "member", "year", "basin", "n"))

    def scores(self) -> pd.DataFrame:
        """One row a test, member and basin."""
        path = self.path / "scores.csv"
        try:
            table = pd.read_csv(path, dtype={"basin": str, "region": str})
        except (OSError, ValueError) as error:
            raise DgeoError(f"{path} cannot be read ({error}); {self._remedy}") from error
        if lacking := {"test", "member", "basin", "region", "nse", "kge"} - set(table.columns):
            raise DgeoError(f"{path} has no column {min(lacking)}; {self._remedy}")
        return table

    def _read(self, name: str, variables: Sequence[str]) -> xr.Dataset:
        found = read_netcdf(self.path / name, "result", self._remedy.removesuffix("."))
        if lacking := [variable for variable in variables if variable not in found.variables]:
            raise DgeoError(f"{self.path / name} has no {lacking[0]}; {self._remedy}")
        return found

    @property
    def _remedy(self) -> str:
        return f"remove {self.path / RECORD} and run the study again, which scores this cell anew."


@dataclass(frozen=True)
class Results:
    """The finished cells of a study, the sentences of those that failed, and all that it has."""

    study: str
    setting: Setting
    folder: Folder
    cells: Sequence[Finished]
    failures: Mapping[str, str]
    all_cells: Sequence[Cell]

    @classmethod
    def read(cls, study: str, setting: Setting, folder: Folder, cells: Sequence[Cell]) -> "Results":
        """What is finished among the cells of a folder."""
        found = [Finished(c, folder.cell(c), folder.record(c)) for c in cells if folder.finished(c)]
        failed = {c.name: folder.cell(c) / FAILED for c in cells if (folder.cell(c) / FAILED).exists()}
        sentences = {name: path.read_text(encoding="utf-8").strip() for name, path in failed.items()}
        return cls(study, setting, folder, found, sentences, cells)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row a cell, test, member and basin; empty without a finished cell."""
        tables = []
        for done in self.cells:
            cell = done.cell
            tables.append(
                done.scores().assign(model=cell.model, split=cell.split, fold=cell.fold, draw=cell.draw or 0, **cell.at)
            )
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def some(self, **wanted: object) -> list[Finished]:
        """The finished cells of a model, split, fold or place on an axis."""

        def fits(cell: Cell) -> bool:
            known = {"model": cell.model, "split": cell.split, "fold": cell.fold, **cell.at}
            return all(known.get(name) == value for name, value in wanted.items())

        return [done for done in self.cells if fits(done.cell)]

    def models(self, **wanted: object) -> list[str]:
        """The models that have a finished cell there, in order."""
        return list(dict.fromkeys(done.cell.model for done in self.some(**wanted)))

    def sums(self, test: str, *, members: str = "single", **wanted: object) -> xr.Dataset | None:
        """The yearly sums of a test [member, year, basin]: folds joined, draws and seeds as members; None without any.

        `members` is `single` for all seeds, or `ensemble` for their mean alone.
        """
        draws: dict[int, list[xr.Dataset]] = {}
        for done in self.some(**wanted):
            found = done.sums()
            if test not in found["test"].values:
                continue
            part = found.sel(test=test)
            is_ensemble = part["member"].values.astype(str) == ENSEMBLE
            part = part.isel(member=is_ensemble if members == ENSEMBLE else ~is_ensemble)
            draws.setdefault(done.cell.draw or 0, []).append(_observed(part))
        if not draws:
            return None
        pooled = {draw: joined(parts, "basin") for draw, parts in draws.items()}
        named = [
            part.assign_coords(member=[f"{draw}:{m}" for m in part["member"].values]) for draw, part in pooled.items()
        ]
        return joined(named, "member")

    def regions(self, basins: Sequence[str] | np.ndarray) -> list[str]:
        """The regions of basins."""
        known = self.setting.regions
        return [known[str(basin)] for basin in basins]


def _observed(part: xr.Dataset) -> xr.Dataset:
    """Without the basins and years of which nothing was observed, which other tests of the cell brought along."""
    seen = part["n"].max("member")
    return part.isel(basin=(seen.max("year") > 0).values, year=(seen.max("basin") > 0).values)


def joined(parts: Sequence[xr.Dataset], along: str) -> xr.Dataset:
    """Sums of several cells in one; where one has nothing, nothing was observed."""
    return parts[0] if len(parts) == 1 else xr.concat(parts, along, join="outer", fill_value=0.0)
