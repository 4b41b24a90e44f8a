"""A program on small arrays, written out number by number.

Kernels hold elementwise arithmetic on blocks of lanes, and little else: no concatenation, no matrix product, no gather,
no extent that is no power of two. A step of one site works on small arrays of known shape, so all of these can be
written out: an array is as many numbers, each an array of lanes; a matrix product is multiply-adds; what only moves
numbers about (a slice, a concatenation, a transposition) leaves no trace.

`Evaluation` interprets a jaxpr in this way. It takes programs that are differentiated already, so it knows no
derivatives.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Primitive, Var

from dgeo.engine.numbers import (
    CUMULATIVE,
    ELEMENTWISE,
    FOLDS,
    IDENTITIES,
    INLINED,
    MOST_OPERATIONS,
    MOVING,
    OPERATORS,
    PURE,
    WRITTEN,
    Numbers,
    Unfusable,
    at_once,
    moved,
    rows_of,
    without_computing,
)


class Evaluation:
    """One run through a program, whose lanes have the shape `lanes`."""

    def __init__(self, lanes: tuple[int, ...], rules: Mapping[str, "Rule"]) -> None:
        """Nothing has been computed yet. `rules` are for primitives that are more than arithmetic, by name."""
        self.lanes = lanes
        self.rules = rules
        self.operations = 0

    def __call__(self, program: ClosedJaxpr, inputs: Sequence[Numbers]) -> list[Numbers]:
        """The outputs of a program. Raises `Unfusable` for what cannot be written out."""
        return self._run(program.jaxpr, [np.asarray(x) for x in program.consts], inputs)

    def _run(self, jaxpr: Jaxpr, constants: Sequence[Numbers], inputs: Sequence[Numbers]) -> list[Numbers]:
        known: dict[Var, Numbers] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *inputs], strict=True))

        def read(atom: Any) -> Numbers:
            aval: Any = atom.aval
            return np.asarray(atom.val, aval.dtype) if isinstance(atom, Literal) else known[atom]

        for equation in needed(jaxpr):
            outputs = self._equation(equation, [read(atom) for atom in equation.invars])
            known.update(zip(equation.outvars, outputs, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _equation(self, equation: JaxprEqn, inputs: list[Numbers]) -> Sequence[Numbers]:
        name, params = equation.primitive.name, equation.params
        if name in INLINED:
            return self._inlined(params.get("jaxpr", params.get("call_jaxpr")), inputs)
        if name in WRITTEN:
            program = jax.make_jaxpr(partial(equation.primitive.impl, **params))(*(x.aval for x in equation.invars))
            return self(program, inputs)
        if name in self.rules:
            return self.rules[name](self, params, inputs)
        if name in PURE and all(x.dtype != object for x in inputs):
            return at_once(equation.primitive, params, inputs)
        if name in IDENTITIES:
            return inputs
        if name in MOVING:
            return moved(equation.primitive, params, inputs)
        if name in FOLDS:
            return [self.folded(inputs[0], params["axes"], OPERATORS[FOLDS[name]])]
        if name in CUMULATIVE:
            return [self.cumulated(inputs[0], params["axis"], params["reverse"], OPERATORS[CUMULATIVE[name]])]
        if name in ELEMENTWISE:
            return [self.elementwise(equation.primitive, inputs, params)]
        raise Unfusable(name)

    def _inlined(self, program: Any, inputs: Sequence[Numbers]) -> list[Numbers]:
        return self(program, inputs) if isinstance(program, ClosedJaxpr) else self._run(program, [], inputs)

    def elementwise(self, primitive: Primitive, inputs: Sequence[Numbers], params: Any = None) -> Numbers:
        arrays = np.broadcast_arrays(*inputs)
        result = np.empty(arrays[0].shape, object)
        for place in np.ndindex(result.shape):
            result[place] = self.number(primitive, [array[place] for array in arrays], params or {})
        return result

    def number(self, primitive: Primitive, operands: list[Any], params: Any) -> Any:
        """One number. Zeros and ones that derivatives are full of are not computed with."""
        self.operations += 1
        if self.operations > MOST_OPERATIONS:
            raise Unfusable(f"a step of more than {MOST_OPERATIONS} operations")
        if all(isinstance(x, np.generic) for x in operands):
            return at_once(primitive, params, [np.asarray(x) for x in operands])[0][()]
        simple = without_computing(primitive.name, operands)
        if simple is not None:
            return simple
        return primitive.bind(*(self.in_lanes(x) for x in operands), **params)

    def in_lanes(self, number: Any) -> jax.Array:
        """A number as an array of lanes."""
        return jnp.full(self.lanes, number.item(), number.dtype) if isinstance(number, np.generic) else number

    def folded(self, array: Numbers, axes: Sequence[int], operator: Primitive) -> Numbers:
        kept = [axis for axis in range(array.ndim) if axis not in axes]
        rows = rows_of(array.transpose([*axes, *kept]).reshape(-1, *(array.shape[axis] for axis in kept)))
        return reduce(lambda a, b: self.elementwise(operator, [a, b]), rows[1:], rows[0])

    def cumulated(self, array: Numbers, axis: int, reverse: bool, operator: Primitive) -> Numbers:
        rows = rows_of(np.moveaxis(array, axis, 0))[:: -1 if reverse else 1]
        for i in range(1, len(rows)):
            rows[i] = self.elementwise(operator, [rows[i - 1], rows[i]])
        return np.stack(rows[:: -1 if reverse else 1], axis)

    def flat(self, arrays: Sequence[Numbers]) -> list[jax.Array]:
        """All numbers of some arrays, each an array of lanes."""
        return [self.in_lanes(number) for array in arrays for number in array.reshape(-1)]


def needed(jaxpr: Jaxpr) -> list[JaxprEqn]:
    """The equations that some output depends on."""
    wanted, found = {id(x) for x in jaxpr.outvars}, []
    for equation in reversed(jaxpr.eqns):
        if any(id(x) in wanted for x in equation.outvars):
            wanted.update(id(x) for x in equation.invars)
            found.append(equation)
    return found[::-1]


Rule = Callable[[Evaluation, Any, list[Numbers]], list[Numbers]]
