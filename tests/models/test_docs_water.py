"""What docs/kernels shows of rivers, groundwater and streams runs as it stands."""

import re
from pathlib import Path

import jax
import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "kernels"


@pytest.mark.parametrize(
    ("page", "low", "high"), [("river", 5.9, 6.1), ("groundwater", 5.0, 5.2), ("transport", 0.1, 5.0)]
)
def test_the_example_runs(page, low, high, capsys):
    """Three times 2 m³ s⁻¹ leave the network; heads stay about the rivers' 5 m; of 5 g m⁻³ some has decayed."""
    (code,) = re.findall(r"```python\n(.*?)```", (FOLDER / f"{page}.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    with jax.enable_x64(False), jax.numpy_rank_promotion("allow"):
        exec(compile(code, f"docs/kernels/{page}.md", "exec"), {})
    last = float(re.findall(r"[\d.]+", capsys.readouterr().out)[-1])
    assert low < last < high
