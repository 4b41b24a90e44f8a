"""A function that can be asked for values and derivatives, at any point and in either precision."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.check.gradient_points import Point, called
from dgeo.errors import DgeoError

Precision = Literal["float64", "float32"]
Leaves = list[Any]  # numpy arrays, and numpy's numbers where an input has no axes


def in_precision(precision: Precision) -> AbstractContextManager[None]:
    """A context in which JAX computes with these numbers, whatever the session does."""
    return jax.enable_x64(precision == "float64")


class Probe:
    """Values v = f(x), pulled-back cotangents Jᵀc and pushed-forward tangents J·u of a function in one precision.

    Only the floating-point outputs count. Everything goes in and comes out as numpy arrays.
    """

    def __init__(self, name: str, function: Callable[..., Any], like: Point, precision: Precision) -> None:
        """Trace the function once; raises `DgeoError` where it cannot be run or gives nothing to differentiate."""
        self.name, self.precision, self._function = name, precision, function
        with in_precision(precision):
            try:
                outputs = jax.eval_shape(self._value, self._cast(like))
            except Exception as error:
                raise DgeoError(
                    f"{name} cannot be traced in {precision} ({type(error).__name__}: {_first_line(error)}); check its "
                    "inputs, and give arrays that it captures as inputs too, so that they follow the precision."
                ) from error
        if not outputs:
            raise DgeoError(f"{name} gives no floating-point numbers, so there is nothing to differentiate.")
        self.shapes = [output.shape for output in outputs]

    def value(self, point: Point) -> Leaves:
        """The values v."""
        return self._run(self._value, point)

    def pull(self, point: Point, cotangents: Leaves) -> tuple[Leaves, Leaves]:
        """Both v and Jᵀc."""
        return self._run(self._pull, point, cotangents)

    def push(self, point: Point, tangents: Leaves) -> Leaves:
        """The tangents J·u; raises what JAX raises where a function has no forward mode."""
        return self._run(self._push, point, tangents)

    def pull_plain(self, point: Point, cotangents: Leaves) -> Leaves:
        """The gradient Jᵀc without jit."""
        return self._run(self._pulled, point, cotangents)[1]

    def pull_checkpointed(self, points: list[Point], cotangents: Leaves) -> list[Leaves]:
        """The gradient Jᵀc at every point, through `jax.checkpoint`."""
        pull = _quickly(lambda x, c: self._pulled(x, c, jax.checkpoint(self._outputs)))
        return [self._run(pull, point, cotangents)[1] for point in points]

    def pull_mapped(self, points: list[Point], cotangents: Leaves) -> list[Leaves]:
        """The gradient Jᵀc at every point, through `jax.vmap`."""
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *points)
        pull = _quickly(jax.vmap(self._pulled, in_axes=(0, None)))
        found = self._run(pull, stacked, cotangents)[1]
        return [[leaf[i] for leaf in found] for i in range(len(points))]

    def complex_step(self, point: Point, tangents: Leaves, step: float = 1e-30) -> Leaves:
        """The imaginary part Im f(x + i·h·u)/h = J·u, without subtraction and so without its rounding."""
        with in_precision(self.precision):
            leaves, structure = jax.tree.flatten(point)
            moved = [jnp.asarray(leaf + 1j * step * u) for leaf, u in zip(leaves, tangents, strict=True)]
            outputs = jax.jit(lambda x: jax.tree.leaves(called(self._function, x)))(
                jax.tree.unflatten(structure, moved)
            )
            return [np.imag(np.asarray(y)) / step for y in outputs if jnp.issubdtype(y.dtype, jnp.inexact)]

    @cached_property
    def _value(self) -> Callable[..., Any]:
        return jax.jit(self._outputs)

    @cached_property
    def _pull(self) -> Callable[..., Any]:
        return jax.jit(self._pulled) if self.precision == "float64" else _quickly(self._pulled)

    @cached_property
    def _push(self) -> Callable[..., Any]:
        return _quickly(self._pushed)

    def _outputs(self, point: Point) -> list[jax.Array]:
        leaves = map(jnp.asarray, jax.tree.leaves(called(self._function, point)))
        return [leaf for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)]

    def _pulled(self, point: Point, cotangents: Any, outputs: Any = None) -> Any:
        value, pull = jax.vjp(outputs or self._outputs, point)
        (gradient,) = pull(cotangents)
        return value, jax.tree.leaves(gradient)

    def _pushed(self, point: Point, tangents: Any) -> Any:
        return jax.jvp(self._value, (point,), (jax.tree.unflatten(jax.tree.structure(point), tangents),))[1]

    def _cast(self, tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, self.precision), tree)

    def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        with in_precision(self.precision):
            return jax.tree.map(np.asarray, function(*map(self._cast, arguments)))


def _quickly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled in two thirds of the time, for what is not timed."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]
