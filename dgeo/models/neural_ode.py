"""A neural ODE: the whole right-hand side is one network, and no physics is left.

    dz/dt = 0.1·NN₁…ₙ(z, x, a)        runoff = Limits(0, ∞)(NN₀(z, x, a))

    z   latent states, of order one          [1]
    x   forcings                             as the data give them
    a   attributes of the site               as the data give them

The network reads forcings and latent states divided by their typical sizes, and standardised attributes. Its weights
are shared by all sites, so that attributes let it serve many. There are no physical parameters. The latent states are
amounts of nothing, so nothing is conserved: in the budget each change, and runoff itself, is a declared exchange, and
the ledger has no residual to report.

Reference: Chen et al. (2018), arXiv:1806.07366.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from dgeo.models.law import Formula, Joint, Reading, Slot, Values
from dgeo.models.model import Budget, Variable
from dgeo.models.ode import ContinuousModel
from dgeo.nn import Standardise
from dgeo.numerics import Limits

RUNOFF = Variable("mm d-1", "runoff, read from the latent states")
STILL = Formula(jnp.zeros_like, reads=("latent_1",))


class NeuralODE(ContinuousModel):
    """Latent states whose rates are laws: its slots are `latent_change_<i>` and `runoff`; by default all stand still.

    `neural_ode` fills them with one network.
    """

    driven_by: tuple[tuple[str, Variable], ...] = eqx.field(static=True)
    size: int = eqx.field(static=True, default=5)

    all_parameters: ClassVar = {}

    @property
    def forcings(self) -> dict[str, Variable]:
        """What drives it."""
        return dict(self.driven_by)

    @property
    def states(self) -> dict[str, Variable]:
        """The latent states."""
        return {f"latent_{i}": Variable("1", f"latent state {i}") for i in self._numbers}

    @property
    def fluxes(self) -> dict[str, Variable]:
        """The rates of the latent states, and runoff."""
        return {_change(i): Variable("d-1", f"rate of latent state {i}") for i in self._numbers} | {"runoff": RUNOFF}

    @property
    def slots(self) -> Mapping[str, Slot]:  # type: ignore[override]
        """One for each rate, and one for runoff."""
        moving = {_change(i): Slot(STILL, "d-1", f"rate of latent state {i}", Limits(scale=0.1)) for i in self._numbers}
        return moving | {"runoff": Slot(STILL, RUNOFF.units, RUNOFF.meaning, Limits(0.0))}

    @property
    def budget(self) -> Budget:
        """Nothing but declared exchanges; runoff passes by all states."""
        changes: dict[str, tuple[str | None, str | None]] = {_change(i): (None, f"latent_{i}") for i in self._numbers}
        return Budget({**changes, "runoff": (None, None)}, exchanges=(*changes, "runoff"))

    def initial_state(self) -> Values:
        """All zero."""
        return {name: jnp.asarray(0.0) for name in self.states}

    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """What the laws say at this moment."""
        now = self.values(state, forcing, parameters)
        return {slot: self.law(slot, now) for slot in self.slots}

    @property
    def _numbers(self) -> range:
        return range(1, self.size + 1)


class Dense(eqx.Module):
    """A network of named values as a law of several outputs: NN((value − mean)/deviation)."""

    scaled: Standardise
    network: eqx.nn.MLP
    attributes: tuple[str, ...] = eqx.field(static=True)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names it reads."""
        return self.scaled.names

    def __call__(self, values: Mapping[str, Array]) -> Float[Array, " output"]:
        """All outputs at the current values."""
        return self.network(self.scaled(values))


def neural_ode(
    forcings: Mapping[str, Variable],
    attributes: Mapping[str, tuple[float, float]] | None = None,
    *,
    states: int = 5,
    width: int = 16,
    depth: int = 2,
    key: PRNGKeyArray,
    **fields: Any,
) -> NeuralODE:
    """A neural ODE of `states` latent states with fresh weights.

    `attributes[name] = (mean, deviation)` over the training sites; the network has `depth` hidden layers of `width`
    tanh units; `fields` are those of the model, a `solver` above all. At first runoff is about 1 mm d⁻¹.
    """
    bare = NeuralODE(tuple(forcings.items()), states, **fields)
    sizes = {name: (0.0, variable.scale) for name, variable in {**bare.states, **bare.forcings}.items()}
    statistics = {**sizes, **(attributes or {})}
    mean, deviation = (jnp.asarray(numbers) for numbers in zip(*statistics.values(), strict=True))
    network = eqx.nn.MLP(len(statistics), len(bare.slots), width, depth, activation=jax.nn.tanh, key=key)
    law = Dense(Standardise(tuple(statistics), mean, deviation), network, tuple(attributes or ()))
    outputs = {slot: f"network_{slot}" for slot in bare.slots}
    readings = {slot: Reading(name, bare.slots[slot].limits) for slot, name in outputs.items()}
    return bare.with_laws(readings, joint=(Joint(law, tuple(outputs.values())),))  # type: ignore[return-value]


def _change(number: int) -> str:
    return f"latent_change_{number}"
