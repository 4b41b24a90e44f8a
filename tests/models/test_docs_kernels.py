"""What the pages of kernels without a solver of their own show runs as it stands."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

PAGES = Path(__file__).parents[2] / "docs" / "kernels"


def printed(page: str, capsys: pytest.CaptureFixture) -> list[float]:
    """The numbers that the page's one block prints."""
    (code,) = re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    with jax.enable_x64(False), jax.numpy_rank_promotion("allow"):
        exec(compile(code, page, "exec"), {})
    return [float(x) for x in re.findall(r"[\d.]+(?:e[+-]\d+)?", capsys.readouterr().out)]


def test_the_leaf(capsys):
    """Ci = 400·4/(4 + 1)."""
    np.testing.assert_allclose(printed("leaf.md", capsys), [320.0], rtol=1e-6)


def test_the_surface(capsys):
    """Of 450 W m⁻², less goes into evaporation than comes in; the warmer surface of Penman–Monteith's line evaporates
    less than that of the true curve, and least where its warmth costs radiation."""
    latent, warmth = np.reshape(printed("surface.md", capsys), (3, 2)).T
    assert latent[2] < latent[0] < latent[1] < 450
    assert np.all(np.abs(warmth - 22) < 10)


def test_the_pools(capsys):
    """0.5·1.2·6 = 3.6 g m⁻² d⁻¹ of production; after a month from bare ground little is respired or in the soil."""
    production, respired, soil = printed("carbon.md", capsys)
    np.testing.assert_allclose(production, 3.6, rtol=1e-5)
    assert 0 < respired < production
    assert 0 < soil < 30 * production
