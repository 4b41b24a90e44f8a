"""One process at a time in a run folder, and nothing left of a killed one."""

import subprocess
import sys

import pytest

from dgeo.errors import DgeoError
from dgeo.numerics import left_behind
from dgeo.training.lock import NAME, locked
from dgeo.training.run import begin_run
from tests.training.cases import config

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "a+")
fcntl.flock(file, fcntl.LOCK_EX)
file.write("process 1 on elsewhere")
file.flush()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_folder_that_another_process_holds_is_refused(tmp_path):
    """The sentence says who holds it; when that one is killed, whatever it held is free."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / NAME)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(DgeoError, match=r"in use by another process \(process 1 on elsewhere\)"),
            locked([tmp_path]),
        ):
            pass
        other.kill()
    held = pytest.raises(DgeoError, match=r"in use by another process \(process \d+ on ")
    with locked([tmp_path]), held, locked([tmp_path]):
        pass
    with locked([tmp_path]):
        pass


def test_what_killed_writes_left_is_cleared_away(tmp_path):
    """The temporary files of dgeo, by their names alone; a hidden file of the user stays."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "models").mkdir()
    left = [".history.csv.a1b2c3d4", "checkpoints/.train_seed_0.safetensors.zz_zz_99"]
    kept = [".mine.template", ".history.csv", "notes.csv", ".lock"]
    for name in (*left, *kept):
        (tmp_path / name).write_text("x")
    assert [path.name for path in left_behind(tmp_path)] == [".history.csv.a1b2c3d4"]
    begin_run(config(), tmp_path)
    assert not any((tmp_path / name).exists() for name in left)
    assert all((tmp_path / name).exists() for name in (*kept, "config.yaml"))
