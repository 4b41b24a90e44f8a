"""Any model that training knows, hybrid or network alone: one type of recipe, one way to build it."""

from typing import Any, overload

from jaxtyping import PRNGKeyArray

from dgeo.hybrid.model import Hybrid
from dgeo.hybrid.network_model import NetworkModel
from dgeo.hybrid.network_recipe import NetworkRecipe, build_network
from dgeo.hybrid.recipe import Recipe, Statistics, build_hybrid

AnyRecipe = Recipe | NetworkRecipe
Simulator = Hybrid | NetworkModel


def read(content: dict[str, Any]) -> AnyRecipe:
    """The recipe that a mapping holds: the key `network` marks one without physics."""
    return (NetworkRecipe if "network" in content else Recipe).model_validate(content)


@overload
def build(recipe: Recipe, statistics: Statistics, key: PRNGKeyArray, sites: int | None = None) -> Hybrid: ...
@overload
def build(recipe: AnyRecipe, statistics: Statistics, key: PRNGKeyArray, sites: int | None = None) -> Simulator: ...
def build(recipe: AnyRecipe, statistics: Statistics, key: PRNGKeyArray, sites: int | None = None) -> Simulator:
    """The model with fresh weights, in float32.

    `statistics[name] = (mean, deviation)` of every attribute and series that a network reads, over training basins and
    days only; `sites` is the number of training basins, for what each has of its own. Raises `DgeoError` where the
    recipe names a parameter, slot or variable that there is not.
    """
    if isinstance(recipe, NetworkRecipe):
        return build_network(recipe, statistics, key)
    return build_hybrid(recipe, statistics, key, sites)
