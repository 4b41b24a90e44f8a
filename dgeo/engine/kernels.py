"""The two kernels of a fused run: through all days, and back."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import jax
import jax.numpy as jnp

from dgeo.engine.blocks import Field, on_blocks
from dgeo.engine.numbers import Numbers, objects
from dgeo.engine.plan import Plan

Lanes = list[list[jax.Array]]
"""The numbers of some fields, each in all lanes."""


def forward(
    plan: Plan, arrays: Sequence[jax.Array], interpret: bool, *, keep: bool
) -> tuple[list[jax.Array], list[jax.Array]]:
    """The results and, to differentiate, the state before every day."""
    stored = plan.stored if keep else ()

    def kernel(*refs: Any) -> None:
        inputs, ends, outputs, kept = _split(refs, plan.fields, plan.ends, plan.outputs, stored)
        constants = _constants(plan, inputs)

        def day(t: Any, state: Lanes) -> Lanes:
            _write(stored, kept, state if keep else [], t)
            found = plan.evaluate(plan.forward, _leaves(plan, constants, state, inputs, t))
            _write(plan.outputs, outputs, found[len(state) :], t)
            return found[: len(state)]

        start = [list(plan.fields[i].read(inputs[i], plan.grid).flat) for i in plan.states]
        _write(plan.ends, ends, jax.lax.fori_loop(0, plan.days, day, start))

    pairs = list(zip(plan.fields, arrays, strict=True))
    found = on_blocks(kernel, plan.grid, interpret, pairs, [*plan.results, *stored])
    return found[: len(plan.results)], found[len(plan.results) :]


def backward(
    plan: Plan,
    arrays: Sequence[jax.Array],
    kept: Sequence[jax.Array],
    slopes: dict[int, jax.Array],
    wanted: Sequence[int],
    interpret: bool,
) -> list[jax.Array]:
    """The derivatives in the inputs `wanted`, from those in some results."""
    back = _Backward(plan, tuple(slopes), tuple(i for i in wanted if i not in plan.states), interpret)
    inputs = [*zip(plan.fields, arrays, strict=True), *zip(plan.stored, kept, strict=True)]
    inputs += [(plan.results[i], x) for i, x in slopes.items()]
    found = on_blocks(back.kernel, plan.grid, interpret, inputs, back.results)
    by_place = dict(zip((*plan.states, *back.still, *back.series), found, strict=True))
    return [jnp.sum(by_place[i], 0) if plan.fields[i].of == "shared" else by_place[i] for i in wanted]


class _Backward:
    """The kernel that walks the days in reverse, from the stored states.

    `given` are the results whose derivatives come in, `asked` the inputs besides the state whose derivatives go out.
    """

    def __init__(self, plan: Plan, given: tuple[int, ...], asked: tuple[int, ...], interpret: bool) -> None:
        self.plan, self.interpret, self.held = plan, interpret, len(plan.states)
        self.given = given
        self.daily = [i for i in given if i >= self.held]
        self.still = [i for i in asked if plan.fields[i].times is None]
        self.series = [i for i in asked if plan.fields[i].times is not None]
        self.moving = [*plan.states, *self.still, *self.series]
        self.results = [plan.fields[i] for i in self.moving]
        self.program = plan.backward(self.moving, [*range(self.held), *self.daily])

    def kernel(self, *refs: Any) -> None:
        """All days, the last first."""
        plan = self.plan
        inputs, kept, slopes, found = _split(refs, plan.fields, plan.stored, self.given, self.results)
        given = dict(zip(self.given, slopes, strict=True))
        constants = _constants(plan, inputs)

        def day(i: Any, carry: tuple[Lanes, Lanes]) -> tuple[Lanes, Lanes]:
            t = plan.days - 1 - i
            state = _read(plan, plan.stored, kept, t)
            return self._day(_leaves(plan, constants, state, inputs, t), given, found, t, carry)

        ends = [
            list(field.read(given[i], plan.grid).flat) if i in given else _zeros(plan, field)
            for i, field in enumerate(plan.ends)
        ]
        start = (ends, [_zeros(plan, plan.fields[i]) for i in self.still])
        state, sums = jax.lax.fori_loop(0, plan.days, day, start)
        count = self.held + len(self.still)
        _write(self.results[:count], found[:count], [*state, *sums])

    def _day(
        self, leaves: list[Numbers], given: dict[int, Any], found: Sequence[Any], t: Any, carry: tuple[Lanes, Lanes]
    ) -> tuple[Lanes, Lanes]:
        """The derivative in the state before the day, and the sums with that day's part."""
        plan, (after, sums) = self.plan, carry
        pulled = [_shaped(field, numbers) for field, numbers in zip(plan.ends, after, strict=True)]
        pulled += [plan.results[i].read(given[i], plan.grid, t) for i in self.daily]
        slopes = plan.evaluate(self.program, [*leaves, *pulled])
        count = self.held + len(self.still)
        _write(self.results[count:], found[count:], slopes[count:], t)
        added = [
            [total + field.summed(x) for total, x in zip(totals, slope, strict=True)]
            for field, totals, slope in zip(
                self.results[self.held : count], sums, slopes[self.held : count], strict=True
            )
        ]
        return slopes[: self.held], added


def _read(plan: Plan, fields: Sequence[Field], refs: Sequence[Any], t: Any) -> Lanes:
    return [list(field.read(ref, plan.grid, t).flat) for field, ref in zip(fields, refs, strict=True)]


def _split(refs: Sequence[Any], *groups: Any) -> list[tuple[Any, ...]]:
    rest = iter(refs)
    return [tuple(islice(rest, len(group))) for group in groups]


def _constants(plan: Plan, inputs: Sequence[Any]) -> dict[int, Numbers]:
    """What holds for all days."""
    still = (i for i, field in enumerate(plan.fields) if field.times is None and i not in plan.states)
    return {i: plan.fields[i].read(inputs[i], plan.grid) for i in still}


def _leaves(plan: Plan, constants: dict[int, Numbers], state: Lanes, inputs: Sequence[Any], t: Any) -> list[Numbers]:
    """All that a step reads on a day."""
    now = {i: _shaped(plan.fields[i], numbers) for i, numbers in zip(plan.states, state, strict=True)}
    series = (i for i, field in enumerate(plan.fields) if field.times is not None)
    every = constants | now | {i: plan.fields[i].read(inputs[i], plan.grid, t) for i in series}
    return [every[i] for i in range(len(plan.fields))]


def _shaped(field: Field, numbers: Sequence[jax.Array]) -> Numbers:
    return objects(numbers, field.shape)


def _write(fields: Sequence[Field], refs: Sequence[Any], values: Lanes, t: Any = None) -> None:
    for field, ref, numbers in zip(fields, refs, values, strict=True):
        field.write(ref, numbers, t)


def _zeros(plan: Plan, field: Field) -> list[jax.Array]:
    """The start of the sum of a derivative."""
    shape = {"shared": (), "site": (plan.grid.block, 1), "lane": plan.grid.lanes}[field.of]
    return [jnp.zeros(shape, field.dtype) for _ in range(field.size)]
