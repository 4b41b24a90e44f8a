"""What docs/kernels/ shows runs as it stands."""

import re
from pathlib import Path

import jax
import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs" / "kernels").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_runs(page):
    """All its blocks, one after the other, under JAX's own defaults; and it is read in one sitting."""
    text = page.read_text(encoding="utf-8")
    names: dict = {}
    with jax.enable_x64(False), jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
            exec(compile(block, str(page), "exec"), names)
    assert names
    assert len(text.splitlines()) <= 60
