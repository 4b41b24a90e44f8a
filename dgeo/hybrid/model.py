"""Network + physics + routing as one model that is differentiable from end to end."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from dgeo.engine import (
    ComponentMean,
    Engine,
    Parameters,
    Segment,
    at_sites,
    initial_state,
    per_site,
    simulate,
)
from dgeo.errors import DgeoError, nearest
from dgeo.hybrid.forcing import ForcingCorrection
from dgeo.hybrid.inputs import Inputs
from dgeo.hybrid.parameters import Learned
from dgeo.hybrid.routing import GammaRouting
from dgeo.models import Model, Values, Variable


class Carry(NamedTuple):
    """All that a run remembers: the networks' memory, the stores, the water under way to the gauge."""

    parameters: Any
    physics: Values
    routing: Array | None


STREAMFLOW = Variable("mm d-1", "streamflow at the gauge, after routing")


class Hybrid(eqx.Module):
    """Forcings and attributes → streamflow, fluxes and stores, through θ = NN(…) and the physics.

        x' = forcing(x, attributes)
        θ = parameters(attributes, x')               fluxes, stores = physics(x'; θ, laws)
        q = Σ_m weight_m·runoff_m                    streamflow = q * unit hydrograph

    A site's components are parallel copies of the physics with parameters of their own; every output is their weighted
    mean, so the water balance of the mean closes as that of each does.
    """

    physics: Model
    parameters: Learned
    routing: GammaRouting | None = None
    forcing: ForcingCorrection | None = None

    @property
    def variables(self) -> Mapping[str, Variable]:
        """What the model can give."""
        return {**self.physics.fluxes, **self.physics.states, **self.diagnostics, "streamflow": STREAMFLOW}

    @property
    def diagnostics(self) -> Mapping[str, Variable]:
        """What the physics says of how it was solved."""
        return self.physics.diagnostics

    def initial_carry(self, sites: int, dtype: Any = jnp.float32, dt: float = 1.0) -> Carry:
        """The carry before the first step: no memory, the model's initial stores, a dry channel."""
        state = initial_state(self.physics, (sites, self.parameters.components), dtype)
        tail = None if self.routing is None else jnp.zeros((self.routing.steps(dt) - 1, sites), dtype)
        return Carry(self.parameters.initial_carry(sites), state, tail)

    def __call__(
        self,
        inputs: Inputs,
        carry: Carry | None = None,
        *,
        outputs: Sequence[str] = ("streamflow",),
        dt: float = 1.0,
        key: PRNGKeyArray | None = None,
        engine: Engine = "auto",
        segment: Segment = None,
    ) -> tuple[Values, Carry]:
        """Run through all times of `inputs`.

        **Arguments**: `carry` of an earlier run, to continue it; `outputs` among "streamflow", the fluxes and the
        states of the physics; `dt` [d]; a `key` in training, which switches dropout on; `engine` and
        `segment`, see `simulate`.

        **Returns** {output: [time, site]} and the carry after the last step.
        """
        memory, state, tail = self._initial_carry(inputs, dt) if carry is None else carry
        inputs = self.corrected(inputs)
        parameters, weights, memory = self.parameters(inputs, memory, key)
        physics = self.physics_at(inputs)
        kept = self._kept(outputs)
        mean, state = simulate(
            physics,
            inputs.forcing,
            parameters_of(physics, parameters, inputs, self.parameters.components),
            state,
            dt=dt,
            outputs=kept,
            engine=engine,
            segment=segment,
            reduce=ComponentMean(weights),
        )
        if "streamflow" in outputs:
            mean["streamflow"] = mean["runoff"]
        if self.routing is not None and tail is not None:
            routing = {name: parameters.static[name] for name in self.routing.parameters}
            mean["streamflow"], tail = self.routing(mean["runoff"], routing, tail, dt)
        return {name: mean[name] for name in outputs}, Carry(memory, state, tail)

    def corrected(self, inputs: Inputs) -> Inputs:
        """The inputs with their forcings fused and corrected, where the model does that."""
        if self.forcing is None:
            return inputs
        return Inputs(self.forcing(inputs.forcing, inputs.attributes), inputs.attributes, inputs.index)

    def physics_at(self, inputs: Inputs) -> Model:
        """The physics with the laws of the sites at hand; raises `DgeoError` for sites whose own laws are not known."""
        if not any(jax.tree.leaves(per_site(self.physics))):
            return self.physics
        if inputs.index is None:
            raise DgeoError("Every training site has its own law and these are others: give `index`, or share the law.")
        return at_sites(self.physics, inputs.index)

    def _kept(self, outputs: Sequence[str]) -> tuple[str, ...]:
        """What the physics must give; the channel remembers runoff whether streamflow is asked for or not."""
        runoff = ("runoff",) if self.routing is not None or "streamflow" in outputs else ()
        return tuple(dict.fromkeys((*runoff, *(name for name in outputs if name != "streamflow"))))

    def _initial_carry(self, inputs: Inputs, dt: float) -> Carry:
        return self.initial_carry(inputs.sites, next(iter(inputs.forcing.values())).dtype, dt)


def parameters_of(physics: Model, parameters: Parameters, inputs: Inputs, components: int) -> Parameters:
    """The parameters that the physics declares, without those of routing, and the attributes that its laws read."""
    static, dynamic = (
        {name: value for name, value in part.items() if name in physics.parameters}
        for part in (parameters.static, parameters.dynamic)
    )
    for name in physics.attributes:
        if name not in inputs.attributes:
            raise DgeoError(f"A law reads the attribute {name!r} that is not given: {nearest(name, inputs.attributes)}")
        static[name] = jnp.broadcast_to(inputs.attributes[name][:, None], (inputs.sites, components))
    return Parameters(static, dynamic, parameters.components)
