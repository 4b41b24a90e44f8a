"""What a law is, and the slot in a model where one stands.

A law maps named current values of one site to one number. The textbook formula is the default of its slot; another
formula, a network, a table or a found expression can take its place, and the model does not know which.
"""

import inspect
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import equinox as eqx
from jaxtyping import Array

from dgeo.errors import DgeoError
from dgeo.numerics import Limits

Values = dict[str, Array]


@runtime_checkable
class Law(Protocol):
    """A constitutive relation: named current values of one site → one number. A network may stand in its place.

    A law that reads attributes of the site, or forcings that the model itself does not, names them besides in
    `attributes` or `forcings` (tuples; without them, none).
    """

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names it reads: stores, forcings, parameters, intermediate values of the step, attributes."""
        ...

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The flux or fraction, for one site at one time."""
        ...


class Formula(eqx.Module):
    """A law written as a plain function; its inputs are the names of the positional arguments, or else `reads`.

    `options` are keyword-only arguments of the function and their values (how its thresholds are rounded, say).
    """

    function: Callable[..., Array] = eqx.field(static=True)
    reads: tuple[str, ...] | None = eqx.field(static=True, default=None)
    attributes: tuple[str, ...] = eqx.field(static=True, default=())
    forcings: tuple[str, ...] = eqx.field(static=True, default=())
    options: tuple[tuple[str, Hashable], ...] = eqx.field(static=True, default=())

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names it reads, in the order of the function's positional arguments."""
        if self.reads is not None:
            return self.reads
        arguments = inspect.signature(self.function).parameters.values()
        return tuple(argument.name for argument in arguments if argument.kind is not argument.KEYWORD_ONLY)

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The function at the current values."""
        return self.function(*(values[name] for name in self.inputs), **dict(self.options))


@dataclass(frozen=True)
class Slot:
    """A place for a law: what stands there by default, and what any law there must give.

    - `default`: the textbook's law;
    - `units`, `meaning`: of the number that the law gives;
    - `limits`: its typical size, its sign and its range; what lies outside has no physical meaning;
    - `limited_by`: the store that it empties, if any: the step takes no more than is there;
    - `offers`: intermediate values of the step that it may read, besides states, forcings and parameters;
    - `sizes`: how large those of them typically are that no flux of the model is, if not of the order of 1.
    """

    default: Law
    units: str
    meaning: str
    limits: Limits
    limited_by: str | None = None
    offers: tuple[str, ...] = ()
    sizes: Mapping[str, float] = field(default_factory=dict, hash=False)


class Joint(eqx.Module):
    """One network that fills several slots: evaluated once, at the values from which the step starts.

    `law` gives an array, whose entries become the named values `outputs`; a `Reading` of one stands in each slot.
    """

    law: Law
    outputs: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, values: Mapping[str, Array]) -> Values:
        """The named values."""
        found = self.law(values)
        if found.shape != (len(self.outputs),):
            raise DgeoError(
                f"The network for {', '.join(self.outputs)} gives numbers of shape {list(found.shape)}: give it "
                f"{len(self.outputs)} outputs, one for each."
            )
        return {name: found[i] for i, name in enumerate(self.outputs)}


class Reading(eqx.Module):
    """The law of a slot that a `Joint` fills: one of its outputs, brought within the limits of the slot."""

    name: str = eqx.field(static=True)
    limits: Limits = eqx.field(static=True, default=Limits())

    @property
    def inputs(self) -> tuple[str, ...]:
        """The one name it reads."""
        return (self.name,)

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The value of that name, within its limits."""
        return self.limits.from_unbounded(values[self.name])


class PerSite(eqx.Module):
    """A law of which every site has its own: all arrays in `law` have a leading axis, the sites of a training set.

    `simulate` hands each site its own, and the step never sees the axis.
    """

    law: Law

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names it reads."""
        return self.law.inputs

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes of the site among them."""
        return attributes_of(self.law)

    @property
    def forcings(self) -> tuple[str, ...]:
        """Forcings among them that the model itself does not read."""
        return forcings_of(self.law)

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The law of the site at hand."""
        return self.law(values)


def attributes_of(law: Law) -> tuple[str, ...]:
    """The attributes of the site that a law reads."""
    return tuple(getattr(law, "attributes", ()))


def forcings_of(law: Law) -> tuple[str, ...]:
    """The forcings that a law reads besides those of its model."""
    return tuple(getattr(law, "forcings", ()))
