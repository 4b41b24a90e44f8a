"""What a run writes down can be read by others."""

import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.errors import DgeoError
from dgeo.training.records import best_validation, read_json, training_seconds, write_csv, write_json


def refuse(word):
    raise AssertionError(f"{word} is no JSON")


def test_json_knows_no_nan(tmp_path):
    """Python's reader takes NaN and Infinity unless told otherwise; every other reader refuses the whole file."""
    content = {"median": float("nan"), "interval": [np.float64(-np.inf), 0.5], "nested": {"n": 0, "name": "NaN"}}
    write_json(tmp_path / "metrics.json", content)
    found = json.loads((tmp_path / "metrics.json").read_text(), parse_constant=refuse)
    assert found == {"median": None, "interval": [None, 0.5], "nested": {"n": 0, "name": "NaN"}}


@given(st.binary(max_size=60) | st.text('seed,phase\n"0123.-', max_size=60).map(str.encode), st.integers(0, 120))
def test_a_damaged_history_is_one_sentence(tmp_path, noise, place):
    """Noise written over a history: what it says is read, or refused with the way to have it again."""
    rows = [{"seed": 0, "phase": "refit", "step": step, "validation": 0.5, "seconds": 1.5} for step in (2, 4, 6)]
    write_csv(tmp_path / "history.csv", rows)
    content = (tmp_path / "history.csv").read_bytes()
    (tmp_path / "history.csv").write_bytes(content[:place] + noise + content[place + len(noise) :])
    for read in (training_seconds, best_validation):
        try:
            read(tmp_path)
        except DgeoError as error:
            assert "train the run again with --resume" in str(error)  # noqa: PT017


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "", "\0", '{"a":'])
def test_json_that_is_none_is_one_sentence(text, tmp_path):
    (tmp_path / "metrics.json").write_text(text)
    with pytest.raises(DgeoError, match="evaluate the run again"):
        read_json(tmp_path / "metrics.json")
