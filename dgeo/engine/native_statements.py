"""A program of one lane as statements of C, and when each can be computed.

A statement is *uniform* if it reads nothing but what all sites share, *fixed* if besides it reads what a lane keeps on
all days, else *daily*. Equal statements are made once. What is divided by a uniform or fixed number is multiplied by
its reciprocal.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Literal

from dgeo.engine.blocks import Field
from dgeo.engine.elements import Evaluation, needed
from dgeo.engine.native_arithmetic import CARRYING, COSTLY, c_type, expression, literal
from dgeo.engine.numbers import Unfusable, objects
from dgeo.engine.rules import RULES

UNIFORM, FIXED, DAILY = range(3)
EXTREMES = {"max": "larger", "min": "smaller"}
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

    @property
    def bit(self) -> int:
        """Its own, of all that are made."""
        return 1 << int(self.text[1:])


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
    """The statements of one program or several in their order, and what each reads.

    `carried` are the values that make a value NaN if they are, as a sum of their bits; `positive` are above 0 or NaN,
    `constants` are literals in the guise of a variable.
    """

    reads: dict[Value, list[Value]] = field(default_factory=dict)
    carried: dict[Value, int] = field(default_factory=dict)
    positive: set[Value] = field(default_factory=set)
    constants: dict[Value, float] = field(default_factory=dict)
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
            self.carried[value] = value.bit
            if len(self.made) > MOST_STATEMENTS:
                raise Unfusable(f"a step of more than {MOST_STATEMENTS} operations")
        return self.made[text, kind]

    def operation(self, name: str, params: Any, operands: list[Value], kind: str) -> Value:
        """The result of one operation of the program."""
        if name == "broadcast_in_dim" or (name == "convert_element_type" and operands[0].type == kind):
            return operands[0]
        if name == "clamp":
            low, x, high = operands
            return self.operation("min", {}, [self.operation("max", {}, [x, low], kind), high], kind)
        if name == "mul" and ZERO in operands and all(x.level == UNIFORM for x in operands):
            return ZERO  # but for a weight that is not finite
        if name == "div" and kind == "real" and operands[0].level > operands[1].level:
            name, operands = "mul", [operands[0], self.operation("div", {}, [ONE, operands[1]], kind)]
        if name in EXTREMES and kind == "real":
            operands = [self._variable(x) for x in operands]
        found = self.computed(self._text(name, params, operands, kind), kind, operands)
        if name in CARRYING and kind == "real":
            self.carried[found] |= reduce(or_, (self.carried.get(x, 0) for x in operands))
        if name == "max" and any(self.constants.get(x, 0) > 0 for x in operands):
            self.positive.add(found)
        return found

    def _text(self, name: str, params: Any, operands: list[Value], kind: str) -> str:
        if name in EXTREMES and kind == "real":
            a, b = operands if self._tells(*operands) else operands[::-1]
            return f"{EXTREMES[name]}{'_safe' if self._tells(a, b) else ''}({a.text}, {b.text})"
        if name == "log" and operands[0] in self.positive:
            return f"log_of_positive({operands[0].text})"
        return expression(name, params, [x.text for x in operands], [x.type for x in operands], kind)

    def _tells(self, x: Value, other: Value) -> bool:
        """Whether `other` is NaN whenever `x` is."""
        return x in self.constants or bool(self.carried[other] & x.bit)

    def _variable(self, value: Value) -> Value:
        """The value, and if it is a literal, one that the compiler does not know: then it has an instruction for it."""
        if value in self.lines:
            return value
        found = self.computed(value.text, "real", [])
        self.constants[found] = float(value.text.removeprefix("(real)"))
        return found

    def costly(self, value: Value) -> bool:
        """Whether it is worth keeping rather than computing it again."""
        return self.lines[value].split(" = ")[1].startswith(COSTLY)

    def read_by(self, results: Sequence[Value], taped: Collection[Value] = ()) -> list[Value]:
        """The values that some result depends on, in order; what is taped depends on nothing."""
        wanted = set(results)
        for value in reversed(self.lines):
            if value in wanted and value not in taped:
                wanted.update(self.reads[value])
        return [value for value in self.lines if value in wanted]


def known(number: Any) -> Value:
    """A literal."""
    return Value(literal(number), c_type(number.dtype), UNIFORM, stands=True)


ZERO, ONE = known(np.float64(0)), known(np.float64(1))


def added(found: Statements, program: ClosedJaxpr, given: Sequence[Given]) -> list[Value]:
    """The numbers that a program gives, and its statements among those `found`.

    Raises `Unfusable` for what C cannot hold.
    """
    flat = _written_out(program, [field for part in given for field in part.fields])
    arguments = [found.argument(place, part.level) for part in given for place in part.places]
    values: dict[Any, Value] = dict(zip(flat.jaxpr.invars, arguments, strict=True))
    values |= {var: known(np.asarray(x)) for var, x in zip(flat.jaxpr.constvars, flat.consts, strict=True)}

    def read(atom: Any) -> Value:
        aval: Any = atom.aval
        return known(np.asarray(atom.val, aval.dtype)) if isinstance(atom, Literal) else values[atom]

    for equation in needed(flat.jaxpr):
        if equation.primitive.multiple_results:
            raise Unfusable(equation.primitive.name)
        (out,) = equation.outvars
        aval: Any = out.aval
        operands = [read(atom) for atom in equation.invars]
        values[out] = found.operation(equation.primitive.name, equation.params, operands, c_type(aval.dtype))
    return [read(atom) for atom in flat.jaxpr.outvars]


def _written_out(program: ClosedJaxpr, fields: Sequence[Field]) -> ClosedJaxpr:
    """The program as operations on single numbers."""

    def run(*numbers: Any) -> list[jax.Array]:
        rest = iter(numbers)
        arrays = [objects([next(rest) for _ in range(field.size)], field.shape) for field in fields]
        evaluation = Evaluation((), RULES)
        return evaluation.flat(evaluation(program, arrays))

    return jax.make_jaxpr(run)(*(jax.ShapeDtypeStruct((), field.dtype) for field in fields for _ in range(field.size)))
