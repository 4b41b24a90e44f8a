"""A trained model as one portable file: its recipe and its numbers, nothing that runs."""

from pathlib import Path
from typing import Any

import jax
from pydantic import ValidationError

from dgeo.errors import DgeoError
from dgeo.hybrid.any_recipe import AnyRecipe, Simulator, build, read
from dgeo.hybrid.network_recipe import NetworkRecipe
from dgeo.hybrid.recipe import Recipe
from dgeo.numerics import count_numbers, read_metadata, read_tree, write_tree

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
        sites = len(basins_of(path)) or None
        if least_numbers(recipe, sites or 1) > count_numbers(path):
            raise DgeoError(f"{path} is damaged: it describes a larger model than it holds; restore a copy.")
        like = build(recipe, dict.fromkeys(names, (0.0, 1.0)), jax.random.key(0), sites)
    return read_tree(path, like)[0]


def read_recipe(path: str | Path) -> AnyRecipe:
    """The recipe of a saved model."""
    metadata = read_metadata(path)
    if metadata.get("dgeo_model") != VERSION:
        raise DgeoError(
            f"{path} is no model file of version {VERSION}; it may be a checkpoint: give a file of RUN/models."
        )
    described = metadata.get("recipe")
    if described is None:
        raise DgeoError(f"{path} holds a model built in Python: give `like`, a model of the same structure.")
    if not isinstance(described, dict):
        raise DgeoError(f"{path} is damaged: its recipe is no mapping; restore a copy.")
    try:
        return read(described)
    except ValidationError as error:
        raise DgeoError(f"{path} was written by another version of dgeo: {error.errors()[0]['msg']}.") from error


def basins_of(path: str | Path) -> tuple[str, ...]:
    """The ids of the training basins of a saved model, in the order of what each has of its own."""
    notes = read_metadata(path).get("notes")
    basins = notes.get("basins", ()) if isinstance(notes, dict) else ()
    return tuple(map(str, basins)) if isinstance(basins, list | tuple) else ()


def least_numbers(recipe: AnyRecipe, sites: int) -> int:
    """Fewer numbers than these no model of a recipe has: so much is known without building it.

    A file that describes a network of giants and holds a few numbers is refused by it, before memory is filled.
    """
    if isinstance(recipe, NetworkRecipe):
        return (recipe.hidden or 1) ** 2
    networks = [(law, sites if law.per_basin else 1) for law in recipe.laws if law.kind == "network"]
    laws = sum(_square(law.width, law.depth) * count for law, count in networks)
    forcing = 0 if recipe.forcing is None else _square(recipe.forcing.width, recipe.forcing.depth)
    moving = recipe.dynamic
    dynamic = 0 if moving is None else moving.width ** (2 if moving.network == "lstm" else 1)
    return max(laws, _of_static(recipe), forcing, dynamic) // 4


def _of_static(recipe: Recipe) -> int:
    alone = recipe.dynamic is None or not recipe.dynamic.static_from_last_step
    learned = alone and recipe.static.source == "attributes" and set(recipe.learned_parameters) - set(recipe.fixed)
    return _square(recipe.static.width, recipe.static.depth) if learned else 0


def _square(width: int, depth: int) -> int:
    """Of the matrices between hidden layers."""
    return width**2 * max(depth - 1, 0)
