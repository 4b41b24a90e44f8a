"""Learned laws in words: the entries of a config's list of laws, and the model with all of them in place."""

import math
from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax
from jaxtyping import PRNGKeyArray
from pydantic import Field, PositiveInt, model_validator

from dgeo.errors import DgeoError
from dgeo.hybrid.constraints import Bounded
from dgeo.hybrid.expression import expression_law
from dgeo.hybrid.law_inputs import Statistics, check_constraints, check_slot, constrained
from dgeo.hybrid.laws import network_law, network_laws
from dgeo.hybrid.strict import Depth, Narrow, Strict
from dgeo.hybrid.table import KNOTS, table_law
from dgeo.models import Joint, Law, Model, PerSite

PRETRAINING_STEPS = 2000
LARGEST_TABLE = 1_000_000  # numbers
OF_KIND = {
    "network": ("inputs", "width", "depth", "increasing", "decreasing"),
    "table": ("inputs", "knots", "increasing", "decreasing"),
    "expression": ("formula", "constants"),
}
"""The keys that only some kinds of law have; all others go with every kind."""


class LawRecipe(Strict):
    """What stands in a slot, or (a network) in several.

    A network or a table reads its `inputs`, `attributes` of the site and `forcings` that the model itself does not
    read; a formula names its own inputs, and `attributes` and `forcings` say which of them are these. Constraints:
    `increasing`, `decreasing`, `zero_at` (stores), `storage_limited`, `factor`, `at_most`; see `network_law`. With
    `per_basin` each basin has its own law; `pretrain` (true, or a number of steps) teaches it the textbook's law first.
    """

    slots: tuple[str, ...] = Field(min_length=1)
    kind: Literal["network", "table", "expression"] = "network"
    inputs: tuple[str, ...] = ()
    forcings: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    width: Narrow = 16
    depth: Depth = 2
    increasing: tuple[str, ...] = ()
    decreasing: tuple[str, ...] = ()
    zero_at: tuple[str, ...] = ()
    storage_limited: bool = False
    factor: tuple[str, ...] = ()
    at_most: tuple[str, ...] = ()
    formula: str | None = None
    constants: dict[str, float] = Field(default_factory=dict)
    knots: dict[str, tuple[float, ...]] | Narrow = KNOTS
    per_basin: bool = False
    pretrain: bool | PositiveInt = False

    @property
    def reads(self) -> tuple[str, ...]:
        """All that a network or a table reads."""
        return tuple(dict.fromkeys((*self.inputs, *self.attributes, *self.forcings)))

    @property
    def pretraining_steps(self) -> int:
        """How many steps of pre-training are asked for."""
        return PRETRAINING_STEPS * self.pretrain if isinstance(self.pretrain, bool) else self.pretrain

    @model_validator(mode="after")
    def _fits_together(self) -> "LawRecipe":
        place = f"the law of {', '.join(self.slots)}"
        for key in sorted({key for keys in OF_KIND.values() for key in keys}):
            if key not in OF_KIND[self.kind] and getattr(self, key) != type(self).model_fields[key].get_default(
                call_default_factory=True
            ):
                kinds = " or ".join(kind for kind, keys in OF_KIND.items() if key in keys)
                raise ValueError(f"`{key}` belongs to a {kinds} and {place} is a {self.kind}; drop it or change `kind`")
        if self._places() > LARGEST_TABLE:
            raise ValueError(f"{place} would be a table of more than {LARGEST_TABLE} numbers; give it fewer knots")
        needed = "formula" if self.kind == "expression" else "inputs"
        if not (self.formula if self.kind == "expression" else self.reads):
            raise ValueError(f"{place} is a {self.kind} and needs `{needed}`")
        if len(self.slots) > 1 and self.kind != "network":
            raise ValueError(f"a {self.kind} fills one slot and this one is to fill {', '.join(self.slots)}; split it")
        if self.pretrain and self.kind == "expression" and not self.constants:
            raise ValueError(f"{place} has no `constants` to pre-train; name some or drop `pretrain`")
        return self

    def _places(self) -> int:
        """How many numbers a table has."""
        if self.kind != "table":
            return 0
        each = self.knots
        return math.prod(each if isinstance(each, int) else len(each.get(name, ())) for name in self.reads)


def fill(
    model: Model, recipes: Sequence[LawRecipe], statistics: Statistics, key: PRNGKeyArray, sites: int | None = None
) -> Model:
    """The model with fresh laws in its slots as the recipes say; a key for each.

    `statistics[name] = (mean, deviation)` of attributes and extra forcings; `sites` is the number of laws that a recipe
    with `per_basin` makes. Raises `DgeoError` for a slot filled twice, and as `network_law`, `table_law` and
    `expression_law` do.
    """
    filled: set[str] = set()
    for i, recipe in enumerate(recipes):
        for slot in recipe.slots:
            check_slot(model, slot)
            if slot in filled:
                raise DgeoError(f"Two recipes fill the slot {slot!r} of {type(model).__name__}: keep one of them.")
            filled.add(slot)
        model = model.with_laws(*_made(model, recipe, statistics, jax.random.fold_in(key, i), sites))
    return model


def _made(
    model: Model, recipe: LawRecipe, statistics: Statistics, key: PRNGKeyArray, sites: int | None
) -> tuple[dict[str, Law], tuple[Joint, ...]]:
    if not recipe.per_basin:
        return _one(model, recipe, statistics, key)
    if sites is None:
        raise DgeoError(
            f"The law of {', '.join(recipe.slots)} is to be one per basin, and the number of basins is not known: give "
            "`sites`, or drop `per_basin`."
        )
    laws, joint = eqx.filter_vmap(lambda key: _one(model, recipe, statistics, key))(jax.random.split(key, sites))
    own: dict[str, Law] = {slot: PerSite(law) for slot, law in laws.items()}
    return own, tuple(Joint(PerSite(network.law), network.outputs) for network in joint)


def _one(
    model: Model, recipe: LawRecipe, statistics: Statistics, key: PRNGKeyArray
) -> tuple[dict[str, Law], tuple[Joint, ...]]:
    """One set of laws for all sites."""
    if recipe.kind == "network":
        return _network(model, recipe, statistics, key)
    slot = recipe.slots[0]
    law: Law
    if recipe.kind == "expression":
        formula = expression_law(recipe.formula or "", recipe.constants, recipe.attributes, recipe.forcings)
        limits = model.slots[slot].limits
        law = Bounded(formula, limits.low, limits.high)
    else:
        law = table_law(
            model,
            slot,
            recipe.reads,
            knots=recipe.knots,
            increasing=recipe.increasing,
            decreasing=recipe.decreasing,
            statistics=statistics,
            forcings=recipe.forcings,
        )
    held = (recipe.zero_at, recipe.storage_limited, recipe.factor, recipe.at_most)
    check_constraints(model, slot, law.inputs, recipe.increasing, recipe.decreasing, *held)
    return {slot: constrained(law, model, slot, *held)}, ()


def _network(
    model: Model, recipe: LawRecipe, statistics: Statistics, key: PRNGKeyArray
) -> tuple[dict[str, Law], tuple[Joint, ...]]:
    same = ("width", "depth", "increasing", "decreasing", "zero_at", "storage_limited", "factor", "at_most", "forcings")
    options = {name: getattr(recipe, name) for name in same}
    if len(recipe.slots) > 1:
        return network_laws(model, recipe.slots, recipe.reads, **options, statistics=statistics, key=key)
    slot = recipe.slots[0]
    return {slot: network_law(model, slot, recipe.reads, **options, statistics=statistics, key=key)}, ()
