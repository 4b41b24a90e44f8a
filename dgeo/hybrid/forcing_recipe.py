"""The config section `model.forcing`: which products are fused, which forcings corrected, and by what networks."""

from collections.abc import Mapping
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field, model_validator

from dgeo.errors import DgeoError, nearest
from dgeo.hybrid.forcing import NEUTRAL, Correction, ForcingCorrection, ForcingNetwork, Fusion
from dgeo.hybrid.strict import Depth, Narrow, Strict
from dgeo.nn import Standardise, mlp, with_output_bias
from dgeo.numerics import Bounds


class CorrectionRecipe(Strict):
    """A factor (`multiplicative`) or an offset (`additive`, in the unit of the variable) between `low` and `high`."""

    kind: Literal["multiplicative", "additive"]
    low: float
    high: float

    @model_validator(mode="after")
    def _holds_the_neutral(self) -> "CorrectionRecipe":
        neutral = NEUTRAL[self.kind]
        if not self.low < neutral < self.high or (self.kind == "multiplicative" and self.low <= 0):
            range_ = "0 < low < 1 < high" if self.kind == "multiplicative" else "low < 0 < high"
            raise ValueError(f"a {self.kind} correction starts at {neutral:g} and needs {range_}")
        return self

    @property
    def bounds(self) -> Bounds:
        """Halving and doubling are equally far from no correction; so are −1 and +1."""
        return Bounds(self.low, self.high, "logarithmic" if self.kind == "multiplicative" else "linear")


class ForcingRecipe(Strict):
    """Fusion and correction of forcings before the model.

    - `fuse`: variable → the products it is made of (one alone stands for the variable);
    - `correct`: variable → bounds of its correction;
    - `attributes` are what the networks read of a site, `forcings` (none by default) what they read of the day;
    - `width`, `depth`: of each network; there is one for each entry of `fuse` and `correct`.
    """

    fuse: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    correct: dict[str, CorrectionRecipe] = Field(default_factory=dict)
    attributes: tuple[str, ...] = Field(min_length=1)
    forcings: tuple[str, ...] = ()
    width: Narrow = 16
    depth: Depth = 1

    @model_validator(mode="after")
    def _says_something(self) -> "ForcingRecipe":
        if not self.fuse and not self.correct:
            raise ValueError("nothing is fused or corrected; name a variable under `fuse` or `correct`")
        for name, products in self.fuse.items():
            if not products or len(set(products)) < len(products):
                raise ValueError(f"`fuse.{name}` needs at least one product, each once")
        return self


def names(recipe: ForcingRecipe) -> tuple[str, ...]:
    """The series that the dataset must have for this section: products, corrected forcings, what networks read."""
    products = [product for products in recipe.fuse.values() for product in products]
    corrected = [name for name in recipe.correct if name not in recipe.fuse]
    return tuple(dict.fromkeys((*products, *corrected, *recipe.forcings)))


def made(recipe: ForcingRecipe) -> tuple[str, ...]:
    """The variables that fusion makes, which the dataset need not have."""
    return tuple(recipe.fuse)


def build_forcing(
    recipe: ForcingRecipe, statistics: Mapping[str, tuple[float, float]], key: PRNGKeyArray
) -> ForcingCorrection:
    """Fresh networks in float32, which start at equal weights, factors of 1 and offsets of 0.

    `statistics[name] = (mean, deviation)` of `recipe.attributes` and `recipe.forcings`, over training basins and days
    only. Raises `DgeoError` where one is missing.
    """
    keys = iter(jax.random.split(key, len(recipe.fuse) + len(recipe.correct)))
    fusions = {
        name: Fusion(products, _network(recipe, jnp.zeros(len(products)), statistics, next(keys)))
        for name, products in recipe.fuse.items()
    }
    corrections = {name: _correction(recipe, part, statistics, next(keys)) for name, part in recipe.correct.items()}
    return jax.tree.map(
        lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf,
        ForcingCorrection(fusions, corrections),
    )


def _correction(
    recipe: ForcingRecipe, part: CorrectionRecipe, statistics: Mapping[str, tuple[float, float]], key: PRNGKeyArray
) -> Correction:
    start = part.bounds.to_unbounded(jnp.asarray([NEUTRAL[part.kind]]))
    return Correction(part.kind, part.bounds, _network(recipe, start, statistics, key))


def _network(
    recipe: ForcingRecipe,
    start: Float[Array, " column"],
    statistics: Mapping[str, tuple[float, float]],
    key: PRNGKeyArray,
) -> ForcingNetwork:
    """A network that gives `start` everywhere: its last layer begins with weights of zero."""
    inputs = len(recipe.attributes) + len(recipe.forcings)
    fresh = mlp(inputs, len(start), width=recipe.width, depth=recipe.depth, key=key)
    network = with_output_bias(fresh, start)
    network = eqx.tree_at(lambda net: net.layers[-1].weight, network, replace_fn=jnp.zeros_like)
    forcings = _standardise(recipe.forcings, statistics) if recipe.forcings else None
    return ForcingNetwork(_standardise(recipe.attributes, statistics), forcings, network)


def _standardise(variables: tuple[str, ...], statistics: Mapping[str, tuple[float, float]]) -> Standardise:
    for name in variables:
        if name not in statistics:
            raise DgeoError(f"No statistics are known for {name!r}: {nearest(name, statistics)}")
    mean, deviation = zip(*(statistics[name] for name in variables), strict=True)
    return Standardise(variables, jnp.asarray(mean), jnp.asarray(deviation))
