"""What the README shows runs as it stands, made smaller."""

import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """The first Python block, with fewer basins and steps; it prints scores, a hidden store and a parameter."""
    code = BLOCKS[0]
    small = code.replace("60", "8").replace('"steps": 300', '"steps": 4, "steps_per_call": 2, "checkpoint_every": 4')
    small = small.replace('"checkpoint_every": 4', '"checkpoint_every": 4, "validate_every": 4, "batch": 4')
    assert small != code
    monkeypatch.chdir(tmp_path)
    with jax.enable_x64(False):
        exec(compile(small, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "'median'" in printed
    assert "snow_water_equivalent" in printed
    assert "upper_bound" in printed


def test_a_network_takes_a_slot_as_shown() -> None:
    """The second block: the network stands in the slot, and evaporation rises with soil moisture as it is told to."""
    names: dict[str, Any] = {}
    exec(compile(BLOCKS[1], "README.md", "exec"), names)
    law = names["hybrid_physics"].present_laws["evaporation"]
    assert law is names["law"]
    demand = jnp.asarray(3.0)
    given = [
        law({"soil_moisture": jnp.asarray(w), "potential_evapotranspiration": demand}) for w in (10.0, 100.0, 300.0)
    ]
    assert given[0] < given[1] < given[2]


def test_the_example_is_short() -> None:
    """Twenty lines or so, which is what a reader takes in at a glance."""
    assert len(BLOCKS[0].splitlines()) <= 24
