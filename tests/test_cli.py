"""The commands as a user types them, on five virtual basins; an error is one sentence and an exit code of 1."""

import json
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
import xarray as xr
import yaml

from dgeo import cli, demo
from dgeo.check.probes import Finding, ProbeReport
from tests.training.cases import content, world


@pytest.fixture
def dgeo(monkeypatch, capsys):
    """Type a command; gives the exit code, what it said and what it complained about."""
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")

    def typed(*words):
        monkeypatch.setattr(sys, "argv", ["dgeo", *map(str, words)])
        code = 0
        with jax.enable_x64(False):
            try:
                cli.main()
            except SystemExit as end:
                code = int(end.code or 0)
        said, complaint = capsys.readouterr()
        return code, said, complaint

    return typed


def written(folder, dataset=None, **changes):
    """A config and its data in a folder."""
    dataset = world() if dataset is None else dataset
    dataset.to_netcdf(folder / "data.nc", engine="h5netcdf")
    sections = content(**changes)
    sections["data"] = {"file": str(folder / "data.nc"), **sections["data"]}
    sections["split"] = {"test_basins": [str(dataset["basin"].values[-1])], **sections["split"]}
    (folder / "run.yaml").write_text(yaml.safe_dump(sections))
    return folder / "run.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished run, made by the command."""
    place = tmp_path_factory.mktemp("cli")
    config = written(place, model={"components": 3, "weights": "learned"})
    with pytest.MonkeyPatch.context() as patch, jax.enable_x64(False):
        patch.setenv("JAX_NUM_CPU_DEVICES", "1")
        words = ["train", str(config), "--out", str(place / "run"), "--set", "training.steps=4"]
        patch.setattr(sys, "argv", ["dgeo", *words, "--set", "training.seeds=[0, 1]"])
        with pytest.raises(SystemExit) as end:
            cli.main()
    assert not end.value.code
    return place / "run"


def test_train_leaves_everything_that_is_promised(folder):
    """`--set` is in the resolved config; scores are there by name, with counts."""
    assert yaml.safe_load((folder / "config.yaml").read_text())["training"]["steps"] == 4
    names = {"config.yaml", "environment.json", "data.json", "history.csv", "checkpoints", "models", "metrics.json"}
    assert names | {"metrics.csv", "simulation.nc", "parameters.nc", "ledger.json", "report.html"} <= {
        path.name for path in folder.iterdir()
    }
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"median", "mean", "n", "failures", "interval"} <= set(metrics["test"]["nse"])
    assert metrics["test"]["nse"]["n"] == 1
    assert [seed["seed"] for seed in metrics["seeds"]] == [0, 1]
    ledger = json.loads((folder / "ledger.json").read_text())
    assert all(page["relative_residual"] < 1e-5 for page in (ledger, ledger["steps"], ledger["events"]))
    assert ledger["events"]["count"] > 10
    assert f"Worst event: from {ledger['events']['day']}" in (folder / "report.html").read_text()
    with xr.open_dataset(folder / "simulation.nc") as simulation:
        assert simulation.sizes == {"time": 365, "basin": 1}
        assert simulation["streamflow"].attrs["units"] == "mm d-1"


def test_scores_are_those_of_the_written_simulation(folder):
    """NSE by its definition, from simulation.nc, which is float32: 1e-5."""
    with xr.open_dataset(folder / "simulation.nc") as simulation:
        s, o = (simulation[name].values[:, 0].astype(float) for name in ("streamflow", "streamflow_observed"))
    expected = 1 - np.nansum((s - o) ** 2) / np.nansum((o - np.nanmean(o)) ** 2)
    found = json.loads((folder / "metrics.json").read_text())["test"]["nse"]["median"]
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)


def test_parameters_are_named_with_units_and_bounds(folder):
    """The meaning of every field is in the file: unit, words, bounds, and values within them. The learned weights of
    three components are a share each, all different, and make 1 but for rounding."""
    with xr.open_dataset(folder / "parameters.nc") as fields:
        assert fields["k1"].dims == ("basin", "component")
        assert fields["routing_scale"].dims == ("basin",)
        for name in ("beta", "field_capacity", "routing_shape"):
            attrs = fields[name].attrs
            assert {"units", "long_name", "lower_bound", "upper_bound"} <= set(attrs)
            assert (
                attrs["lower_bound"] <= fields[name].values.min() <= fields[name].values.max() <= attrs["upper_bound"]
            )
        assert "aridity" in fields
        weights = fields["component_weight"].values
        assert weights.shape == (1, 3)
        np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-6)
        assert (weights > 0).all()
        assert np.ptp(weights) > 1e-3


def test_evaluate_report_and_info_repeat_a_run(folder, dgeo):
    before = (folder / "metrics.json").read_bytes()
    code, said, _ = dgeo("evaluate", folder)
    assert (code, (folder / "metrics.json").read_bytes()) == (0, before)
    assert "nse" in said
    (folder / "report.html").unlink()
    assert dgeo("report", folder)[0] == 0
    assert (folder / "report.html").stat().st_size > 1000
    code, said, _ = dgeo("info", folder)
    assert code == 0
    assert "hbv, 3 components, static parameters" in said
    assert "seed_0.safetensors, seed_1.safetensors" in said


def test_a_run_is_probed(folder, dgeo, tmp_path):
    """Two probes of one run on two of its basins, in the terminal, as JSON and as Markdown."""
    words = ("--only", "closure", "--basins", "2", "--json", tmp_path / "p.json", "--markdown", tmp_path / "p.md")
    code, said, complaint = dgeo("probe", folder, *words)
    assert code == 0, complaint
    assert "passes 2 of 2" in said
    rows = json.loads((tmp_path / "p.json").read_text())["rows"]
    assert [(row["run"], row["probe"], row["verdict"]) for row in rows] == [
        ("run", "closure", "pass"),
        ("run", "closure of an extreme event", "pass"),
    ]
    assert rows[0]["value"] < rows[0]["tolerance"] == 1e-5
    assert rows[0]["basins"] == 2
    assert "| closure | pass |" in (tmp_path / "p.md").read_text()
    assert not (folder / "probes.json").exists()  # of all probes, or none


def test_what_all_probes_found_stays_with_the_run(folder, dgeo, monkeypatch):
    """In its folder and on its page; the probes themselves are tested elsewhere."""
    report = ProbeReport((Finding("closure", "fail", "a tenth of the water is gone"),))
    monkeypatch.setattr("dgeo.training.probe", lambda run, **options: report)
    assert dgeo("probe", folder)[0] == 0
    (row,) = json.loads((folder / "probes.json").read_text())["rows"]
    assert (row["run"], row["probe"], row["verdict"]) == ("run", "closure", "fail")
    assert "a tenth of the water is gone" in (folder / "report.html").read_text()


def simulated(dgeo, folder, out, *words):
    code, _, complaint = dgeo("simulate", folder, "--out", out, *words)
    assert code == 0, complaint
    with xr.open_dataset(out) as result:
        return result.load()


def test_simulation_continues_exactly(folder, dgeo, tmp_path):
    """Two halves joined by a state are the whole, bitwise: the second begins where the state ends."""
    whole = simulated(dgeo, folder, tmp_path / "whole.nc", "--end", "2001-06-30")
    keep = ("--end", "2001-02-10", "--save-state", tmp_path / "state")
    first = simulated(dgeo, folder, tmp_path / "a.nc", *keep)
    second = simulated(dgeo, folder, tmp_path / "b.nc", "--state", tmp_path / "state", "--end", "2001-06-30")
    assert str(second["time"].values[0])[:10] == "2001-02-11"
    joined = xr.concat([first, second], "time")
    for name in whole.data_vars:
        np.testing.assert_array_equal(joined[name].values, whole[name].values)


def test_basins_never_seen_are_simulated_without_observations(folder, dgeo, tmp_path):
    """Two of the basins under other names, in another file without streamflow: what the run says of the originals."""
    whole = simulated(dgeo, folder, tmp_path / "whole.nc", "--start", "2002-01-01", "--end", "2002-03-31")
    others = world().isel(basin=[3, 1]).drop_vars("streamflow").assign_coords(basin=["x", "y"])
    others.to_netcdf(tmp_path / "others.nc", engine="h5netcdf")
    words = ("--data", tmp_path / "others.nc", "--start", "2002-01-01", "--end", "2002-03-31")
    found = simulated(dgeo, folder, tmp_path / "found.nc", *words)
    assert found["basin"].values.tolist() == ["x", "y"]
    for name in ("streamflow", "evapotranspiration"):
        expected = whole[name].isel(basin=[3, 1])
        np.testing.assert_allclose(found[name].values, expected.values, rtol=1e-5, atol=1e-6)
        assert found[name].attrs["units"] == "mm d-1"


@pytest.mark.parametrize(
    ("words", "complaints"),
    [
        (("--start", "1990-01-01"), "1990-01-01 to 2003-09-30 is not inside the record"),
        (("--start", "2002-13-01"), "cannot be read; write two dates as"),
        (("--start", "2003-01-01", "--end", "2002-01-01"), "runs backwards"),
        (("--data", "nothing.nc"), "The data file 'nothing.nc' does not exist"),
        (("--data", "config"), "damaged or no NetCDF-4 file"),
        (("--state", "nothing"), "nothing does not exist"),
        (("--state", "model"), "is no state of a simulation"),
        (("--state", "state", "--start", "2002-01-01"), "continues on 2001-02-11, but --start is 2002-01-01"),
        (("--state", "state", "--data", "others"), "is that of 5 basins from virtual_00000 on, not of the 4 basins"),
    ],
)
def test_a_simulation_that_cannot_be_is_one_sentence(words, complaints, folder, dgeo, tmp_path):
    paths = {"config": folder / "config.yaml", "model": folder / "models" / "seed_0.safetensors"}
    paths |= {"state": tmp_path / "state", "others": tmp_path / "others.nc"}
    if "state" in words:
        simulated(dgeo, folder, tmp_path / "a.nc", "--end", "2001-02-10", "--save-state", tmp_path / "state")
        world().isel(basin=slice(1, None)).to_netcdf(tmp_path / "others.nc", engine="h5netcdf")
    code, _, complaint = dgeo("simulate", folder, "--out", tmp_path / "out.nc", *(paths.get(w, w) for w in words))
    assert_one_sentence(code, complaint, complaints)
    assert not (tmp_path / "out.nc").exists()


def assert_one_sentence(code, complaint, words):
    assert code == 1
    assert complaint.startswith("dgeo: ")
    assert complaint.count("\n") == 1
    assert words in complaint
    assert "Traceback" not in complaint


def changed(name, change):
    """A fault in one variable of the data."""

    def fault(dataset):
        return dataset.assign({name: dataset[name].copy(data=change(dataset[name].values))})

    return fault


def placed(name, value):
    """A single wrong value in the second basin (on the 42nd day)."""

    def change(values):
        values[(41, 1) if values.ndim == 2 else 1] = value
        return values

    return changed(name, change)


def renamed_twice(dataset):
    return dataset.assign_coords(basin=["a", "b", "a", "c", "d"])


FAULTS = {
    "temperature in kelvin": (changed("temperature", lambda t: t + 273.15), {}, "looks like kelvin and not degC"),
    "flow in m3/s": (changed("streamflow", lambda q: q * 40), {}, "looks like m3/s or ft3/s where mm d-1 is declared"),
    "negative rain": (placed("precipitation", -1), {}, "'virtual_00001' is -1 mm d-1 on 2000-11-11, which is negative"),
    "gap in the rain": (
        placed("precipitation", np.nan),
        {},
        "'precipitation' of basin 'virtual_00001' is nan on 2000-11-11",
    ),
    "infinite attribute": (placed("aridity", np.inf), {}, "Attribute 'aridity' of basin 'virtual_00001' is inf"),
    "no flow at all": (changed("streamflow", lambda q: q * np.nan), {}, "'streamflow' has no observation in any basin"),
    "no flow column": (lambda ds: ds.drop_vars("streamflow"), {}, "no series 'streamflow'"),
    "no attribute": (lambda ds: ds.drop_vars("aridity"), {}, "no attribute 'aridity'"),
    "no evaporation": (
        lambda ds: ds.drop_vars("potential_evapotranspiration"),
        {},
        "no series 'potential_evapotranspiration'",
    ),
    "basin twice": (renamed_twice, {}, "Basin 'a' occurs more than once"),
    "a day missing": (lambda ds: ds.isel(time=np.r_[0:100, 101:1095]), {}, "gap between 2001-01-08 and 2001-01-10"),
    "a day twice": (lambda ds: ds.isel(time=np.r_[0:100, 99:1095]), {}, "Date 2001-01-08 occurs twice"),
    "no units": (
        lambda ds: ds.assign(temperature=ds["temperature"].drop_attrs()),
        {},
        "'temperature' has no attribute 'units'",
    ),
    "unknown test basin": (
        None,
        {"split": {"test_basins": ["virtual_00009"]}},
        "tests basin 'virtual_00009', which the data lack",
    ),
    "unknown basin": (None, {"data": {"basins": ["nowhere"]}}, "Basin 'nowhere' is not among the 5 basins"),
    "period outside": (None, {"split": {"test": ["2002-10-01", "2009-09-30"]}}, "2009-09-30 is not inside the record"),
    "period backwards": (None, {"split": {"test": ["2003-09-30", "2002-10-01"]}}, "runs backwards"),
    "test years trained on": (
        None,
        {"split": {"test": ["2002-01-01", "2003-09-30"], "test_basins": []}},
        "2002-01-01",
    ),
    "date that is none": (None, {"split": {"test": ["2002-10-01", "soon"]}}, "cannot be read; write two dates"),
    "missing file": (None, {"data": {"file": "nothing.nc"}}, "The data file 'nothing.nc' does not exist"),
    "missing root": (None, {"data": {"source": "camels_us", "root": "nowhere"}}, "The data root nowhere is no folder"),
    "key misspelt": (None, {"training": {"step": 4}}, "'training.step' is unknown; did you mean 'steps'"),
    "loss misspelt": (None, {"training": {"targets": {"streamflow": {"loss": "nsee"}}}}, "did you mean nse"),
    "optimiser misspelt": (
        None,
        {"training": {"optimiser": {"name": "addam"}}},
        "no optimiser 'addam': did you mean adam",
    ),
    "parameter misspelt": (None, {"model": {"fixed": {"k22": 0.1}}}, "no parameter 'k22': did you mean k2"),
    "output misspelt": (None, {"outputs": ["streamflow", "snow"]}, "no output 'snow'"),
    "window too long": (None, {"training": {"window": 1500}}, "No window of 20 + 1500 days holds training targets"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_bad_input_is_one_sentence_that_names_it(name, dgeo, tmp_path):
    """Variable, place, value and remedy; nothing is trained and nothing is left that would be in the way."""
    fault, changes, words = FAULTS[name]
    config = written(tmp_path, world() if fault is None else fault(world()), **changes)
    code, _, complaint = dgeo("train", config, "--out", tmp_path / "run")
    assert_one_sentence(code, complaint, words)
    assert not list(tmp_path.glob("run/checkpoints/*"))


@pytest.mark.parametrize(
    ("words", "complaints"),
    [
        (("train", "nothing.yaml"), "The config nothing.yaml cannot be read (No such file or directory)"),
        (("evaluate", "nowhere"), "nowhere is no run folder: it holds no config.yaml"),
        (("report", "nowhere"), "nowhere"),
        (("info", "nowhere"), "nowhere is no run folder"),
        (("simulate", "nowhere", "--out", "x.nc"), "nowhere is no run folder"),
    ],
)
def test_a_path_that_leads_nowhere_is_named(words, complaints, dgeo):
    assert_one_sentence(*dgeo(*words)[::2], complaints)


def test_a_run_is_not_overwritten(folder, dgeo):
    code, _, complaint = dgeo("train", folder.parent / "run.yaml", "--out", folder)
    assert_one_sentence(code, complaint, "already holds a run; continue it with --resume, or choose another --out")
    code, _, complaint = dgeo("train", folder.parent / "run.yaml", "--out", folder, "--resume")
    assert_one_sentence(code, complaint, "was begun with another config")


def test_variations_are_trained_and_compared(dgeo, tmp_path):
    """Two learning rates: the table has the scores of each run's own files."""
    training = {**content()["training"], "steps": 4, "refit": False}
    words = ("train", written(tmp_path, training=training), "--out", tmp_path / "runs")
    code, said, complaint = dgeo(*words, "--vary", "training.optimiser.learning_rate=[0.001, 0.1]")
    assert code == 0, complaint
    rows = {line.split("│")[1].strip(): line.split("│")[2:-1] for line in said.splitlines() if "│ learning" in line}
    assert set(rows) == {"learning_rate=0.001", "learning_rate=0.1"}
    for run, (validation, *scores) in rows.items():
        test = json.loads((tmp_path / "runs" / run / "metrics.json").read_text())["test"]
        expected = [test[name]["median"] for name in ("nse", "kge", "log_nse", "bias")]
        np.testing.assert_allclose([float(score) for score in scores], expected, atol=6e-4, rtol=0)
        history = (tmp_path / "runs" / run / "history.csv").read_text().splitlines()
        np.testing.assert_allclose(float(validation), float(history[-1].split(",")[5]), atol=6e-4, rtol=0)


def test_variations_of_the_data_are_refused(dgeo, tmp_path):
    words = ("train", written(tmp_path), "--out", tmp_path / "runs", "--vary", "data.potential_evapotranspiration=")
    assert_one_sentence(*dgeo(*words)[::2], "gives no list of values")
    words = (*words[:-1], "data.potential_evapotranspiration=[given, oudin]")
    assert_one_sentence(*dgeo(*words)[::2], "is to be trained on other data than the runs beside it")


def test_interrupting_a_training_loses_nothing(dgeo, tmp_path):
    """Ctrl-C in another process, after its first checkpoint: exit code 1, one sentence, and a run that resumes."""
    training = {"steps": 200000, "steps_per_call": 2, "checkpoint_every": 2, "validate_every": 200000}
    config = written(tmp_path, training={**content()["training"], **training})
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": "1"}
    # who starts this in the background passes on that SIGINT is ignored
    main = "import signal; signal.signal(2, signal.default_int_handler); from dgeo.cli import main; main()"
    command = [sys.executable, "-c", main, "train", config, "--out", tmp_path / "run"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("run/checkpoints/*.safetensors")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=120)
    assert_one_sentence(process.returncode, complaint, "nothing is lost: continue with --resume")
    code, _, complaint = dgeo("info", tmp_path / "run")
    assert_one_sentence(code, complaint, "holds no trained model; finish the run with `dgeo train CONFIG --out")


def test_demo_trains_and_looks_at_what_was_hidden(dgeo, tmp_path, monkeypatch):
    """The main job with six basins and four steps; how well it does is shown elsewhere."""
    small = {
        "data": {"source": "virtual", "count": 6, "years": 3, "noise": 0.2, "seed": 1},
        "split": {
            "train": ("2000-10-01", "2002-09-30"),
            "validation": ("2002-04-01", "2002-09-30"),
            "test": ("2002-10-01", "2003-09-30"),
        },
        "model": {**demo.DEMO["model"], "components": 2, "static": {"width": 4, "depth": 1}},
        "training": {**content()["training"], "steps": 4, "refit": False},
        "outputs": demo.DEMO["outputs"],
    }
    monkeypatch.setattr(demo, "DEMO", small)
    code, said, complaint = dgeo("demo", "--out", tmp_path / "demo")
    assert code == 0, complaint
    assert "Hidden variables" in said
    metrics = json.loads((tmp_path / "demo" / "metrics.json").read_text())
    hidden = metrics["hidden"]["snow_water_equivalent"]
    assert {"anomaly_correlation", "nse", "bias", "untrained"} <= set(hidden)
    assert {"anomaly_correlation", "nse", "bias"} <= set(hidden["untrained"])
    assert (tmp_path / "demo" / "report.html").exists()
    assert_one_sentence(*dgeo("demo", "--out", tmp_path / "demo")[::2], "already holds a demo")
