"""`dgeo benchmark speed` as a user types it, and the rows of its result, with implementations that only sleep."""

import json
import sys
from pathlib import Path

import pytest

from dgeo import cli
from dgeo.models import hbv

SPEED = Path(__file__).parents[1] / "benchmarks" / "speed"
SLEEPER = f"""
import sys, time
sys.path.insert(0, {str(SPEED / "workers")!r})
import numpy as np, protocol

protocol.SHORTEST_REQUEST = 1e-9  # one call a request
how = protocol.options()

def prepare():
    if "missing" in how:
        protocol.needed(how["missing"])
    works = {{"gradient": lambda: time.sleep(how["sleep"])}}
    return protocol.Implementation(works, lambda: {{"flow": [1.0, how["flow"]]}}, {{"sleeper": "3"}}, {{}})

protocol.serve(prepare)
"""


@pytest.fixture
def typed(monkeypatch):
    """Type a command; gives the exit code."""
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["dgeo", "benchmark", "speed", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code

    return run


@pytest.fixture
def speed(monkeypatch):
    """The modules of the benchmark, which lie outside the package."""
    monkeypatch.syspath_prepend(str(SPEED))
    monkeypatch.syspath_prepend(str(SPEED / "workers"))
    import hbv_parameters
    import rows
    import run
    import side_by_side

    monkeypatch.setattr(side_by_side, "PAUSE", 0.0)
    return {"rows": rows, "run": run, "parameters": hbv_parameters}


@pytest.fixture
def measured(speed, tmp_path):
    """A row of two sleepers; gives what was found and the versions."""
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER)

    def measure(ours, other):
        sides = (speed["rows"].Side(str(script), {"sleep": 0.01, "flow": 2.0, **how}) for how in (ours, other))
        row = speed["rows"].Row("a/b", "gradient", dict, *sides, "sleep")
        return speed["run"].measured(row, speed["run"].Settings(sys.executable, 1, 3))

    return measure


def test_what_cannot_be_measured_is_in_the_file_with_its_reason(typed, tmp_path):
    """The interpreter of the peers ends at once; the command goes on to the next row, and succeeds."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    told = ("--only", "hydrodl2", "--peers", broken, "--threads", 1, "--json", tmp_path / "speed.json")
    assert typed(*told) == 0
    result = json.loads((tmp_path / "speed.json").read_text())
    assert {"machine", "versions", "threads", "rows"} <= result.keys()
    names = [row["name"] for row in result["rows"]]
    assert "hbv_gradient/hydrodl2" in names
    assert len(names) > 1
    assert all("exit code 3" in row["skipped"] and "ratio" not in row for row in result["rows"])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--threads", 10**6), "--threads 1000000 are more than the"),
        (("--peers", "no/such/python"), "--peers no/such/python cannot be run"),
        (("--json", "no/such/folder/file.json"), "lies in a folder that is not there"),
        (("--only", "no such row"), "The benchmark ended early"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(typed, capsys, words, complaint):
    """An exit code of 1, and what to do instead."""
    assert typed(*words) == 1
    assert complaint in " ".join(capsys.readouterr().err.split())


def test_a_row_holds_both_times_and_their_ratio(measured):
    """Other over ours, medians within their ranges, of as many repetitions as were asked for."""
    row, versions = measured({}, {"sleep": 0.03})
    assert row["ratio"] == row["other_s"] / row["ours_s"]
    assert row["ours_s"] >= 0.01
    assert row["other_s"] >= 0.03
    for side in ("ours", "other"):
        low, high = row[f"{side}_range_s"]
        assert low <= row[f"{side}_s"] <= high
        assert row["memory"][side]["peak_mb"] >= row["memory"][side]["idle_mb"] > 0
    assert row["repetitions"] == 3
    assert versions == {"sleeper": "3"}
    assert row["disagreement"] == {"flow": 0.0}


@pytest.mark.parametrize(
    ("other", "reason"),
    [({"flow": 2.1}, "differ, flow by 0.048"), ({"missing": "no_such_peer"}, "no_such_peer is not installed")],
)
def test_rivals_that_disagree_or_are_missing_are_not_timed(measured, other, reason):
    """|2 − 2.1| / 2.1 = 0.048 is more than the tolerance of 0.001."""
    row, _ = measured({}, other)
    assert reason in row["skipped"]
    assert "ratio" not in row


def test_rows_that_others_rely_on_are_there_once(speed):
    """And every script that a row names exists."""
    rows = speed["rows"].ROWS
    names = [row.name for row in rows]
    assert len(set(names)) == len(names)
    assert {
        *("hbv_gradient/hydrodl2", "hbv_gradient/torch_compile", "hbv_gradient/naive_scan", "hbv_forward/c"),
        *("dpl_step/dmg", "lstm_step/torch", "devices_2/devices_1"),
    } <= set(names)
    assert all((SPEED / "workers" / side.script).is_file() for row in rows for side in (row.ours, row.other))


def test_rivals_have_the_bounds_of_the_model(speed):
    """Written out for interpreters without dgeo; the rows compare results besides."""
    bounds = {name: (parameter.bounds.low, parameter.bounds.high) for name, parameter in hbv("1.0").parameters.items()}
    assert bounds == speed["parameters"].BOUNDS


def test_the_file_is_replaced_as_a_whole(speed, tmp_path):
    """A result that cannot be written leaves the earlier one."""
    file = tmp_path / "speed.json"
    speed["run"].write(file, {"rows": []})
    with pytest.raises(TypeError):
        speed["run"].write(file, {"rows": [object()]})
    assert json.loads(file.read_text()) == {"rows": []}
