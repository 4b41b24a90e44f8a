"""A hybrid model, or a network without physics, as what is examined."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dgeo.check.balance import Amounts
from dgeo.check.hybrid_ledger import HybridLedger
from dgeo.check.network_ledger import NetworkLedger
from dgeo.check.probes.subject import Moment, Series, Subject
from dgeo.errors import DgeoError
from dgeo.hybrid import Carry, Hybrid, Inputs, Simulator
from dgeo.models import Budget, Values

Books = HybridLedger | NetworkLedger


@eqx.filter_jit
def _marched(
    model: Simulator, inputs: Inputs, carry: Carry, outputs: tuple[str, ...], dt: float
) -> tuple[Values, Carry]:
    return model(inputs, carry, outputs=outputs, dt=dt)


class Simulated(Subject):
    """A `Hybrid` or a `NetworkModel`, trained or not; its names and its precision are those of `inputs`."""

    forcings: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    budget: Budget = Budget({})
    divides: bool = False
    restarts: ClassVar[bool] = True

    def __init__(self, model: Simulator, inputs: Inputs) -> None:
        """Raises `DgeoError` for a model without streamflow."""
        if isinstance(model, Hybrid) and "runoff" not in model.physics.fluxes:
            raise DgeoError(
                f"The probes examine models of runoff, and {type(model.physics).__name__} gives none; "
                "wrap it as `External` with an output 'streamflow'."
            )
        self.model, self._index = model, inputs.index
        self.forcings, self.attributes = tuple(inputs.forcing), tuple(inputs.attributes)
        self._type = next(iter(inputs.forcing.values())).dtype
        self._opened: tuple[Series, float, Books] | None = None
        carry = model.initial_carry(inputs.sites, self._type)
        books = self._books(carry, {name: np.asarray(value) for name, value in inputs.attributes.items()}, 1.0)
        self.budget = books.budget
        read = (*self.budget.stores, "evapotranspiration")
        also = (name for name in read if name in model.variables)
        self.outputs = tuple(dict.fromkeys(("streamflow", *books.outputs, *also)))
        # a memory of networks counts in steps, which it learned to be days
        self.divides = isinstance(model, Hybrid) and not jax.tree.leaves(carry.parameters)

    def start(self, attributes: Series, sites: int, dt: float = 1.0) -> Moment:
        """The initial carry."""
        carry = self.model.initial_carry(sites, self._type, dt)
        return Moment(carry, self._stored(carry, attributes, dt))

    def march(self, forcing: Series, attributes: Series, moment: Moment, dt: float = 1.0) -> tuple[Series, Moment]:
        """One call of the model, compiled once for each number of steps."""
        inputs = Inputs(self._arrays(forcing), self._arrays(attributes), self._index)
        series, carry = _marched(self.model, inputs, moment.carry, self.outputs, dt)
        kept = {name: np.asarray(value) for name, value in series.items()}
        return kept, Moment(carry, self._stored(carry, attributes, dt))

    def _arrays(self, values: Series) -> Values:
        return {name: jnp.asarray(np.asarray(value), self._type) for name, value in values.items()}

    def _stored(self, carry: Carry, attributes: Series, dt: float) -> Amounts:
        return self._books(carry, attributes, dt).storage(carry)

    def _books(self, carry: Carry, attributes: Series, dt: float) -> Books:
        """The books of sites with these attributes, which give components their weight and the channel its lag."""
        if self._opened is None or self._opened[0] is not attributes or self._opened[1] != dt:
            self._opened = (attributes, dt, self._open(carry, attributes, dt))
        return self._opened[2]

    def _open(self, carry: Carry, attributes: Series, dt: float) -> Books:
        if not isinstance(self.model, Hybrid):
            return NetworkLedger(self.model, carry)
        sites = next(iter(carry.physics.values())).shape[0]
        day = {name: np.zeros((1, sites)) for name in self.forcings}
        return HybridLedger(self.model, Inputs(self._arrays(day), self._arrays(attributes), self._index), carry, dt)
