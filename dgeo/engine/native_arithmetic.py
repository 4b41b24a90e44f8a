"""The C of every operation that a native loop can hold: expressions without branches or calls."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dgeo.engine.numbers import Unfusable

TYPES = {"bool": "_Bool", "int32": "int32_t", "int64": "int64_t", "uint32": "uint32_t"}

INFIX = {
    **{"add": "+", "add_any": "+", "sub": "-", "mul": "*", "and": "&", "or": "|", "xor": "^"},
    **{"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="},
}
FUNCTIONS = {
    **{name: f"real_{name}" for name in ("exp", "expm1", "log", "log1p", "logistic", "tanh", "sqrt", "floor", "ceil")},
    **{"abs": "size_of", "sign": "sign_of"},
}
COSTLY = ("log_of_positive(", *(f"real_{name}(" for name in ("exp", "expm1", "log", "log1p", "logistic", "tanh")))
"""How functions begin that cost as much as a dozen other operations."""
CARRYING = {
    "add",
    "add_any",
    "sub",
    "mul",
    "div",
    "neg",
    "max",
    "min",
    "square",
    "one_minus_square",
    "rsqrt",
    *FUNCTIONS,
}
"""What gives NaN if an operand is NaN."""
OTHER: dict[str, Callable[..., str]] = {
    "neg": lambda _, a: f"-{a}",
    "square": lambda _, a: f"{a} * {a}",
    "one_minus_square": lambda _, a: f"1 - {a} * {a}",
    "rsqrt": lambda _, a: f"1 / real_sqrt({a})",
    "is_finite": lambda _, a: f"{a} - {a} == 0",
    "broadcast_in_dim": lambda _, a: a,
    "integer_pow": lambda params, a: _product(a, params["y"]),
}


def c_type(dtype: Any) -> str:
    """The type in C; raises `Unfusable` for one that it has not."""
    if np.issubdtype(dtype, np.floating):
        return "real"
    if str(dtype) not in TYPES:
        raise Unfusable(f"numbers of type {dtype}")
    return TYPES[str(dtype)]


def literal(number: Any) -> str:
    """A known number, exactly."""
    if not np.issubdtype(number.dtype, np.floating):
        return str(int(number))
    if not np.isfinite(number):
        return "(real)NAN" if np.isnan(number) else f"(real){'-' if number < 0 else ''}INFINITY"
    return f"(real){float(number)!r}"


def expression(name: str, params: Any, operands: Sequence[str], types: Sequence[str], result: str) -> str:
    """The value of an operation on operands that are names or known numbers; raises `Unfusable` if there is none."""
    a, *rest = operands
    if name in INFIX:
        return f"{a} {INFIX[name]} {rest[0]}"
    if name == "div" and types[0] == "real":
        return f"{a} / {rest[0]}"
    if name in ("max", "min"):
        return f"{a} {'>' if name == 'max' else '<'} {rest[0]} ? {a} : {rest[0]}"
    if name == "select_n" and types[0] == "_Bool" and len(rest) == 2:
        return f"{a} ? {rest[1]} : {rest[0]}"
    if name == "not":
        return f"!{a}" if types[0] == "_Bool" else f"~{a}"
    if name == "convert_element_type":
        return f"{a} != 0" if result == "_Bool" else f"({result}){a}"
    if name in FUNCTIONS and types[0] == "real":
        return f"{FUNCTIONS[name]}({a})"
    if name in OTHER:
        return OTHER[name](params, a)
    raise Unfusable(name)


def _product(a: str, power: int) -> str:
    if power == 0:
        return "(real)1.0"
    product = " * ".join([a] * abs(power))
    return product if power > 0 else f"1 / ({product})"
