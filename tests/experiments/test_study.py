"""A study in miniature: killed and continued, refused when it changes, and written as tables and a page."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from dgeo.data import BasinSplit, TemporalSplit, check_leakage
from dgeo.errors import DgeoError
from dgeo.experiments import STUDIES, run_study, setting_named
from dgeo.experiments.data_scaling import crossing
from dgeo.experiments.probes import fitted
from dgeo.experiments.runner import named
from dgeo.experiments.temporal import STUDY as TEMPORAL
from dgeo.report.wording import duration
from dgeo.training.prepare import basin_split, unseen_basins, year_split
from tests.experiments.cases import setting as made

MODELS = ("lstm", "climatology")


def small(folder):
    """The study of other years with two models, in the smallest setting."""
    setting = made(folder)

    def cells(setting, splits):
        return [cell for cell in TEMPORAL.cells(setting, splits) if cell.model in MODELS]

    return replace(TEMPORAL, cells=cells), setting


def check_cell(config):
    """What training checks of a split before it begins."""
    split, unseen = config.split, unseen_basins(config)
    if split.years is not None:
        check_leakage(year_split(split.years))
    elif unseen:
        trained = basin_split(split.basins).train if split.basins else ("another",)
        check_leakage(BasinSplit(trained, unseen))
    else:
        check_leakage(TemporalSplit(split.train, split.validation, split.test))


def test_cells_are_named_by_a_part_or_a_pattern(tmp_path):
    """`lstm` is in the names of three models, `lstm,*` fits one; a word that means nothing is refused, not ignored."""
    setting = made(tmp_path)
    cells = TEMPORAL.cells(setting, tmp_path)
    assert {cell.model for cell in named(cells, ["lstm"])} == {"lstm", "ea_lstm", "mc_lstm"}
    assert [cell.model for cell in named(cells, ["lstm,*", "climatology"])] == ["climatology", "lstm"]
    assert named(cells, []) == cells
    with pytest.raises(DgeoError, match=r"contains or fits 'lsmt,temporal'; did you mean .*lstm,temporal"):
        named(cells, ["lsmt,temporal"])


class Killed(BaseException):
    """What ends a process ends this training: nothing catches it, and nothing is written after it."""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Killed in its training, then continued by the same call."""
    import jax

    folder = tmp_path_factory.mktemp("study")
    calls = []

    def kill(row):
        calls.append(row)
        if row["phase"] == "refit" and row["seed"] == 1:
            raise Killed

    with jax.enable_x64(False):
        wanted, setting = small(folder)
        with pytest.raises(Killed):
            run_study(wanted, setting, folder, watch=kill)
        after = []
        results = run_study(wanted, setting, folder, watch=after.append)
    return folder, calls, after, results


def test_a_killed_study_goes_on_where_it_was(study):
    """The second call trains no phase that the first had finished (that a training resumes bit for bit is shown in
    tests/training), and together they made all steps of each phase."""
    _, before, after, results = study
    assert {(row["phase"], row["seed"]) for row in after} == {("refit", 1)}
    assert {(row["phase"], row["seed"]) for row in before} == {("select", 0), ("refit", 0), ("refit", 1)}
    assert [done.cell.model for done in results.cells] == ["climatology", "lstm"]
    assert results.cells[1].record["cost"]["steps"] >= 4 + 2 * 2


def test_a_plan_tells_what_all_cells_cost(tmp_path):
    """Nothing is finished, and the table of costs and its sentence count the cells left, as what is told does."""
    wanted, setting = small(tmp_path)
    told = []
    results = run_study(wanted, setting, tmp_path / "plan", plan=True, tell=told.append)
    assert not results.cells
    assert told[0].left > 0
    with (tmp_path / "plan" / "costs.csv").open() as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert {name: (row["cells"], row["finished"]) for name, row in rows.items()} == {
        name: ("1", "0") for name in MODELS
    }
    assert f"{duration(told[0].left)} are left" in (tmp_path / "plan" / "tables.md").read_text()


def test_what_is_finished_is_kept(study):
    """A third call trains and scores nothing."""
    folder, *_ = study
    wanted, setting = small(folder)
    record = folder / "cells" / "lstm,temporal" / "cell.json"
    stamp = record.stat().st_mtime_ns
    rows = []
    run_study(wanted, setting, folder, watch=rows.append)
    assert not rows
    assert record.stat().st_mtime_ns == stamp


def test_a_changed_study_is_refused(study):
    """Other basins in the same folder; the sentence names what differs."""
    folder, *_ = study
    wanted, setting = small(folder)
    other = replace(setting, data=setting.data.model_copy(update={"potential_evapotranspiration": "oudin"}))
    with pytest.raises(
        DgeoError,
        match=r"another definition of this study \(.*data.potential_evapotranspiration differs\)",
    ):
        run_study(wanted, other, folder)


def test_a_study_outlives_a_new_key_of_configs(study):
    """One that the definition does not have yet, as after an upgrade, means its default."""
    folder, *_ = study
    wanted, setting = small(folder)
    path = folder / "study.json"
    sound = path.read_bytes()
    definition = json.loads(sound)
    del definition["cells"]["lstm,temporal"]["config"]["training"]["freeze"]
    path.write_text(json.dumps(definition))
    try:
        assert len(run_study(wanted, setting, folder).cells) == len(MODELS)
    finally:
        path.write_bytes(sound)


def test_a_study_grows(study):
    """A cell that was not there when the folder was begun is added, as by a new model; one that is gone is missed."""
    folder, *_ = study
    wanted, setting = small(folder)
    path = folder / "study.json"
    sound = path.read_bytes()
    definition = json.loads(sound)
    without = json.loads(sound)
    del without["cells"]["climatology,temporal"]
    extra = {**definition, "cells": {**definition["cells"], "gone": definition["cells"]["lstm,temporal"]}}
    try:
        path.write_text(json.dumps(without))
        assert len(run_study(wanted, setting, folder).cells) == len(MODELS)
        assert json.loads(path.read_bytes()) == definition
        path.write_text(json.dumps(extra))
        with pytest.raises(DgeoError, match=r"cells.gone differs"):
            run_study(wanted, setting, folder)
    finally:
        path.write_bytes(sound)


def test_tables_hold_the_scores(study):
    """The median of the table is that of the scores of all basins; the page has every table and the configs."""
    folder, _, _, results = study
    with (folder / "table.csv").open() as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    scores = results.scores
    chosen = scores[(scores["model"] == "lstm") & (scores["member"] == "ensemble")]
    assert float(rows["lstm"]["NSE, ensemble"]) == pytest.approx(chosen["nse"].median())
    assert int(rows["climatology"]["basins"]) == 10
    page = (folder / "report.html").read_text()
    for words in ("Paired differences in NSE", "Compute budget", "Claims", "steps_per_call: 2", "data:image/svg"):
        assert words in page
    budget = json.loads((folder / "budget.json").read_text())
    assert budget.keys() == {"climatology", "lstm"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cell.json", b"{}"),
        ("cell.json", b'{"cost": {"seconds": "x"}, "medians": {}, "extra": {}}'),
        ("scores.csv", b"a,b\n1,2\n"),
        ("sums.nc", b"CDF\x01"),
    ],
)
def test_a_damaged_cell_is_one_sentence(name, content, study):
    """With the way to have it scored anew; nothing is written over."""
    folder, *_ = study
    wanted, setting = small(folder)
    path = folder / "cells" / "lstm,temporal" / name
    sound = path.read_bytes()
    path.write_bytes(content)
    try:
        with pytest.raises(DgeoError, match=rf"lstm,temporal/{name}.* run the study again"):
            run_study(wanted, setting, folder)
    finally:
        path.write_bytes(sound)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_a_sound_grid(name, tmp_path):
    """Names tell the cells apart, and no training of any cell sees what its tests score."""
    study = STUDIES[name]
    setting = setting_named("virtual", "tiny") if name == "hidden-variables" else made(tmp_path)
    cells = study.cells(setting, tmp_path)
    assert len({cell.name for cell in cells}) == len(cells) > 1
    for cell in cells:
        check_cell(cell.config)
        for test in cell.tests.values():
            trained, tested = cell.config.split.train, test.period
            apart = trained[1] < tested[0] or tested[1] < trained[0]
            assert apart or test.basins == "unseen" or test.years is not None


def test_a_probe_reads_what_is_linear():
    """A variable that is a sum of cells is read exactly, but for the ridge of a thousandth; one of noise is not."""
    random = np.random.default_rng(7)
    cells = random.normal(size=(500, 4, 6))
    target = cells @ np.arange(6.0) + 2
    read = fitted(cells[:300], target[:300])(cells[300:])
    np.testing.assert_allclose(read, target[300:], atol=0.05)
    noise = random.normal(size=(500, 4))
    read = fitted(cells[:300], noise[:300])(cells[300:])
    assert np.corrcoef(read.ravel(), noise[300:].ravel())[0, 1] < 0.2


def test_a_crossing_lies_between_shares():
    """Half way in NSE between shares of 0.1 and 1 is the root of 0.1; never where the curve stays below."""
    assert crossing([0.1, 1.0], [0.4, 0.6], 0.5) == pytest.approx(np.sqrt(0.1))
    assert crossing([0.1, 1.0], [0.4, 0.6], 0.3) == 0.1
    assert crossing([0.1, 1.0], [0.4, 0.6], 0.7) is None


def test_folds_and_draws_are_pooled(study):
    """Folds join along basins, draws along members: two cells of one basin each are one set of two."""
    from dgeo.experiments.results import joined

    shape = ("member", "year", "basin")
    parts = [xr.Dataset({"n": (shape, np.ones((1, 1, 1)))}, {"member": ["a"], "basin": [b], "year": [1]}) for b in "xy"]
    assert joined(parts, "basin").sizes == {"member": 1, "year": 1, "basin": 2}
