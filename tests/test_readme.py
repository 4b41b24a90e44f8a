"""What the README shows runs as it stands, made smaller."""

import re
from pathlib import Path

import jax
import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """The first Python block, with fewer basins and steps; it prints scores, a hidden store and a parameter."""
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
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


def test_the_example_is_short() -> None:
    """Twenty lines or so, which is what a reader takes in at a glance."""
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(code.splitlines()) <= 24
