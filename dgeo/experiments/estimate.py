"""What a study will cost, and what it did: seconds of training by cell, from a few measured steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dgeo.errors import DgeoError
from dgeo.experiments.cells import Cell
from dgeo.experiments.folder import Folder
from dgeo.training import Config
from dgeo.training.progress import Row, Watch

CALLS = 2  # of the training step that are measured; the first compiles


@dataclass(frozen=True)
class Cost:
    """The seconds of training that a cell needs by the measured steps, and those it took; None where not known."""

    cell: str
    model: str
    estimated: float | None
    spent: float | None


@dataclass(frozen=True)
class Costs:
    """Those of all cells."""

    cells: Sequence[Cost]

    @property
    def left(self) -> float:
        """The seconds that the cells not finished need, as far as they are known."""
        return sum(cost.estimated or 0.0 for cost in self.cells if cost.spent is None)

    def by_model(self) -> list[tuple[str, int, int, float, float]]:
        """(model, cells, finished, seconds estimated of all, seconds spent)."""
        rows = []
        for model in dict.fromkeys(cost.model for cost in self.cells):
            group = [cost for cost in self.cells if cost.model == model]
            spent = [cost.spent for cost in group if cost.spent is not None]
            rows.append((model, len(group), len(spent), sum(c.estimated or 0.0 for c in group), sum(spent)))
        return rows


def measured(cell: Cell, train: Callable[[Watch], None], clock: Watch) -> dict[str, float] | None:
    """The seconds of a step and of compilation: the first calls of a cell's training, which later goes on from there.

    A training that is shorter is finished by this; one that failed is reported when it is run. None where the clock, or
    the user, ends it before.
    """
    rows: list[Row] = []

    def watch(row: Row) -> None:
        rows.append(row)
        clock(row)
        if len(rows) == CALLS:
            raise KeyboardInterrupt

    try:
        train(watch)
    except DgeoError as error:
        if isinstance(error.__context__, KeyboardInterrupt) and not rows:
            raise
    if 0 < len(rows) < CALLS and rows[-1]["step"] < rows[-1]["steps"]:
        return None
    rows = [row for row in rows if (row["phase"], row["seed"]) == (rows[0]["phase"], rows[0]["seed"])]
    if len(rows) < 2:
        return {"step": 0.0, "compilation": rows[0]["seconds"] if rows else 0.0}
    apart = (rows[-1]["seconds"] - rows[0]["seconds"]) / (rows[-1]["step"] - rows[0]["step"])
    return {"step": max(apart, 0.0), "compilation": max(rows[0]["seconds"] - apart * rows[0]["step"], 0.0)}


def planned(cells: Sequence[Cell], folder: Folder, known: Mapping[str, Mapping[str, float]]) -> Costs:
    """The costs of all cells; a model's steps take as long in one cell as in another."""
    costs = []
    for cell in cells:
        found = known.get(cell.model)
        seconds = None if found is None else found["compilation"] + found["step"] * phases(cell.config)
        record = folder.record(cell) if folder.finished(cell) else None
        costs.append(Cost(cell.name, cell.model, seconds, None if record is None else record["cost"]["seconds"]))
    return Costs(costs)


def phases(config: Config) -> int:
    """The most steps (or generations) that a cell's seeds take, and the choice of their number on validation years."""
    training = config.training
    if training.evolution is not None:
        return training.evolution.generations * len(training.seeds)
    selects = config.split.validation is not None and training.refit
    return training.steps * (len(training.seeds) + selects)
