import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file

from dgeo.errors import DgeoError
from dgeo.hybrid import Inputs, build
from dgeo.training import evaluate, train, training_statistics
from dgeo.training.evaluate import inputs_of
from dgeo.training.simulation import run, times
from tests.training.cases import config, content, member, task, world


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


def nash_sutcliffe(simulated, observed, record, transform=lambda flow: flow):
    """The mean of squared errors over (σ + 0.1)², σ that of the basin's training days."""
    scale = np.nanstd(transform(record), axis=0) + 0.1
    return np.nanmean(((transform(simulated) - transform(observed)) / scale) ** 2)


def kling_gupta(simulated, observed):
    """The mean over basins of 1 − KGE, with a noise of 1e-4 in the variances and of 0.01 in the means."""
    distances = []
    for both in np.moveaxis([simulated, observed], -1, 0):
        seen = both[:, ~np.isnan(both).any(axis=0)]
        covariance, means = np.cov(seen, bias=True) + 1e-4, seen.mean(axis=1) + 0.01
        spread = np.sqrt(np.diag(covariance))
        parts = covariance[0, 1] / spread.prod(), spread[0] / spread[1], means[0] / means[1]
        distances.append(np.linalg.norm(np.subtract(parts, 1)))
    return np.mean(distances)


def root_mean_square(simulated, observed, transform=lambda depth: depth):
    return np.sqrt(np.nanmean((transform(simulated) - transform(observed)) ** 2))


def first_window(settings, dataset):
    """Day [day, basin] and basin of the first draw of seed 0, which is all that is taken from the training."""
    sampler = member(settings, task(Path("unused")), dataset).sampler
    basins, starts, _ = sampler.draws(jax.random.fold_in(jax.random.key(0), 0), settings.training.batch)
    length = settings.training.warmup + settings.training.window
    return np.asarray(starts) + np.arange(length)[:, None], np.asarray(basins)


def untrained(settings, dataset, days, basins):
    """The outputs of the model before training, run once over warm-up and window without a break."""
    model = build(settings.model, training_statistics(dataset, settings), jax.random.key(0))
    forcing = {
        name: jnp.asarray(dataset[name].values[days, basins], jnp.float32) for name in settings.model.needed_forcings
    }
    attributes = {name: jnp.asarray(dataset[name].values[basins], jnp.float32) for name in settings.model.attributes}
    return run(model, Inputs(forcing, attributes), settings.outputs)[0]


LOSSES = {
    "streamflow": {"loss": "nse"},
    "evapotranspiration": {"loss": "kge", "weight": 0.5},
    "snow_water_equivalent": {"loss": "sqrt_nse", "weight": 0.1},
    "soil_moisture": {"loss": "rmse_combined", "weight": 0.01},
    "baseflow": {"loss": "log_nse"},
}


def other_observations():
    """A world in which other series stand in for observations of stores and fluxes: one with gaps, one basin without
    any."""
    dataset = world()
    dataset["evapotranspiration"] = dataset["potential_evapotranspiration"].copy() * 0.5
    dataset["snow_water_equivalent"] = dataset["precipitation"].copy()
    dataset["soil_moisture"] = dataset["precipitation"].copy() + 50
    dataset["baseflow"] = dataset["streamflow"].copy() * 0.5
    dataset["snow_water_equivalent"][::3] = np.nan
    dataset["soil_moisture"][:, 0] = np.nan
    return dataset


def by_hand(settings, dataset):
    """The weighted sum of the five losses over the first window, in numpy, from the model's own simulation."""
    days, basins = first_window(settings, dataset)
    time = dataset["time"].values
    seen = time < np.datetime64("2002-04-01")  # the training days but for those of the validation, which are the last
    record = {name: np.where(seen[:, None], dataset[name].values, np.nan)[:, basins] for name in LOSSES}
    window = slice(settings.training.warmup, None)
    rows = days[window], np.arange(len(basins))
    simulated = {name: x[window].astype(float) for name, x in untrained(settings, dataset, days, basins).items()}
    pair = {name: (simulated[name], record[name][rows]) for name in LOSSES}
    snow, soil = pair["snow_water_equivalent"], pair["soil_moisture"]
    return (
        nash_sutcliffe(*pair["streamflow"], record["streamflow"])
        + 0.5 * kling_gupta(*pair["evapotranspiration"])
        + 0.1 * nash_sutcliffe(*snow, record["snow_water_equivalent"], lambda depth: np.sqrt(depth + 0.01))
        + 0.01 * 0.75 * root_mean_square(*soil)
        + 0.01 * 0.25 * root_mean_square(*soil, lambda depth: np.log10(np.sqrt(depth + 1e-6) + 0.1))
        + nash_sutcliffe(*pair["baseflow"], record["baseflow"], lambda flow: np.log(flow + 0.01))
    )


@pytest.mark.filterwarnings("ignore:Target 'soil_moisture' has no observation")
def test_several_targets_with_losses_gaps_and_weights_train_together(tmp_path):
    """Every loss appears once. The loss of the first step is their weighted sum in numpy, from a simulation without a
    break between warm-up and window: float32 sums of 150 terms, 1e-5. Each seed has its own; all targets are kept."""
    dataset = other_observations()
    training = {"batch": 5, "steps": 2, "steps_per_call": 1, "seeds": [0, 1], "targets": LOSSES, "refit": False}
    settings = config(training={**training, "warmup_gradient": True}, outputs=list(LOSSES))
    train(settings, tmp_path, dataset=dataset)
    first = {row["seed"]: float(row["loss"]) for row in history(tmp_path) if row["step"] == "1"}
    np.testing.assert_allclose(first["0"], by_hand(settings, dataset), rtol=1e-5)
    assert first["1"] != first["0"]
    found = evaluate(tmp_path, dataset=dataset).simulation
    for name in LOSSES:
        expected = dataset[name].sel(time=found["time"])
        np.testing.assert_array_equal(found[f"{name}_observed"].values, expected.values)


def test_the_published_recipe_trains_without_warmup(tmp_path):
    """With no day before the window, there is no last step of a warm-up to read static parameters from: they are the
    network's at the last step of the window, so warmer weather on that day changes them, and the flow before it."""
    lstm = {"network": "lstm", "width": 4, "dropout": 0.3, "reversion": 0.5, "static_from_last_step": True}
    training = {"steps": 2, "warmup": 0, "refit": False, "validate_every": 2}
    chosen = settings(world(), model={"dynamic": lstm}, training=training)
    model = train(chosen, tmp_path, dataset=world())[0]
    fresh = build(chosen.model, training_statistics(world(), chosen), jax.random.key(0))
    assert not eqx.tree_equal(model, fresh)
    inputs = times(inputs_of(chosen, world()), slice(0, 30))
    temperature = inputs.forcing["temperature"]
    warmer = eqx.tree_at(lambda i: i.forcing["temperature"], inputs, temperature.at[-1].add(5))
    found, other = (model.parameters(weather)[0] for weather in (inputs, warmer))
    assert (found.static["k1"] != other.static["k1"]).all()
    flow, changed = (run(model, weather, ("streamflow",))[0]["streamflow"] for weather in (inputs, warmer))
    assert (flow[:-1] != changed[:-1]).any(axis=0).all()
