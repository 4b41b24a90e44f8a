"""The config section `model`: a hybrid, a network without physics (key `network`), or a reference (key `reference`)."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from dgeo.hybrid import NetworkRecipe, Recipe
from dgeo.training.reference import ReferenceRecipe

AnyModel = Recipe | NetworkRecipe | ReferenceRecipe
RECIPES: dict[str, type[AnyModel]] = {"hybrid": Recipe, "network": NetworkRecipe, "reference": ReferenceRecipe}
MARK = "<{}>"  # of a tag, which pydantic puts into the place of an error


def _tag(content: Any) -> str:
    """Which kind of model a section describes: the first whose name is a key in it, otherwise a hybrid."""
    if isinstance(content, dict):
        return MARK.format(next((kind for kind in ("network", "reference") if kind in content), "hybrid"))
    return MARK.format(next((kind for kind, recipe in RECIPES.items() if isinstance(content, recipe)), "hybrid"))


def marked(part: Any) -> type[AnyModel] | None:
    """The recipe whose tag this part of the place of an error is, if it is one."""
    return next((recipe for kind, recipe in RECIPES.items() if part == MARK.format(kind)), None)


ModelSection = Annotated[
    Annotated[Recipe, Tag("<hybrid>")]
    | Annotated[NetworkRecipe, Tag("<network>")]
    | Annotated[ReferenceRecipe, Tag("<reference>")],
    Discriminator(_tag),
]
