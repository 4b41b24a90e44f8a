"""What docs/kernels/ shows of soil and snow runs as it stands."""

import re
from pathlib import Path

import jax
import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "kernels"


@pytest.mark.parametrize("page", ["soil_water", "soil_heat", "snow"])
def test_the_page_runs(page):
    """All its blocks, one after the other, under JAX's own defaults; and it is read in one sitting."""
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")
    names: dict = {}
    with jax.enable_x64(False), jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
            exec(compile(block, f"docs/kernels/{page}.md", "exec"), names)
    assert names
    assert len(text.splitlines()) <= 60
