"""What a study is: a question, a grid of cells, and the tables that answer it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from dgeo.experiments.cells import Cell
from dgeo.experiments.results import Results
from dgeo.experiments.setting import Setting
from dgeo.experiments.show import Figure, Table

Examine = Callable[[Cell, Path, xr.Dataset], Mapping[str, Any]]


def nothing(cell: Cell, folder: Path, dataset: xr.Dataset) -> Mapping[str, Any]:
    """Nothing further to look at."""
    return {}


@dataclass(frozen=True)
class Study:
    """A study by name.

    **Attributes**

    - `question`: what it asks, in a sentence or two; `claims`: those of the paper that it tests;
    - `cells`: the grid on a setting; files that cells read, such as splits, go to the folder given;
    - `tables`, `figures`: what is made of the finished cells; the first table is the study's own;
    - `examine`: what else is read from a trained cell, for its record.
    """

    name: str
    question: str
    claims: str
    cells: Callable[[Setting, Path], Sequence[Cell]]
    tables: Callable[[Results], Sequence[Table]]
    figures: Callable[[Results], Sequence[Figure]]
    examine: Examine = field(default=nothing)
    changes: Mapping[str, Any] = field(default_factory=dict)
