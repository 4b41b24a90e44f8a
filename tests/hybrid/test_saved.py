import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

from dgeo.errors import DgeoError
from dgeo.hybrid import load, read_recipe, save
from dgeo.hybrid.source_recipe import StaticRecipe
from dgeo.numerics import write_tree
from tests.hybrid.cases import KINDS, OUTPUTS, hybrid, recipe, run, weather


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_is_the_same_model(kind, tmp_path):
    """Every array bitwise, statistics and constants included, and with them what it simulates."""
    model = hybrid(kind, seed=7, fixed={"k2": 0.05})
    save(tmp_path / "model.safetensors", model, recipe(kind, fixed={"k2": 0.05}), {"seed": 7})
    again = load(tmp_path / "model.safetensors")
    assert jax.tree.structure(again) == jax.tree.structure(model)
    jax.tree.map(np.testing.assert_array_equal, again, model)
    found, expected = run(again, weather())[0], run(model, weather())[0]
    for name in OUTPUTS:
        np.testing.assert_array_equal(found[name], expected[name])
    assert read_recipe(tmp_path / "model.safetensors") == recipe(kind, fixed={"k2": 0.05})


def test_a_model_without_recipe_asks_for_its_like(tmp_path):
    path = tmp_path / "model.safetensors"
    save(path, hybrid(seed=1))
    with pytest.raises(DgeoError, match="give `like`"):
        load(path)
    jax.tree.map(np.testing.assert_array_equal, load(path, hybrid(seed=2)), hybrid(seed=1))
    with pytest.raises(DgeoError, match="does not fit this model"):
        load(path, hybrid(components=3))


def damage(path, fault):
    content = path.read_bytes()
    if fault == "missing":
        path.unlink()
    elif fault == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif fault == "one bit":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif fault == "text":
        path.write_text("model: hbv")
    elif fault == "empty":
        path.write_bytes(b"")
    elif fault == "foreign":
        save_file({"weight": np.ones(3)}, path)
    else:
        path.unlink()
        path.mkdir()


def test_a_file_that_describes_a_giant_is_refused_before_it_is_built(tmp_path):
    """A network of 4096 units in 20 layers is 1.3 GB, and the file holds a few numbers."""
    path = tmp_path / "model.safetensors"
    giant = recipe().model_copy(update={"static": StaticRecipe(width=4096, depth=20)})
    save(path, hybrid(), giant)
    with pytest.raises(DgeoError, match="describes a larger model than it holds"):
        load(path)


@pytest.mark.parametrize("described", [[], "network", 3, {"network": []}])
def test_a_recipe_that_is_none_is_one_sentence(described, tmp_path):
    path = tmp_path / "model.safetensors"
    write_tree(path, hybrid(), {"dgeo_model": 1, "recipe": described, "notes": {}})
    with pytest.raises(DgeoError, match=r"is damaged|another version"):
        load(path)


@pytest.mark.parametrize("fault", ["missing", "truncated", "one bit", "text", "empty", "foreign", "folder"])
def test_a_file_that_is_no_model_is_one_sentence(fault, tmp_path):
    """Never a traceback of another library, never a model with a flipped bit."""
    path = tmp_path / "model.safetensors"
    save(path, hybrid(), recipe())
    damage(path, fault)
    with pytest.raises(DgeoError, match=r"model\.safetensors (does not exist|is damaged).*[.]$"):
        load(path)
