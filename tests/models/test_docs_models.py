"""What docs/models.md shows runs as it stands, and its table is that of the code."""

import re
from pathlib import Path

import jax
import numpy as np

from dgeo.models import MODELS, ContinuousModel, cascade

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def test_the_model_of_your_own_runs(capsys):
    """Both blocks, one after the other.

    After 100 days at 4 mm d⁻¹ of rain and 1 of potential evaporation a wet canopy loses 1 and the soil 3, but for
    3·e^{−10}, and with Euler's steps 1.1^{−100} of what it began with: 7e-5 of a few mm. The second law, 0.01·S² = 3,
    holds S = 17.3 mm.
    """
    model, runs = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names: dict = {}
    with jax.enable_x64(False), jax.numpy_rank_promotion("allow"):
        exec(compile(model, "docs/models.md", "exec"), names)
        exec(compile(runs, "docs/models.md", "exec"), names)
    printed = [float(x) for x in re.findall(r"[\d.]+(?:e[+-]\d+)?", capsys.readouterr().out)]
    np.testing.assert_allclose(printed[:3], 3.0, atol=0.01)
    assert max(printed[3:]) <= 1e-5
    np.testing.assert_allclose(names["fluxes"]["runoff"][-1], 3.0, atol=0.01)
    np.testing.assert_allclose(names["after"]["soil_moisture"], np.sqrt(300), atol=0.05)


def test_the_model_is_short():
    """Forty lines or so, imports, laws and all but the blank ones."""
    model = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[0]
    assert len([line for line in model.splitlines() if line.strip()]) <= 50


def test_the_table_is_that_of_the_code():
    """Every model has a row, with its number of stores and slots, and says whether it takes a solver."""
    rows = {row[0].strip("` "): row for row in re.findall(r"^\| (`\w+`) \|(.*)\|$", PAGE, flags=re.MULTILINE)}
    assert set(rows) == set(MODELS)
    for name, (_, cells) in rows.items():
        _, stores, form, slots, _ = (cell.strip() for cell in cells.split("|"))
        model = MODELS[name]()
        assert stores == ("n" if isinstance(model, type(cascade())) else str(len(model.budget.stores)))
        assert int(slots) == len(model.slots)
        assert ("continuous" in form) == isinstance(model, ContinuousModel)
