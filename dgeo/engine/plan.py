"""What there is to a fused run: the fields of its kernels and the programs that they march."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr

from dgeo.engine.blocks import Field, Grid
from dgeo.engine.elements import Evaluation
from dgeo.engine.loop import Step, days_of
from dgeo.engine.numbers import Numbers
from dgeo.engine.rules import RULES
from dgeo.models import Values


@dataclass(frozen=True)
class Plan:
    """All that is known of a run before it is traced.

    `fields` are its inputs in one list (shared, own, still, state, forcing, dynamic), `results` the state after the
    last day and the outputs; `takes` and `gives` are their trees, `states` the places of the state among the inputs.
    """

    step: Step
    takes: Any
    gives: Any
    grid: Grid
    days: int
    fields: tuple[Field, ...]
    results: tuple[Field, ...]
    states: range

    @classmethod
    def of(cls, step: Step, inputs: tuple[Any, Any, Values, Any], *, lanes: int) -> "Plan":
        """The plan of a run of these inputs: shared, static, state and series."""
        shared, (own, still), state, (forcing, dynamic) = inputs
        days, first = days_of(inputs[3]), jax.tree.leaves(state)[0]
        now = jax.eval_shape(lambda series: jax.tree.map(lambda x: x[0], series), inputs[3])
        axis = 1 + step.components
        before = _fields(shared, "shared", None, 0) + _fields(own, "site", None, 1) + _fields(still, "lane", None, axis)
        of_state = _fields(state, "lane", None, axis)
        series = _fields(forcing, "site", days, 2) + _fields(dynamic, "lane", days, 1 + axis)
        end, outputs = jax.eval_shape(step, *inputs[:3], now)
        return cls(
            step,
            jax.tree.structure(inputs),
            jax.tree.structure((end, outputs)),
            Grid.of(first.shape[0], first.shape[1] if step.components else None, lanes),
            days,
            (*before, *of_state, *series),
            (
                *_fields(end, "lane", None, axis),
                *(replace(f, times=days) for f in _fields(outputs, "lane", None, axis)),
            ),
            range(len(before), len(before) + len(of_state)),
        )

    @property
    def ends(self) -> tuple[Field, ...]:
        """The state, among the results."""
        return self.results[: len(self.states)]

    @property
    def outputs(self) -> tuple[Field, ...]:
        """The outputs of every day, among the results."""
        return self.results[len(self.states) :]

    @property
    def stored(self) -> tuple[Field, ...]:
        """The state before every day."""
        return tuple(replace(self.fields[i], times=self.days) for i in self.states)

    def _one(self, *leaves: Any) -> list[Any]:
        return jax.tree.leaves(self.step.one(*jax.tree.unflatten(self.takes, leaves)))

    @cached_property
    def forward(self) -> ClosedJaxpr:
        """The step of one lane, from inputs to results."""
        return jax.make_jaxpr(self._one)(*map(_of_a_lane, self.fields))

    def backward(self, chosen: Sequence[int], given: Sequence[int]) -> ClosedJaxpr:
        """(inputs, derivatives in the results `given`) → derivatives in the inputs `chosen`, for one lane and day."""

        def pulled(leaves: list[Any], slopes: list[Any]) -> list[Any]:
            def results(*some: Any) -> list[Any]:
                every = list(leaves)
                for i, x in zip(chosen, some, strict=True):
                    every[i] = x
                found = self._one(*every)
                return [found[i] for i in given]

            return list(jax.vjp(results, *(leaves[i] for i in chosen))[1](slopes))

        like = [_of_a_lane(field) for field in self.fields], [_of_a_lane(self.results[i]) for i in given]
        return jax.make_jaxpr(pulled)(*like)

    def evaluate(self, program: ClosedJaxpr, inputs: Sequence[Numbers]) -> list[list[jax.Array]]:
        """The numbers of each output of a program, in all lanes."""
        run = Evaluation(self.grid.lanes, RULES)
        return [run.flat([found]) for found in run(program, inputs)]


def _fields(tree: Any, of: Literal["shared", "site", "lane"], times: int | None, axes: int) -> tuple[Field, ...]:
    return tuple(Field(of, times, tuple(x.shape[axes:]), np.dtype(x.dtype)) for x in jax.tree.leaves(tree))


def _of_a_lane(field: Field) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(field.shape, field.dtype)
