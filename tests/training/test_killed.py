"""Training in a process of its own, which is killed: what counts is what is on the disk."""

import signal
import subprocess
import sys
import time

import numpy as np
import yaml
from safetensors.numpy import load_file

from tests.training.cases import content, world

TRAIN = """
import os, signal, sys, time
from pathlib import Path
from dgeo.numerics import storage
from dgeo.training import read_config, train

config, folder, how, at = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
write, written = storage.save_file, []

def save_file(arrays, path, header):
    written.append(path)
    if how == "while writing" and len(written) == at:
        write(arrays, path, header)
        path.write_bytes(path.read_bytes()[:1000])
        os.kill(os.getpid(), signal.SIGKILL)
    write(arrays, path, header)

def slowly(row):
    if how == "slow":
        time.sleep(0.1)

storage.save_file = save_file
train(read_config(config), folder, resume=True, watch=slowly)
"""


def start(config, folder, how="whole", at=0):
    """The training in another process, in single precision."""
    command = [sys.executable, "-c", TRAIN, str(config), str(folder), how, str(at)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def finish(process):
    _, complaint = process.communicate(timeout=300)
    return process.returncode, complaint


def kill_after_a_checkpoint(process, folder):
    """SIGKILL at whatever moment follows the first checkpoint by a third of a second."""
    while not any(folder.glob("checkpoints/*.safetensors")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    time.sleep(0.33)
    process.send_signal(signal.SIGKILL)


def test_a_killed_run_resumes_bit_for_bit(tmp_path):
    """Killed at some moment after a checkpoint, then killed while half of a checkpoint is written, then finished.

    The model is bitwise that of a run that nobody disturbed, and so is every loss on the way: optimiser, sampler, key
    and the best validated weights all come from the checkpoint.
    """
    world().to_netcdf(tmp_path / "data.nc", engine="h5netcdf")
    settings = content(
        data={"file": str(tmp_path / "data.nc")},
        training={"steps": 16, "refit": False, "optimiser": {"name": "adam", "learning_rate": 0.01}},
    )
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    assert finish(start(tmp_path / "run.yaml", tmp_path / "whole")) == (0, "")

    process = start(tmp_path / "run.yaml", tmp_path / "killed", "slow")
    kill_after_a_checkpoint(process, tmp_path / "killed")
    assert finish(process)[0] == -signal.SIGKILL
    assert not any((tmp_path / "killed" / "models").iterdir())
    assert finish(start(tmp_path / "run.yaml", tmp_path / "killed", "while writing", 2))[0] == -signal.SIGKILL
    assert not any((tmp_path / "killed" / "models").iterdir())
    assert finish(start(tmp_path / "run.yaml", tmp_path / "killed")) == (0, "")

    found, expected = (load_file(tmp_path / run / "models" / "seed_0.safetensors") for run in ("killed", "whole"))
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    rows = [(tmp_path / run / "history.csv").read_text().splitlines() for run in ("killed", "whole")]
    without_seconds = [[row.rsplit(",", 1)[0] for row in part] for part in rows]
    assert without_seconds[0] == without_seconds[1]
    assert len(rows[0]) == 1 + 8
