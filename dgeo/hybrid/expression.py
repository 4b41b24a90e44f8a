"""A formula in words as a law: `"potential_evapotranspiration * min(1, (soil_moisture / (a * field_capacity)) ** b)"`.

Text is parsed, never run: numbers, names, `+ − * / **`, unary minus, one comparison as the condition of
`where(condition, this, that)`, and the functions `exp log sqrt tanh sigmoid abs min max`. Anything else is refused with
its place. Values and derivatives stay finite wherever the inputs are:

| written | counts as |
|---|---|
| `a / b` | a/b, where b is at least 1e-7 in size |
| `a ** n`, n a whole number | a·a·…, its reciprocal for n < 0 |
| `a ** b`, `sqrt(a)` | of max(a, 0); 0 at 0, whatever b |
| `log(a)` | of max(a, 1e-7) |
| `exp(a)` | of min(a, 40) |
"""

import ast
import math
from collections.abc import Callable, Mapping
from functools import reduce
from types import MappingProxyType

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from dgeo.errors import DgeoError, nearest
from dgeo.hybrid.formula_text import names_in, parsed, parts_of, short
from dgeo.numerics import at_least, minimum, power
from dgeo.numerics.square_root import square_root

SMALLEST, LARGEST_EXPONENT, LARGEST_WHOLE = 1e-7, 40.0, 16


def _divide(a: Array, b: Array) -> Array:
    small = jnp.full_like(b, SMALLEST)
    return a / jnp.where(jnp.abs(b) < small, jnp.where(b < 0, -small, small), b)


def _maximum(a: Array, b: Array) -> Array:
    return at_least(a, b)


OPERATORS: Mapping[type[ast.operator], Callable[[Array, Array], Array]] = {
    ast.Add: jnp.add,
    ast.Sub: jnp.subtract,
    ast.Mult: jnp.multiply,
    ast.Div: _divide,
    ast.Pow: power,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[Array, Array], Array]] = {
    ast.Lt: jnp.less,
    ast.LtE: jnp.less_equal,
    ast.Gt: jnp.greater,
    ast.GtE: jnp.greater_equal,
}
FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "exp": lambda x: jnp.exp(minimum(x, jnp.full_like(x, LARGEST_EXPONENT))),
    "log": lambda x: jnp.log(at_least(x, SMALLEST)),
    "sqrt": square_root,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "abs": jnp.abs,
}
OF_SEVERAL: Mapping[str, Callable[[Array, Array], Array]] = {"min": minimum, "max": _maximum}


class ExpressionLaw(eqx.Module):
    """A formula in words; its named `constants` can be trained."""

    constants: dict[str, Array]
    text: str = eqx.field(static=True)
    attributes: tuple[str, ...] = eqx.field(static=True, default=())
    forcings: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names it reads, in order of first mention."""
        return tuple(name for name in names_in(parsed(self.text)) if name not in self.constants)

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The formula at the current values."""
        names = {**{name: values[name] for name in self.inputs}, **self.constants}
        return _value(parsed(self.text), names, next(iter(values.values())))


def expression_law(
    text: str,
    constants: Mapping[str, float] = MappingProxyType({}),
    attributes: tuple[str, ...] = (),
    forcings: tuple[str, ...] = (),
) -> ExpressionLaw:
    """The law that a formula says, see the head of this file; `constants` are its numbers that can be trained.

    Raises `DgeoError` for text that is no such formula, with the place, and for a constant that it does not mention.
    """
    tree = parsed(text)
    names = names_in(tree)
    for name in (*constants, *attributes, *forcings):
        if name not in names:
            raise DgeoError(f"The formula {short(text)} does not mention {name!r}: {nearest(name, names)}")
    numbers = {name: jnp.asarray(float(value)) for name, value in constants.items()}
    return ExpressionLaw(numbers, text, tuple(attributes), tuple(forcings))


def _value(node: ast.expr, names: Mapping[str, Array], like: Array) -> Array:
    """The value of a checked node; numbers become arrays like `like`."""
    match node:
        case ast.Name(id=name):
            return names[name]
        case ast.Constant(value=int() | float() as number):
            return jnp.full_like(like, number)
        case ast.BinOp(left=base, op=ast.Pow(), right=right) if (whole := _whole(right)) is not None:
            return _whole_power(_value(base, names, like), whole)
    values = [_value(part, names, like) for part in parts_of(node)]
    match node:
        case ast.UnaryOp(op=ast.USub()):
            return -values[0]
        case ast.BinOp(op=operator):
            return OPERATORS[type(operator)](*values)
        case ast.Compare(ops=[comparison]):
            return COMPARISONS[type(comparison)](*values)
        case ast.Call(func=ast.Name(id=function)):
            return _called(function, values)
    return values[0]  # unary plus


def _called(function: str, values: list[Array]) -> Array:
    if function == "where":
        condition, this, that = values
        return jnp.where(condition, this, that)
    return reduce(OF_SEVERAL[function], values) if function in OF_SEVERAL else FUNCTIONS[function](values[0])


def _whole(node: ast.expr) -> int | None:
    """The exponent, if it is written as a small whole number."""
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    value = node.value if isinstance(node, ast.Constant) else None
    whole = isinstance(value, int | float) and math.isfinite(value) and float(value).is_integer()
    return sign * int(value) if whole and abs(value) <= LARGEST_WHOLE else None  # type: ignore[arg-type]


def _whole_power(base: Array, exponent: int) -> Array:
    result = jax.lax.integer_pow(base, abs(exponent))
    return result if exponent >= 0 else _divide(jnp.ones_like(result), result)
