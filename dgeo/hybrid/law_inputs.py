"""What a learned law reads, in which units, and what it is held to: the checks and choices shared by all kinds."""

from collections.abc import Iterable, Mapping, Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from dgeo.errors import DgeoError, nearest
from dgeo.hybrid.constraints import AtMost, Bounded, Factor, ZeroAt
from dgeo.models import Law, Model
from dgeo.numerics import Frozen

Statistics = Mapping[str, tuple[float, float]]
NEAR_ZERO = 0.1  # share of a store's typical size within which a law of `zero_at` falls to zero


class Scaling(Frozen):
    """x → (x − centre)/size for each of `names`, one by one; an attribute that is not known (NaN) becomes 0."""

    names: tuple[str, ...] = eqx.field(static=True)
    centre: tuple[Array, ...]
    size: tuple[Array, ...]
    attributes: tuple[str, ...] = eqx.field(static=True, default=())
    forcings: tuple[str, ...] = eqx.field(static=True, default=())

    def __call__(self, values: Mapping[str, Array]) -> tuple[Array, ...]:
        """The scaled values, in the order of `names`."""
        scaled = []
        for name, centre, size in zip(self.names, self.centre, self.size, strict=True):
            x = (values[name] - centre) / size
            scaled.append(jnp.where(jnp.isnan(x), jnp.zeros_like(x), x) if name in self.attributes else x)
        return tuple(scaled)


def scaling_of(
    model: Model, slot: str | None, inputs: Sequence[str], statistics: Statistics, forcings: Sequence[str] = ()
) -> Scaling:
    """How a network in this slot (None: of several slots) sees its inputs.

    Stores and forcings of the model are divided by their typical size, parameters by the middle of their bounds. Any
    other name needs `statistics`: an attribute of the site or, if named in `forcings`, a forcing.
    """
    if not inputs or len(set(inputs)) < len(inputs):
        raise DgeoError(f"A learned law needs inputs, each named once; it was given {list(inputs)}.")
    sizes = typical_sizes(model, slot)
    own = [name for name in inputs if name not in sizes]
    for name in own:
        if name not in statistics:
            raise DgeoError(
                f"A law in the slot {slot or 'of several'!r} of {type(model).__name__} cannot read {name!r}: "
                f"{nearest(name, {*sizes, *statistics})} An attribute or extra forcing needs `statistics`."
            )
    pairs = [statistics[name] if name in own else (0.0, sizes[name]) for name in inputs]
    return Scaling(
        tuple(inputs),
        tuple(jnp.asarray(float(centre)) for centre, _ in pairs),
        tuple(jnp.asarray(float(size) or 1.0) for _, size in pairs),
        tuple(name for name in own if name not in forcings),
        tuple(name for name in own if name in forcings),
    )


def typical_sizes(model: Model, slot: str | None) -> dict[str, float]:
    """The typical size of every name that the slot offers; an intermediate value that nobody describes counts as 1."""
    middles = {
        name: (abs(parameter.bounds.low) + abs(parameter.bounds.high)) / 2
        for name, parameter in model.all_parameters.items()
    }
    described = {**model.fluxes, **model.forcings, **model.states}
    offered = () if slot is None else model.slots[slot].offers
    known = {name: variable.scale for name, variable in described.items()}
    known |= {} if slot is None else model.slots[slot].sizes
    offers = {name: known.get(name, 1.0) for name in offered}
    variables = {name: variable.scale for name, variable in {**model.forcings, **model.states}.items()}
    return {**offers, **middles, **variables}


def check_slot(model: Model, slot: str) -> None:
    """Refuse a slot that there is not."""
    if slot not in model.slots:
        raise DgeoError(f"{type(model).__name__} has no slot {slot!r} for a law: {nearest(slot, model.slots)}")


def check_constraints(
    model: Model,
    slot: str,
    inputs: Sequence[str],
    increasing: Sequence[str],
    decreasing: Sequence[str],
    zero_at: Sequence[str],
    storage_limited: bool,
    factor: Sequence[str],
    at_most: Sequence[str],
) -> None:
    """Refuse constraints on names that there are not, and those that no law but zero can hold together."""
    place, sizes = f"the law in the slot {slot!r} of {type(model).__name__}", typical_sizes(model, slot)
    _check_names("monotone in", (*increasing, *decreasing), inputs, place)
    _check_names("zero at", zero_at, model.states, place)
    _check_names("multiplied by", factor, sizes, place)
    _check_names("at most", at_most, sizes, place)
    store = model.slots[slot].limited_by
    if storage_limited and store is None:
        raise DgeoError(
            f"{place[0].upper()}{place[1:]} empties no store, so none can limit it: drop `storage_limited`."
        )
    limit = (*at_most, store) if storage_limited and store is not None else tuple(at_most)
    both_ways = "; a law that is zero where the input is small cannot fall with it"
    _check_apart(decreasing, increasing, place, "increasing and decreasing")
    _check_apart(decreasing, (*zero_at, *factor, *limit), place, f"decreasing and held to zero with it{both_ways}")
    if model.slots[slot].limits.low < 0:
        reason = "increasing and multiplied by it, which a law of both signs cannot keep"
        _check_apart(increasing, (*zero_at, *factor, *limit), place, reason)


def _check_names(kind: str, names: Iterable[str], known: Iterable[str], place: str) -> None:
    for name in names:
        if name not in (known := tuple(known)):
            raise DgeoError(f"{place[0].upper()}{place[1:]} cannot be {kind} {name!r}: {nearest(name, known)}")


def _check_apart(names: Iterable[str], others: Iterable[str], place: str, contradiction: str) -> None:
    for name in set(names) & set(others):
        raise DgeoError(f"In {name!r}, {place} is to be {contradiction}: take {name!r} off one of the lists.")


def constrained(
    law: Law,
    model: Model,
    slot: str,
    zero_at: Sequence[str],
    storage_limited: bool,
    factor: Sequence[str],
    at_most: Sequence[str],
) -> Law:
    """The law within the constraints asked for, and still within the limits of its slot."""
    sizes, limits, store = typical_sizes(model, slot), model.slots[slot].limits, model.slots[slot].limited_by
    if factor:
        law = Factor(law, tuple(factor), tuple(sizes[name] for name in factor))
        law = Bounded(law, limits.low, limits.high) if limits.high < float("inf") else law
    for name in zero_at:
        law = ZeroAt(law, name, NEAR_ZERO * sizes[name])
    for name in at_most:
        law = AtMost(law, name)
    return AtMost(law, store) if storage_limited and store is not None else law
