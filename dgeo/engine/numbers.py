"""Arrays as the numbers that they are made of, and what only moves numbers about."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive

Numbers = np.ndarray
"""Objects, each a NumPy number or an array of lanes; or numbers that are known."""

MOST_OPERATIONS = 20_000  # numbers a program may compute: beyond, compilation takes minutes

MOVING: dict[str, tuple[int, ...] | None] = {
    "reshape": (0,),
    "transpose": (0,),
    "slice": (0,),
    "squeeze": (0,),
    "expand_dims": (0,),
    "broadcast_in_dim": (0,),
    "rev": (0,),
    "split": (0,),
    "unstack": (0,),
    "gather": (0,),
    "dynamic_slice": (0,),
    "dynamic_update_slice": (0, 1),
    "scatter": (0, 2),
    "pad": (0, 1),
    "concatenate": None,
    "stack": None,
}
"""Primitives that only move numbers about, and which of their operands hold these (None: all); the rest are indices."""

FOLDS = {
    "reduce_sum": "add",
    "reduce_prod": "mul",
    "reduce_max": "max",
    "reduce_min": "min",
    "reduce_and": "and",
    "reduce_or": "or",
}
CUMULATIVE = {"cumsum": "add", "cumprod": "mul", "cummax": "max", "cummin": "min"}
ELEMENTWISE = {
    *("abs", "add", "add_any", "and", "atan2", "cbrt", "ceil", "clamp", "convert_element_type", "cos", "cosh", "div"),
    *("eq", "erf", "exp", "exp2", "expm1", "floor", "ge", "gt", "integer_pow", "is_finite", "le", "log", "log1p"),
    *(
        "logistic",
        "lt",
        "max",
        "min",
        "mul",
        "ne",
        "neg",
        "nextafter",
        "not",
        "one_minus_square",
        "or",
        "pow",
        "reduce_precision",
        "rem",
    ),
    *("round", "rsqrt", "select_n", "sign", "sin", "sinh", "sqrt", "square", "sub", "tan", "tanh", "xor"),
}
IDENTITIES = {"copy", "copy_p", "optimization_barrier", "stop_gradient", "nonbatchable", "reshard", "pvary", "pcast"}
INLINED = {"jit", "pjit", "closed_call", "core_call", "checkpoint", "remat2", "custom_jvp_call", "custom_vjp_call"}
WRITTEN = {"maybe_set"}
"""Primitives of equinox that are written in others."""

PURE = {*MOVING, *FOLDS, *CUMULATIVE, *ELEMENTWISE, "iota", "empty", "empty2"}
"""What is computed at once where all is known."""


class Unfusable(NotImplementedError):
    """A program cannot be written out number by number."""


OPERATORS: dict[str, Primitive] = {
    "add": jax.lax.add_p,
    "mul": jax.lax.mul_p,
    "max": jax.lax.max_p,
    "min": jax.lax.min_p,
    "and": jax.lax.and_p,
    "or": jax.lax.or_p,
}


NEUTRAL = {"add": 0, "add_any": 0, "mul": 1, "and": True, "or": False}
ABSORBING = {"and": False, "or": True}


def without_computing(name: str, operands: Sequence[Any]) -> Any:
    """The result where it is one of the operands: a sum with zero, a choice that is known; else None."""
    if name == "select_n" and isinstance(operands[0], np.generic):
        return operands[1 + int(operands[0])]
    for known, other in (operands, operands[::-1]) if name in NEUTRAL else ():
        if isinstance(known, np.generic) and known == NEUTRAL[name]:
            return other
        if isinstance(known, np.generic) and name in ABSORBING and known.dtype == bool and known == ABSORBING[name]:
            return known
    return None


def unflat(numbers: Sequence[Any], like: Sequence[Numbers]) -> list[Numbers]:
    """Arrays of the shapes of `like` from their numbers."""
    rest = iter(numbers)
    return [objects([next(rest) for _ in range(array.size)], array.shape) for array in like]


def objects(numbers: Sequence[Any], shape: Sequence[int]) -> Numbers:
    """An array of these objects; NumPy would look into them if it were asked to make one."""
    array = np.empty(len(numbers), object)
    for i, number in enumerate(numbers):
        array[i] = number
    return array.reshape(shape)


def at_once(primitive: Primitive, params: Any, inputs: Sequence[Numbers]) -> list[Numbers]:
    """What does not depend on any input, computed now."""
    with jax.ensure_compile_time_eval():
        found = primitive.bind(*map(jnp.asarray, inputs), **params)
        return [np.asarray(x) for x in (found if primitive.multiple_results else [found])]


def moved(primitive: Primitive, params: Any, inputs: list[Numbers]) -> list[Numbers]:
    """Moves the places of the numbers as the primitive moves numbers, then puts the numbers there."""
    some = MOVING[primitive.name]
    holders = tuple(range(len(inputs))) if some is None else some
    if any(x.dtype == object for i, x in enumerate(inputs) if i not in holders):
        raise Unfusable(f"{primitive.name} at computed places")
    numbers: list[Any] = []
    operands = list(inputs)
    for i in holders:
        operands[i] = np.arange(len(numbers), len(numbers) + inputs[i].size, dtype=np.int32).reshape(inputs[i].shape)
        numbers.extend(inputs[i].reshape(-1))
    places = at_once(primitive, params, operands)
    return [objects([numbers[k] for k in place.reshape(-1)], place.shape) for place in places]


def rows_of(array: Numbers) -> list[Numbers]:
    """The arrays along the first axis; NumPy would give objects instead of arrays without axes."""
    return [array[i : i + 1].reshape(array.shape[1:]) for i in range(len(array))]
