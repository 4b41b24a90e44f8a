import json

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

from dgeo.errors import DgeoError
from dgeo.training import train
from tests.training.cases import config, content, world


def unseen(dataset):
    return [str(dataset["basin"].values[-1])]


def settings(dataset, **changes):
    split = {**content()["split"], "test_basins": unseen(dataset)}
    return config(**{"split": split, **changes})


def history(folder):
    lines = (folder / "history.csv").read_text().splitlines()
    names = lines[0].split(",")
    return [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]


def models(folder):
    return {path.name: load_file(path) for path in sorted((folder / "models").iterdir())}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, arrays in expected.items():
        assert found[name].keys() == arrays.keys()
        for place, array in arrays.items():
            np.testing.assert_array_equal(found[name][place], array)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One run with validation, refit and a basin kept for testing."""
    folder = tmp_path_factory.mktemp("run") / "deep" / "run"
    with jax.enable_x64(False):
        train(settings(world()), folder, dataset=world())
    return folder


def test_a_run_folder_holds_what_the_report_reads(trained):
    recorded = json.loads((trained / "data.json").read_text())
    assert (recorded["basins"], recorded["first_day"]) == (5, "2000-10-01")
    assert "jax" in json.loads((trained / "environment.json").read_text())["packages"]
    rows = history(trained)
    assert {"seed", "phase", "step", "loss", "validation", "seconds"} <= set(rows[0])
    assert [row["step"] for row in rows if row["phase"] == "select"] == ["2", "4", "6", "8"]


def test_the_refit_takes_the_steps_that_validation_chose(trained):
    rows = history(trained)
    scores = {int(row["step"]): float(row["validation"]) for row in rows if row["validation"]}
    assert set(scores) == {4, 8}
    refit = [row for row in rows if row["phase"] == "refit"]
    assert int(refit[-1]["step"]) == max(scores, key=scores.get)
    assert not any(row["validation"] for row in refit)


def test_test_years_and_test_basins_never_reach_the_training(trained, tmp_path):
    """Flow and weather of the test year, and all of the test basin, are others: the models are bitwise the same."""
    dataset = world()
    test = dataset["time"].values >= np.datetime64("2002-10-01")
    for name in ("streamflow", "precipitation", "temperature"):
        dataset[name][test] = dataset[name][test] * 0.5 + 1
        dataset[name][:, -1] = dataset[name][:, -1] * 0.9 + 1
    for name in ("elev_mean", "aridity"):
        dataset[name][-1] = 3.0
    train(settings(world()), tmp_path / "run", dataset=dataset)
    assert_same(models(tmp_path / "run"), models(trained))


def test_validation_days_never_reach_the_loss_or_its_scale(trained, tmp_path):
    """Other flows in the validation months: every loss of the selecting phase is the same, the scores are not."""
    dataset = world()
    time = dataset["time"].values
    months = (time >= np.datetime64("2002-04-01")) & (time <= np.datetime64("2002-09-30"))
    dataset["streamflow"][months] = dataset["streamflow"][months] * 0.5 + 0.3
    train(settings(world()), tmp_path / "run", dataset=dataset)
    found, expected = ([r for r in history(f) if r["phase"] == "select"] for f in (tmp_path / "run", trained))
    assert [row["loss"] for row in found] == [row["loss"] for row in expected]
    assert all(a["validation"] != b["validation"] for a, b in zip(found, expected, strict=True) if b["validation"])


def test_a_finished_run_is_not_begun_again(trained):
    before = models(trained)
    with pytest.raises(DgeoError, match=r"already holds a run; continue it with --resume, or choose another --out"):
        train(settings(world()), trained, dataset=world())
    with pytest.raises(DgeoError, match="was begun with another config; restore it"):
        train(settings(world(), training={"batch": 2}), trained, dataset=world(), resume=True)
    with pytest.raises(DgeoError, match="another config or other data"):
        train(settings(world()), trained, dataset=world().isel(basin=slice(1, None)), resume=True)
    assert_same(models(trained), before)
    train(settings(world()), trained, dataset=world(), resume=True)
    assert_same(models(trained), before)


def test_bad_data_leave_a_folder_that_can_be_used_again(tmp_path):
    """Nothing was trained, so nothing is in the way of the mended data, or of another config."""
    broken = world()
    broken["precipitation"][5, 0] = np.nan
    with pytest.raises(DgeoError, match="Forcing 'precipitation'"):
        train(settings(world()), tmp_path, dataset=broken)
    with pytest.raises(DgeoError, match="optax has no optimiser"):
        train(settings(world(), training={"optimiser": {"name": "addam"}}), tmp_path, dataset=world())


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DgeoError, match=r"file/run cannot be written \(Not a directory\); choose another --out"):
        train(settings(world()), tmp_path / "file" / "run", dataset=world())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outputs": ["streamflow", "snowmelt"]}, "'snowmelt'; did you mean melt or snowfall"),
        ({"outputs": ["evapotranspiration"]}, "leaves out streamflow"),
        ({"training": {"targets": {"soil_moisture": {}}}}, "leaves out soil_moisture"),
        ({"training": {"targets": {"evaporation": {}}}}, "no output 'evaporation'; did you mean evapotranspiration"),
    ],
)
def test_an_unknown_output_is_refused_before_the_training(changes, words, tmp_path):
    with pytest.raises(DgeoError, match=words):
        train(settings(world(), **changes), tmp_path, dataset=world())
    assert not list(tmp_path.glob("checkpoints/*"))


def test_several_targets_with_losses_gaps_and_weights_train_together(tmp_path):
    """Snow and evapotranspiration of an earlier world stand in for observations, one with gaps, one basin without any;
    every loss appears once. The weights of the network move, and the loss is finite."""
    dataset = world()
    dataset["evapotranspiration"] = dataset["potential_evapotranspiration"].copy() * 0.5
    dataset["snow_water_equivalent"] = dataset["precipitation"].copy()
    dataset["soil_moisture"] = dataset["precipitation"].copy() + 50
    dataset["baseflow"] = dataset["streamflow"].copy() * 0.5
    dataset["snow_water_equivalent"][::3] = np.nan
    dataset["soil_moisture"][:, 0] = np.nan
    losses = {
        "streamflow": {"loss": "nse"},
        "evapotranspiration": {"loss": "kge", "weight": 0.5},
        "snow_water_equivalent": {"loss": "sqrt_nse", "weight": 0.1},
        "soil_moisture": {"loss": "rmse_combined", "weight": 0.01},
        "baseflow": {"loss": "log_nse"},
    }
    changes = {"steps": 4, "seeds": [0, 1], "targets": losses, "refit": False, "warmup_gradient": True}
    train(settings(dataset, training={**content()["training"], **changes}), tmp_path, dataset=dataset)
    assert {row["seed"] for row in history(tmp_path)} == {"0", "1"}
    assert np.isfinite([float(row["loss"]) for row in history(tmp_path)]).all()


def test_the_published_recipe_trains_without_warmup(tmp_path):
    """With no day before the window, there is no last step of a warm-up to read static parameters from."""
    lstm = {"network": "lstm", "width": 4, "dropout": 0.3, "reversion": 0.5, "static_from_last_step": True}
    training = {"steps": 2, "warmup": 0, "refit": False, "validate_every": 2}
    train(settings(world(), model={"dynamic": lstm}, training=training), tmp_path, dataset=world())
    assert np.isfinite(float(history(tmp_path)[-1]["loss"]))
