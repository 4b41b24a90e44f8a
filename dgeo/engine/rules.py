"""How what is more than arithmetic is written out: products, solves, loops and conditions."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive

from dgeo.engine.elements import Evaluation, Rule
from dgeo.engine.numbers import OPERATORS, Numbers, Unfusable, at_once, objects, rows_of, unflat


def _dot_general(run: Evaluation, params: Any, inputs: list[Numbers]) -> list[Numbers]:
    (contracted, batched), (left, right) = params["dimension_numbers"], inputs

    def laid_out(x: Numbers, shared: Sequence[int], summed: Sequence[int]) -> tuple[Numbers, list[int]]:
        own = [axis for axis in range(x.ndim) if axis not in (*shared, *summed)]
        sizes = [int(np.prod([x.shape[a] for a in axes], dtype=int)) for axes in (shared, own, summed)]
        return x.transpose([*shared, *own, *summed]).reshape(sizes), [x.shape[a] for a in own]

    a, rows = laid_out(left, batched[0], contracted[0])
    b, columns = laid_out(right, batched[1], contracted[1])
    products = run.elementwise(OPERATORS["mul"], [a[:, :, None], b[:, None]])
    return [run.folded(products, (3,), OPERATORS["add"]).reshape([left.shape[i] for i in batched[0]] + rows + columns)]


def _scatter_add(run: Evaluation, params: Any, inputs: list[Numbers]) -> list[Numbers]:
    operand, index, updates = inputs
    if index.dtype == object:
        raise Unfusable("scatter-add at computed places")
    result = objects(list(operand.reshape(-1)), operand.shape)
    for k, number in enumerate(updates.reshape(-1)):
        one = np.zeros(updates.size, np.float32)
        one[k] = 1
        target = at_once(SCATTER_ADD, params, [np.zeros(operand.shape, np.float32), index, one.reshape(updates.shape)])
        for place in zip(*np.nonzero(target[0]), strict=True):
            result[place] = run.number(OPERATORS["add"], [result[place], number], {})
    return [result]


def _linear_solve(run: Evaluation, params: Any, inputs: list[Numbers]) -> list[Numbers]:
    lengths = params["const_lengths"]
    before = lengths.matvec + lengths.vecmat
    behind = before + lengths.solve + lengths.transpose_solve
    return run(params["jaxprs"].solve, [*inputs[before : before + lengths.solve], *inputs[behind:]])


def _while(run: Evaluation, params: Any, inputs: list[Numbers]) -> list[Numbers]:
    """Lanes that have ended keep what they have; all end together."""
    first, second = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    asks, does, start = inputs[:first], inputs[first:second], inputs[second:]

    def goes_on(numbers: Any) -> jax.Array:
        return run.flat(run(params["cond_jaxpr"], [*asks, *unflat(numbers, start)]))[0]

    def condition(numbers: Any) -> jax.Array:
        return jnp.max(goes_on(numbers).astype(jnp.int32)) > 0

    def body(numbers: Any) -> list[jax.Array]:
        new = run.flat(run(params["body_jaxpr"], [*does, *unflat(numbers, start)]))
        going = goes_on(numbers)
        return [jnp.where(going, a, b) for a, b in zip(new, numbers, strict=True)]

    return unflat(jax.lax.while_loop(condition, body, run.flat(start)), start)


def _scan(run: Evaluation, params: Any, inputs: list[Numbers]) -> list[Numbers]:
    """Written out, so that counters are known on every turn and so is what they point at."""
    first, held = _held(params)
    constants, carry, length = inputs[:first], inputs[first : first + held], params["length"]
    series = [rows_of(x) for x in inputs[first + held :]]
    outputs: list[Any] = [None] * length
    for i in reversed(range(length)) if params["reverse"] else range(length):
        found = run(params["jaxpr"], [*constants, *carry, *(rows[i] for rows in series)])
        carry, outputs[i] = found[:held], found[held:]
    return [*carry, *(np.stack(rows) for rows in zip(*outputs, strict=True))]


def _held(params: Any) -> tuple[int, int]:
    """How many operands of a scan are constants, and how many are carried: jax 0.11 says it by trees."""
    if "ft_in" in params:
        constants, carry, _ = params["ft_in"].unpack()
        return len(constants), len(carry)
    return params["num_consts"], params["num_carry"]


def _cond(run: Evaluation, params: Any, inputs: list[Numbers]) -> list[Numbers]:
    """One branch where it is known which, else all, and a choice."""
    index, rest = inputs[0], inputs[1:]
    if index.dtype != object:
        return run(params["branches"][int(np.clip(index, 0, len(params["branches"]) - 1))], rest)
    found = [run(branch, rest) for branch in params["branches"]]
    chosen = found[0]
    for i, branch in enumerate(found[1:], 1):
        this = run.in_lanes(index[()]) >= i
        chosen = [
            objects([jnp.where(this, a, b) for a, b in zip(run.flat([new]), run.flat([old]), strict=True)], old.shape)
            for new, old in zip(branch, chosen, strict=True)
        ]
    return chosen


def _chosen(run: Evaluation, params: Any, inputs: list[Numbers]) -> list[Numbers]:
    """The choice of equinox for lanes that have left a loop."""
    return [run.elementwise(SELECT, [inputs[0], inputs[2], inputs[1]])]


def _any(run: Evaluation, params: Any, inputs: list[Numbers]) -> list[Numbers]:
    """Whether any lane says so, as equinox asks before it ends a loop."""
    if inputs[0].dtype != object:
        return inputs
    found = jnp.max(run.flat(inputs)[0].astype(jnp.int32)) > 0
    return [objects([jnp.broadcast_to(found, run.lanes)], ())]


SELECT: Primitive = jax.lax.select_n_p
SCATTER_ADD: Primitive = jax.lax.scatter_add_p
RULES: dict[str, Rule] = {
    "dot_general": _dot_general,
    "scatter-add": _scatter_add,
    "custom_linear_solve": _linear_solve,
    "while": _while,
    "scan": _scan,
    "cond": _cond,
    "unvmap_any": _any,
    "select_if_vmap": _chosen,
}
