"""A trained model as one portable file: its recipe and its numbers, nothing that runs."""

from pathlib import Path
from typing import Any

import jax
from pydantic import ValidationError

from dgeo.errors import DgeoError
from dgeo.hybrid.any_recipe import AnyRecipe, Simulator, build, read
from dgeo.numerics import read_metadata, read_tree, write_tree

VERSION = 1


def save(
    path: str | Path,
    model: Simulator,
    recipe: AnyRecipe | None = None,
    notes: dict[str, Any] | None = None,
) -> None:
    """Write a model; with its recipe, `load` needs nothing but the file. `notes` travel along."""
    described = None if recipe is None else recipe.model_dump(mode="json")
    write_tree(path, model, {"dgeo_model": VERSION, "recipe": described, "notes": notes or {}})


def load(path: str | Path, like: Simulator | None = None) -> Simulator:
    """Read a model; `like` is a model of the same structure, needed where it was built in Python without a recipe.

    Raises `DgeoError` for a file that is missing, damaged, of another kind, or does not fit.
    """
    if like is None:
        recipe = read_recipe(path)
        names = (*recipe.network_attributes, *recipe.network_forcings)
        sites = len(read_metadata(path)["notes"].get("basins", ())) or None
        like = build(recipe, dict.fromkeys(names, (0.0, 1.0)), jax.random.key(0), sites)
    return read_tree(path, like)[0]


def read_recipe(path: str | Path) -> AnyRecipe:
    """The recipe of a saved model."""
    metadata = read_metadata(path)
    if metadata.get("dgeo_model") != VERSION:
        raise DgeoError(
            f"{path} is no model file of version {VERSION}; it may be a checkpoint: give a file of RUN/models."
        )
    if metadata["recipe"] is None:
        raise DgeoError(f"{path} holds a model built in Python: give `like`, a model of the same structure.")
    try:
        return read(metadata["recipe"])
    except ValidationError as error:
        raise DgeoError(f"{path} was written by another version of dgeo: {error.errors()[0]['msg']}.") from error


def basins_of(path: str | Path) -> tuple[str, ...]:
    """The ids of the training basins of a saved model, in the order of what each has of its own."""
    return tuple(read_metadata(path)["notes"].get("basins", ()))
