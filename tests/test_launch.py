"""Two processes over loopback: what they compute, and what is left when one of them is killed."""

import csv
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from threading import Thread

import jax
import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from dgeo import cli, training
from dgeo.errors import DgeoError
from dgeo.launch import launch
from dgeo.numerics import read_metadata
from tests.training.cases import content, world

ROOT = Path(__file__).parents[1]


def kill_the_second(run):
    """SIGKILL for the second of this process's children, once the first has written twelve rows."""
    while not (run / "history.csv").exists() or len(history(run)) < 12:
        time.sleep(0.005)
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    os.kill(int(children[1]), signal.SIGKILL)


def history(run):
    """Losses, gradient norms and validation scores on the way."""
    with (run / "history.csv").open(newline="") as file:
        rows = [(row["loss"], row["gradient"], row["validation"] or "nan") for row in csv.DictReader(file)]
    return np.array(rows, float)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of two processes, the second of which is killed, whose history until then is kept and which this process
    alone completes (`two`); and the same run undisturbed, in this process (`one`)."""
    place = tmp_path_factory.mktemp("launch")
    world().to_netcdf(place / "data.nc", engine="h5netcdf")
    changes = {
        "data": {"file": str(place / "data.nc")},
        "model": {"physics": {"name": "bucket"}, "attributes": ["aridity"]},
        "training": {"steps": 200, "batch": 4, "warmup": 5, "window": 20, "validate_every": 20, "refit": False},
        "outputs": ["streamflow"],
    }
    (place / "run.yaml").write_text(yaml.safe_dump(content(**changes)))
    words = ["train", str(place / "run.yaml"), "--out", str(place / "two")]
    thread = Thread(target=kill_the_second, args=[place / "two"])
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_NUM_CPU_DEVICES", "1")
        patch.setenv("PYTHONPATH", str(ROOT))
        with pytest.raises(DgeoError) as failure:
            launch(words, 2, place / "logs")
    thread.join()
    (place / "complaint").write_text(str(failure.value))
    shutil.copytree(place / "two", place / "killed")
    config = training.read_config(place / "run.yaml")
    with jax.enable_x64(False):
        training.train_runs({place / "one": config, place / "two": config}, resume=True)
    return place


def test_two_processes_train_as_one(folder):
    """Basins are summed in another order, hence roundings of float32 that some dozens of steps of Adam pass on."""
    one, two = history(folder / "one"), history(folder / "killed")
    assert len(one) == 100
    assert 12 <= len(two) < 100
    np.testing.assert_allclose(two, one[: len(two)], rtol=1e-5, atol=1e-5)
    assert np.isfinite(two[9::10, 2]).all()


def test_a_killed_worker_is_named_in_a_sentence(folder):
    """Both workers are gone, and nothing is finished."""
    logs = [folder / "logs" / f"worker_{place}.log" for place in (0, 1)]
    assert (folder / "complaint").read_text() == (
        "Worker 1 of 2 (counted from 0) was killed by SIGKILL, and the others were stopped; "
        f"its log is {logs[1]}, and --resume continues from the last checkpoint."
    )
    assert all(log.exists() for log in logs)
    assert not any((folder / "killed" / "models").iterdir())


def test_a_run_of_two_processes_goes_on_in_one(folder):
    """The checkpoint of two devices resumes on one, and the whole is the run that nobody disturbed."""
    header = read_metadata(folder / "killed" / "checkpoints" / "train_seed_0.safetensors")
    one, two, killed = (history(folder / run) for run in ("one", "two", "killed"))
    done = min(len(header["progress"]["history"]), len(killed))
    assert 12 <= done < 100
    np.testing.assert_array_equal(two[:done], killed[:done])
    np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-5)
    found, expected = (load_file(folder / run / "models" / "seed_0.safetensors") for run in ("two", "one"))
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=1e-5)


def test_what_knows_no_several_processes_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")
    monkeypatch.setattr(sys, "argv", ["dgeo", "launch", "evaluate", "runs/first"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "`dgeo launch` got 'evaluate', which knows no several processes" in capsys.readouterr().err
