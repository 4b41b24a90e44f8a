"""What a model is: one pure step for one site, and a table that says what its names mean and where its water goes."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import equinox as eqx
from jaxtyping import Array, Float

from dgeo.errors import DgeoError, nearest
from dgeo.models.law import Joint, Law, Slot, Values, attributes_of, forcings_of
from dgeo.numerics import Bounds

Scalar = Float[Array, ""]


@dataclass(frozen=True)
class Variable:
    """A forcing, store or flux: unit, meaning in one line, and typical size, by which networks divide it."""

    units: str
    meaning: str
    scale: float = 1.0


@dataclass(frozen=True)
class Parameter:
    """A number in a law: unit, meaning, the bounds a network may explore, and a textbook default."""

    units: str
    meaning: str
    bounds: Bounds
    default: float


@dataclass(frozen=True)
class Budget:
    """Which flux leaves which store and enters which.

    `transfers[flux] = (source, target)`; None stands for the outside. Fluxes that cross the boundary for any reason but
    the model's own inflow and outflow (a regional exchange, a clamp) are declared in `exchanges`.
    `sums[flux]` names the transfers that another flux adds up, as runoff does the flows that make it. A model that
    conserves nothing says so: `Budget({})`.
    """

    transfers: Mapping[str, tuple[str | None, str | None]]
    exchanges: tuple[str, ...] = ()
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def stores(self) -> tuple[str, ...]:
        """The names of all stores, in order of first mention."""
        return tuple(dict.fromkeys(s for pair in self.transfers.values() for s in pair if s is not None))

    @property
    def inflows(self) -> tuple[str, ...]:
        """The fluxes that enter from outside, exchanges excluded."""
        return tuple(f for f, (source, _) in self.transfers.items() if source is None and f not in self.exchanges)

    @property
    def outflows(self) -> tuple[str, ...]:
        """The fluxes that leave to the outside, exchanges excluded."""
        return tuple(f for f, (_, target) in self.transfers.items() if target is None and f not in self.exchanges)

    @property
    def conserves(self) -> bool:
        """Whether anything moves that is no declared exchange: without such, there is no balance to close."""
        return any(flux not in self.exchanges for flux in self.transfers)

    def tendencies(self, fluxes: Mapping[str, Array]) -> Values:
        """d(store)/dt = Σ fluxes in − Σ fluxes out, for every store."""
        change: dict[str, Any] = dict.fromkeys(self.stores, 0.0)
        for flux, (source, target) in self.transfers.items():
            if source is not None:
                change[source] = change[source] - fluxes[flux]
            if target is not None:
                change[target] = change[target] + fluxes[flux]
        return change

    def totals(self, fluxes: Values) -> Values:
        """The fluxes, and the sums of them."""
        return fluxes | {
            name: sum((fluxes[part] for part in rest), fluxes[first]) for name, (first, *rest) in self.sums.items()
        }


class Model(eqx.Module):
    """A simulator of one site. Everything that differs between sites comes in; everything shared is a field.

    A subclass describes itself by the names below, as class variables or, where they depend on its fields, as
    properties. Every store of the budget is a state, as an amount of what is conserved; a state that is no store (the
    start of an iteration, say) may stand beside them.

    `laws` replaces the defaults of slots, by name; `joint` are networks that fill several slots at once. Raises
    `DgeoError` for a slot that there is not, a law that reads what its slot does not offer, or a missing or
    inconsistent budget.
    """

    laws: dict[str, Law] = eqx.field(default_factory=dict, kw_only=True)
    joint: tuple[Joint, ...] = eqx.field(default=(), kw_only=True)

    slots: ClassVar[Mapping[str, Slot]] = {}
    step_parameters: ClassVar[tuple[str, ...] | None] = None
    diagnostics: ClassVar[Mapping[str, Variable]] = {}

    @property
    @abstractmethod
    def forcings(self) -> dict[str, Variable]:
        """What drives the step, per site and time."""

    @property
    @abstractmethod
    def states(self) -> dict[str, Variable]:
        """What the step carries from one time to the next."""

    @property
    @abstractmethod
    def fluxes(self) -> dict[str, Variable]:
        """What the step gives out, as means over the step."""

    @property
    @abstractmethod
    def all_parameters(self) -> dict[str, Parameter]:
        """The numbers that the step and the textbook's laws read, per site or per site and time, in a fixed order.

        `step_parameters` are those that the step itself reads whatever the laws; None says all of them.
        """

    @property
    def budget(self) -> Budget:
        """Where the conserved quantity goes."""
        raise DgeoError(
            f"The model {type(self).__name__} has no budget: name where each flux comes from and goes to, "
            "`budget = Budget({flux: (source store, target store)})`, or `Budget({})` if it conserves nothing."
        )

    @abstractmethod
    def initial_state(self) -> Values:
        """The state of one site before the first step."""

    @abstractmethod
    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """(state, forcing, parameters, dt) → (state after dt, fluxes as means over dt), for one site.

        `dt` is in days, unless the units of the fluxes say otherwise.
        """

    def __check_init__(self) -> None:
        """Meet a wrong law or budget at the door."""
        for name in (*self.budget.stores,):
            self._known("store", name, self.states)
        for name in (*self.budget.transfers, *self.budget.sums):
            self._known("flux", name, self.fluxes)
        for name, law in self.laws.items():
            self._known("law", name, self.slots)
            if not isinstance(law, Law):
                raise DgeoError(
                    f"What stands in the slot {name!r} of {type(self).__name__} is a {type(law).__name__} and no law: "
                    "wrap a function as `Formula(function)`, a network as `network_law(...)`."
                )
            self._check_inputs(name, law)

        for joint in self.joint:
            self._check_inputs(", ".join(joint.outputs), joint.law)

    def _check_inputs(self, slot: str, law: Law) -> None:
        offers = self.slots[slot].offers if slot in self.slots else ()
        outputs = tuple(name for joint in self.joint for name in joint.outputs)
        offered = {*self.forcings, *self.states, *self.all_parameters, *offers, *outputs}
        for name in law.inputs:
            if name not in offered | {*attributes_of(law), *forcings_of(law)}:
                raise DgeoError(
                    f"The law in the slot {slot!r} of {type(self).__name__} reads {name!r}, which is not offered: "
                    f"{nearest(name, offered)} An attribute of the site goes into the law's `attributes`."
                )

    def _known(self, kind: str, name: str, known: Mapping[str, Any]) -> None:
        if name not in known:
            raise DgeoError(f"{type(self).__name__} has no {kind} {name!r}: {nearest(name, known)}")

    @property
    def present_laws(self) -> dict[str, Law]:
        """The law that stands in each slot."""
        return {name: self.laws.get(name, slot.default) for name, slot in self.slots.items()}

    @property
    def read(self) -> set[str]:
        """All names that the present laws read."""
        laws = (*self.present_laws.values(), *(joint.law for joint in self.joint))
        return {name for law in laws for name in law.inputs}

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters that the present laws, and the step itself, read."""
        if self.step_parameters is None:
            return dict(self.all_parameters)
        needed = self.read | set(self.step_parameters)
        return {name: parameter for name, parameter in self.all_parameters.items() if name in needed}

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of the site that the present laws read."""
        return self._named_by(attributes_of)

    @property
    def law_forcings(self) -> tuple[str, ...]:
        """The forcings that the present laws read besides those of the model."""
        return tuple(name for name in self._named_by(forcings_of) if name not in self.forcings)

    def _named_by(self, names_of: Any) -> tuple[str, ...]:
        laws = (*self.present_laws.values(), *(joint.law for joint in self.joint))
        return tuple(dict.fromkeys(name for law in laws for name in names_of(law)))

    def with_laws(self, laws: Mapping[str, Law], joint: tuple[Joint, ...] = ()) -> "Model":
        """The same model with other laws in some of its slots."""
        return replace(self, laws={**self.laws, **laws}, joint=(*self.joint, *joint))

    def law(self, slot: str, values: Mapping[str, Array]) -> Array:
        """The number that the law in a slot gives at the current values."""
        return self.laws.get(slot, self.slots[slot].default)(values)

    def values(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """All that a law may read at the start of a step, what networks for several slots give included."""
        now = {**forcing, **parameters, **state}
        for joint in self.joint:
            now |= joint(now)
        return now


@runtime_checkable
class Marching(Protocol):
    """A model that can take many steps of one site better than one after the other; the numbers are the same."""

    def march(
        self,
        state: Values,
        forcing: Mapping[str, Array],
        still: Values,
        moving: Mapping[str, Array],
        dt: Scalar,
        kept: Sequence[str],
    ) -> tuple[Values, Values]:
        """The state after all steps, and the fluxes and states `kept`, [time, …].

        Forcings are [time, …]; so are the parameters that move with time, which the others do not.
        """
        ...
