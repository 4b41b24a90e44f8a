"""A program of one lane as statements of C, and when each can be computed.

A statement is *uniform* if it reads nothing but what all sites share, *fixed* if besides it reads what a lane keeps on
all days, else *daily*. Equal statements are made once. What is divided by a uniform or fixed number is multiplied by
its reciprocal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Literal

from dgeo.engine.blocks import Field
from dgeo.engine.elements import Evaluation, needed
from dgeo.engine.native_arithmetic import c_type, expression, literal
from dgeo.engine.numbers import Unfusable, objects
from dgeo.engine.rules import RULES

UNIFORM, FIXED, DAILY = range(3)
MOST_STATEMENTS = 2000  # a compiler takes a second for five hundred, and more than in proportion beyond


@dataclass(frozen=True)
class Value:
    """A number of the program: what C calls it, its type, when it is known; `stands` says that it has a place already.

    Literals have one, and so have arguments, which each function reads where they lie.
    """

    text: str
    type: str
    level: int
    stands: bool = False


@dataclass(frozen=True)
class Given:
    """An argument: the array in C that holds its numbers, and when they are known."""

    array: str
    level: int
    fields: Sequence[Field]

    @property
    def places(self) -> list[str]:
        """Where each number lies."""
        lane = "" if self.level == UNIFORM else "[l]"
        return [f"{self.array}[{k}]{lane}" for k in range(sum(field.size for field in self.fields))]


@dataclass
class Statements:
    """The statements of a program in their order, with what each reads."""

    reads: dict[Value, list[Value]] = field(default_factory=dict)
    lines: dict[Value, str] = field(default_factory=dict)
    made: dict[tuple[str, str], Value] = field(default_factory=dict)

    def argument(self, place: str, level: int) -> Value:
        """A number that is given."""
        return self._made(place, "real", level, [], stands=True)

    def computed(self, text: str, kind: str, operands: Sequence[Value]) -> Value:
        """What an expression gives. Only real numbers are kept for later, so that all else is daily."""
        level = max((x.level for x in operands), default=UNIFORM) if kind == "real" else DAILY
        return self._made(text, kind, level, operands, stands=False)

    def _made(self, text: str, kind: str, level: int, operands: Sequence[Value], *, stands: bool) -> Value:
        if (text, kind) not in self.made:
            value = self.made[text, kind] = Value(f"v{len(self.made)}", kind, level, stands)
            self.lines[value] = f"const {kind} {value.text} = {text};"
            self.reads[value] = [x for x in operands if x in self.lines]
            if len(self.made) > MOST_STATEMENTS:
                raise Unfusable(f"a step of more than {MOST_STATEMENTS} operations")
        return self.made[text, kind]

    def operation(self, name: str, params: Any, operands: list[Value], kind: str) -> Value:
        """The result of one operation of the program."""
        if name == "broadcast_in_dim" or (name == "convert_element_type" and operands[0].type == kind):
            return operands[0]
        if name == "div" and kind == "real" and operands[0].level > operands[1].level:
            one = known(np.float64(1))
            name, operands = "mul", [operands[0], self.operation("div", {}, [one, operands[1]], kind)]
        text = expression(name, params, [x.text for x in operands], [x.type for x in operands], kind)
        return self.computed(text, kind, operands)

    def read_by(self, results: Sequence[Value]) -> list[Value]:
        """The values that some result depends on, in order."""
        wanted = set(results)
        for value in reversed(self.lines):
            if value in wanted:
                wanted.update(self.reads[value])
        return [value for value in self.lines if value in wanted]


def known(number: Any) -> Value:
    """A literal."""
    return Value(literal(number), c_type(number.dtype), UNIFORM, stands=True)


def statements_of(program: ClosedJaxpr, given: Sequence[Given]) -> tuple[Statements, list[Value]]:
    """The statements of a program, and the numbers that it gives. Raises `Unfusable` for what C cannot hold."""
    flat = _written_out(program, [field for part in given for field in part.fields])
    found = Statements()
    arguments = [found.argument(place, part.level) for part in given for place in part.places]
    values: dict[Any, Value] = dict(zip(flat.jaxpr.invars, arguments, strict=True))
    values |= {var: known(np.asarray(x)) for var, x in zip(flat.jaxpr.constvars, flat.consts, strict=True)}

    def read(atom: Any) -> Value:
        return known(np.asarray(atom.val, atom.aval.dtype)) if isinstance(atom, Literal) else values[atom]

    for equation in needed(flat.jaxpr):
        if equation.primitive.multiple_results:
            raise Unfusable(equation.primitive.name)
        (out,) = equation.outvars
        aval: Any = out.aval
        operands = [read(atom) for atom in equation.invars]
        values[out] = found.operation(equation.primitive.name, equation.params, operands, c_type(aval.dtype))
    return found, [read(atom) for atom in flat.jaxpr.outvars]


def _written_out(program: ClosedJaxpr, fields: Sequence[Field]) -> ClosedJaxpr:
    """The program as operations on single numbers."""

    def run(*numbers: Any) -> list[jax.Array]:
        rest = iter(numbers)
        arrays = [objects([next(rest) for _ in range(field.size)], field.shape) for field in fields]
        evaluation = Evaluation((), RULES)
        return evaluation.flat(evaluation(program, arrays))

    return jax.make_jaxpr(run)(*(jax.ShapeDtypeStruct((), field.dtype) for field in fields for _ in range(field.size)))
