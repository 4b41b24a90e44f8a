"""Running a study: what is not finished is trained, scored and kept, cell by cell, as far as the time reaches."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import jax
import xarray as xr

from dgeo.errors import DgeoError, nearest
from dgeo.experiments.cells import Cell
from dgeo.experiments.estimate import Costs, measured, planned
from dgeo.experiments.folder import FAILED, Folder
from dgeo.experiments.report import write_results
from dgeo.experiments.results import Results
from dgeo.experiments.scoring import score_cell
from dgeo.experiments.setting import Setting
from dgeo.experiments.study import Study
from dgeo.numerics import make_folder, write_atomically
from dgeo.training import load_dataset, train_runs
from dgeo.training.lock import locked
from dgeo.training.progress import Row, Watch

TOGETHER = 24  # cells whose seeds are one program (`training.together`)
APART = 4  # that share a compilation, where they train one after another
Say = Callable[[str], None]


@dataclass
class Clock:
    """Ends the training when the time is up: at a call of the training step, whose checkpoint is then written."""

    minutes: float | None
    watch: Watch

    def __post_init__(self) -> None:
        self.end = None if self.minutes is None else time.monotonic() + 60 * self.minutes

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.end is not None and time.monotonic() > self.end

    def __call__(self, row: Row) -> None:
        """Pass a row of the training on."""
        self.watch(row)
        if self.over:
            raise KeyboardInterrupt


def run_study(
    study: Study,
    setting: Setting,
    out: str | Path,
    *,
    only: Sequence[str] = (),
    minutes: float | None = None,
    plan: bool = False,
    say: Say = lambda words: None,
    tell: Callable[[Costs], None] = lambda costs: None,
    watch: Watch = lambda row: None,
) -> Results:
    """Run what is left of a study in its folder, and write its tables, figures and report.

    **Arguments**

    - `only`: train cells alone whose name contains or fits (`lstm,*`) one of these; tables are of all that is finished.
    - `minutes`: stop when they are over; the same call continues.
    - `plan`: only measure and tell what the cells will cost.
    - `say`, `tell`, `watch`: told of sentences, of the costs before the training, and of every call of the training.

    **Raises** `DgeoError` where the folder holds another study or is in use, or the training is interrupted.
    """
    folder = Folder(Path(out))
    folder.begin()
    with locked([folder.path]):
        return _run(study, setting, folder, only, Clock(minutes, watch), plan, say, tell)


def _run(
    study: Study,
    setting: Setting,
    folder: Folder,
    only: Sequence[str],
    clock: Clock,
    plan: bool,
    say: Say,
    tell: Callable[[Costs], None],
) -> Results:
    cells = study.cells(setting, folder.splits)
    folder.define(study.name, setting.budget, setting.name, cells)
    left = [cell for cell in named(cells, only) if not folder.finished(cell)]
    runner = _Runner(study, folder, clock, say)
    try:
        tell(planned(cells, folder, runner.estimates(left)))
        if not plan:
            runner.run(left)
    except (KeyboardInterrupt, DgeoError) as error:
        if isinstance(error, DgeoError) and not _interrupted(error):
            raise
        raise DgeoError(
            f"Interrupted; what is finished is kept in {folder.path}, and the same command continues."
        ) from None
    results = Results.read(study.name, setting, folder, cells)
    write_results(study, results)
    waiting = sum(not folder.finished(cell) for cell in cells)
    if waiting and not plan:
        say(f"{waiting} of {len(cells)} cells are not finished; the same command continues.")
    return results


def named(cells: Sequence[Cell], only: Sequence[str]) -> list[Cell]:
    """The cells whose name contains or fits one of the words; raises `DgeoError` for a word that means none."""
    names = [cell.name for cell in cells]
    meant = {word: {name for name in names if word in name or fnmatchcase(name, word)} for word in only}
    for word, fitting in meant.items():
        if not fitting:
            raise DgeoError(f"No cell's name contains or fits {word!r}; {nearest(word, names)}")
    return [cell for cell in cells if not only or any(cell.name in fitting for fitting in meant.values())]


class _Runner:
    def __init__(self, study: Study, folder: Folder, clock: Clock, say: Say) -> None:
        self.study, self.folder, self.clock, self.say = study, folder, clock, say
        self.datasets: dict[str, xr.Dataset] = {}

    def estimates(self, cells: Sequence[Cell]) -> Mapping[str, Mapping[str, float]]:
        """The seconds of a step of each kind of cell, measured where they are not known yet."""
        known = self.folder.estimates()
        for cell in _firsts(cells):
            if cell.model in known or self.clock.over:
                continue
            dataset = self.dataset(cell)
            found = measured(cell, partial(self.train, [cell], dataset), self.clock)
            if found is None:
                continue
            known[cell.model] = found
            self.folder.keep_estimates(known)
        return known

    def run(self, cells: Sequence[Cell]) -> None:
        """Train and score, kind after kind."""
        for batch in _batches(cells):
            if self.clock.over:
                return
            try:
                self.attempt(batch)
            except DgeoError as error:
                if not _interrupted(error):
                    self.apart(batch, error)
                elif not self.clock.over:
                    raise

    def apart(self, batch: Sequence[Cell], error: DgeoError) -> None:
        """The cells of a batch of which one failed, each by itself."""
        if len(batch) == 1:
            self.fail(batch[0], error)
        else:
            self.run_each(batch)

    def run_each(self, cells: Sequence[Cell]) -> None:
        """Train and score cells in batches of one."""
        for cell in cells:
            try:
                self.attempt([cell])
            except DgeoError as error:
                if _interrupted(error):
                    raise
                self.fail(cell, error)

    def attempt(self, batch: Sequence[Cell]) -> None:
        """Train the cells of a batch, then score them."""
        dataset = self.dataset(batch[0])
        self.train(batch, dataset, self.clock)
        for cell in batch:
            place = self.folder.cell(cell)
            record = score_cell(cell, place, dataset, self.study.examine(cell, place, dataset))
            (place / FAILED).unlink(missing_ok=True)
            medians = ", ".join(f"{test} NSE {found['nse']:.3f}" for test, found in record["medians"].items())
            self.say(f"{cell.name}: {medians} ({record['cost']['seconds']:.0f} s of training)")

    def train(self, batch: Sequence[Cell], dataset: xr.Dataset, watch: Watch) -> None:
        """Train the cells of a batch from where they are."""
        runs = {self.folder.cell(cell): cell.config for cell in batch}
        train_runs(runs, resume=True, dataset=dataset, watch=watch)

    def fail(self, cell: Cell, error: DgeoError) -> None:
        """Keep what went wrong, and go on with the others; the next run tries again."""
        place = self.folder.cell(cell)
        make_folder(place)
        write_atomically(place / FAILED, lambda path: path.write_text(f"{error}\n", encoding="utf-8"))
        self.say(f"{cell.name} failed: {error}")

    def dataset(self, cell: Cell) -> xr.Dataset:
        """The data of a cell; those of the last kind are kept."""
        key = cell.config.data.model_dump_json()
        if key not in self.datasets:
            self.datasets = {key: load_dataset(cell.config.data)}
        return self.datasets[key]


def _firsts(cells: Sequence[Cell]) -> list[Cell]:
    """The first cell of every model."""
    return list({cell.model: cell for cell in reversed(cells)}.values())[::-1]


def _batches(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells of one kind, in order, so many at a time."""
    kinds: dict[str, list[Cell]] = {}
    for cell in cells:
        kinds.setdefault(cell.kind, []).append(cell)
    size = APART if jax.default_backend() == "cpu" else TOGETHER
    found = []
    for group in kinds.values():
        step = 1 if group[0].config.training.evolution else size
        found += [group[i : i + step] for i in range(0, len(group), step)]
    return found


def _interrupted(error: DgeoError) -> bool:
    return isinstance(error.__context__, KeyboardInterrupt)
