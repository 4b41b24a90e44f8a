"""What the law in a slot saw and gave during a run."""

from collections.abc import Iterable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.hybrid.law_inputs import check_slot
from dgeo.models import Budget, ContinuousModel, Law, Model, OperatorSplit, Parameter, Values, Variable
from dgeo.models.law import attributes_of, forcings_of
from dgeo.models.model import Scalar

SEEN, STARTED, GIVEN = "seen ", "started ", "given"


def visits(
    model: Model,
    slot: str,
    forcing: Mapping[str, Float[Array, "time site ..."]],
    parameters: Parameters,
    state: Values | None = None,
    dt: float = 1.0,
) -> tuple[Values, Array]:
    """The inputs of the law in a slot and what it gave, each [time, site] or [time, site, component].

    At every step of the run, from its state: within the step itself, where the model does its own operator split, or is
    in discrete time; otherwise at the rates from which the solver starts. Raises `DgeoError` for a slot that there is
    not, or that no step reads, and as `simulate` does.
    """
    check_slot(model, slot)
    law = model.present_laws[slot]
    seen, _, given = recorded(model, slot, (law,), (), forcing, parameters, state, dt)
    return {name: seen[name] for name in law.inputs}, given


def recorded(
    model: Model,
    slot: str,
    laws: Iterable[Law],
    joint: Iterable[Law],
    forcing: Mapping[str, Array],
    parameters: Parameters,
    state: Values | None = None,
    dt: float = 1.0,
) -> tuple[Values, Values, Array]:
    """What `laws` would see in a slot, what `joint` laws would see at the start of each step, and what was given.

    The output of a network for several slots is left out where the model has no such network.
    """
    recorder = _Recorder(model, slot, tuple(laws), tuple(joint))
    outputs, _ = simulate(recorder, forcing, parameters, state, dt=dt)
    seen, started = (
        {name.removeprefix(prefix): series for name, series in outputs.items() if name.startswith(prefix)}
        for prefix in (SEEN, STARTED)
    )
    return seen, started, outputs[GIVEN]


class _Tap:
    """A law that notes what it sees and gives; lives within one trace of one step."""

    def __init__(self, law: Law, notes: list[tuple[Values, Array]]) -> None:
        self._law, self._notes = law, notes
        self.inputs, self.attributes, self.forcings = law.inputs, attributes_of(law), forcings_of(law)

    def __call__(self, values: Mapping[str, Array]) -> Array:
        given = self._law(values)
        self._notes.append((dict(values), given))
        return given


class _Recorder(Model):
    """A model whose fluxes are the notes of a tap in one slot of another: `simulate` maps over it as over any."""

    inner: Model
    slot: str = eqx.field(static=True)
    read_by: tuple[Law, ...]
    joint_read_by: tuple[Law, ...]

    @property
    def forcings(self) -> dict[str, Variable]:
        return self.inner.forcings

    @property
    def states(self) -> dict[str, Variable]:
        return self.inner.states

    @property
    def budget(self) -> Budget:
        return Budget({})

    @property
    def all_parameters(self) -> dict[str, Parameter]:
        return self.inner.all_parameters

    @property
    def parameters(self) -> dict[str, Parameter]:
        needed = {*self.inner.parameters, *self._names(self._readers)}
        return {name: parameter for name, parameter in self.all_parameters.items() if name in needed}

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.inner.attributes, *(a for law in self._readers for a in attributes_of(law)))))

    @property
    def law_forcings(self) -> tuple[str, ...]:
        own = (name for law in self._readers for name in forcings_of(law) if name not in self.forcings)
        return tuple(dict.fromkeys((*self.inner.law_forcings, *own)))

    @property
    def fluxes(self) -> dict[str, Variable]:
        made = {output for joint in self.inner.joint for output in joint.outputs}
        known = {*self.forcings, *self.states, *self.all_parameters, *self.attributes, *self.law_forcings, *made}
        known |= {*self.inner.slots[self.slot].offers}
        seen = [SEEN + name for name in self._names(self.read_by) if name in known]
        started = [STARTED + name for name in self._names(self.joint_read_by)]
        return {name: Variable("", "") for name in (*seen, *started, GIVEN)}

    @property
    def _readers(self) -> tuple[Law, ...]:
        return (*self.read_by, *self.joint_read_by)

    def _names(self, laws: tuple[Law, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for law in laws for name in law.inputs))

    def initial_state(self) -> Values:
        return self.inner.initial_state()

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        notes: list[tuple[Values, Array]] = []
        law: Any = _Tap(self.inner.present_laws[self.slot], notes)
        tapped = self.inner.with_laws({self.slot: law})
        if isinstance(tapped, ContinuousModel) and not isinstance(tapped.solver, OperatorSplit):
            tapped.rates(state, forcing, parameters)
            after, _ = self.inner.step(state, forcing, parameters, dt)
        else:
            after, _ = tapped.step(state, forcing, parameters, dt)
        if not notes:
            raise DgeoError(
                f"No step of {type(self.inner).__name__} reads its slot {self.slot!r}: nothing was visited there."
            )
        values, given = notes[0]
        start = {**forcing, **parameters, **state}
        found = {SEEN + name: value for name, value in values.items()}
        found |= {STARTED + name: value for name, value in start.items()}
        return after, {name: jnp.asarray({**found, GIVEN: given}[name]) for name in self.fluxes}
