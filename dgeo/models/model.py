"""What a model is: one pure step for one site, and a table that says what its names mean and where its water goes."""

import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
from jaxtyping import Array, Float

from dgeo.numerics import Bounds

Values = dict[str, Array]
Scalar = Float[Array, ""]


@dataclass(frozen=True)
class Variable:
    """A forcing, store or flux: its unit and its meaning in one line."""

    units: str
    meaning: str


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
    `sums[flux]` names the transfers that another flux adds up, as runoff does the flows that make it.
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

    def tendencies(self, fluxes: Mapping[str, Array]) -> Values:
        """d(store)/dt = Σ fluxes in − Σ fluxes out, for every store."""
        change: dict[str, Any] = dict.fromkeys(self.stores, 0.0)
        for flux, (source, target) in self.transfers.items():
            if source is not None:
                change[source] = change[source] - fluxes[flux]
            if target is not None:
                change[target] = change[target] + fluxes[flux]
        return change


@runtime_checkable
class Law(Protocol):
    """A constitutive relation: named current values of one site → one number. A network may stand in its place."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names it reads: stores, forcings, parameters, intermediate values of the step."""
        ...

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The flux or fraction, for one site at one time."""
        ...


class Formula(eqx.Module):
    """A law written as a plain function, whose argument names are its inputs."""

    function: Callable[..., Array] = eqx.field(static=True)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The argument names of the function."""
        return tuple(inspect.signature(self.function).parameters)

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The function at the current values."""
        return self.function(*(values[name] for name in self.inputs))


class Model(eqx.Module):
    """A simulator of one site. Everything that differs between sites comes in; everything shared is a field.

    A subclass is final. It holds its laws and fixed numerics as fields, and describes itself by the five names below,
    as class variables or, where they depend on its fields, as properties. Every store of the budget is a state, as an
    amount of what is conserved; a state that is no store (the start of an iteration, say) may stand beside them.
    """

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
    def parameters(self) -> dict[str, Parameter]:
        """The numbers the step needs, per site or per site and time, in a fixed order."""

    @property
    @abstractmethod
    def budget(self) -> Budget:
        """Where the conserved quantity goes."""

    @abstractmethod
    def initial_state(self) -> Values:
        """The state of one site before the first step."""

    @abstractmethod
    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """(state, forcing, parameters, dt [d]) → (state after dt, fluxes as means over dt), for one site."""
