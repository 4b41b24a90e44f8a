"""What docs/kernels/ shows runs as it stands."""

import re
from pathlib import Path

import jax
import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "kernels"
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in FOLDER.glob("*.md") if page.stem != "README"}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_page_runs(page):
    """All its blocks, one after the other, under JAX's own defaults; and it is read in one sitting."""
    names: dict = {}
    with jax.enable_x64(False), jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        for block in re.findall(r"```python\n(.*?)```", PAGES[page], flags=re.DOTALL):
            exec(compile(block, f"docs/kernels/{page}.md", "exec"), names)
    assert names
    assert len(PAGES[page].splitlines()) <= 60


def test_the_gallery_shows_every_page():
    """And every figure that it shows is there."""
    gallery = (FOLDER / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\[[^\]]+\]\((\w+)\.md\)", gallery)
    assert sorted(linked) == sorted(PAGES)
    for figure in re.findall(r"\]\((\S+\.png)\)", gallery):
        assert (FOLDER / figure).exists(), figure
