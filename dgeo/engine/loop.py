"""What a time loop marches, and what it promises."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax

from dgeo.models import Values


@dataclass(frozen=True)
class Step:
    """A step of all sites and components, made of the step of `one`.

    `one(shared, (own, still), state, (forcing, dynamic)) -> (state, outputs)`; of these `shared` is that of all,
    `own` and `forcing` are those of a site, the rest those of a site's component. `kind` says what is
    stepped; steps of the same `identity`, unless it is None, do the same.
    """

    one: Callable[[Any, Any, Any, Any], tuple[Values, Values]]
    components: bool
    kind: str = "the step"
    identity: Hashable = None

    def __call__(self, shared: Any, static: Any, state: Values, now: Any) -> tuple[Values, Values]:
        """The step of all: [site, …] or [site, component, …], with [site, …] of `own` and `forcing`."""
        step = jax.vmap(self.one, in_axes=(None, (None, 0), 0, (None, 0))) if self.components else self.one
        return jax.vmap(step, in_axes=(None, 0, 0, (0, 0)))(shared, static, state, now)


@runtime_checkable
class Loop(Protocol):
    """A way to march a step through time: `Scan`, or a kernel that does the same."""

    def __call__(self, step: Step, shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        """(state, outputs[time, …]) of `state, outputs = step(shared, static, state, series[t])` for every t."""
        ...


def days_of(series: Any) -> int:
    """The length of the time axis."""
    return jax.tree.leaves(series)[0].shape[0]
