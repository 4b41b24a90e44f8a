"""What a run writes down can be read by others."""

import json

import numpy as np

from dgeo.training.records import write_json


def refuse(word):
    raise AssertionError(f"{word} is no JSON")


def test_json_knows_no_nan(tmp_path):
    """Python's reader takes NaN and Infinity unless told otherwise; every other reader refuses the whole file."""
    content = {"median": float("nan"), "interval": [np.float64(-np.inf), 0.5], "nested": {"n": 0, "name": "NaN"}}
    write_json(tmp_path / "metrics.json", content)
    found = json.loads((tmp_path / "metrics.json").read_text(), parse_constant=refuse)
    assert found == {"median": None, "interval": [None, 0.5], "nested": {"n": 0, "name": "NaN"}}
