"""Points at which gradients are checked: trees of numpy arrays, the names of their leaves, directions through them."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from dgeo.errors import DgeoError
from dgeo.numerics import Bounds

Point = Any  # a tree of float64 numpy arrays
Draw = Callable[[np.random.Generator], Point]
SPREAD = 0.3  # standard deviation of ln(drawn / given)


def generator(key: jax.Array) -> np.random.Generator:
    """Random numbers of a JAX key, drawn by numpy, so that they are the same in every precision."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())


def is_bounds(leaf: Any) -> bool:
    """Whether a leaf stands for all numbers of an interval."""
    return isinstance(leaf, Bounds)


def drawn(inputs: Any, random: np.random.Generator) -> Point:
    """A random point: within `Bounds`, and about an array by a lognormal factor, so that zeros and signs stay."""

    def draw(leaf: Any) -> np.ndarray:
        if is_bounds(leaf):
            with jax.enable_x64(True):
                return np.asarray(leaf.from_fraction(jax.numpy.asarray(random.uniform(0.02, 0.98))))
        return np.asarray(leaf * np.exp(SPREAD * random.standard_normal(leaf.shape)))

    return jax.tree.map(draw, inputs, is_leaf=is_bounds)


def names_of(tree: Any) -> tuple[str, ...]:
    """The place of every leaf in words: `parameters/beta`."""
    leaves = jax.tree_util.tree_leaves_with_path(tree, is_leaf=is_bounds)
    return tuple("/".join(_word(step) for step in path) or "input" for path, _ in leaves)


def _word(step: Any) -> str:
    for attribute in ("key", "name", "idx"):
        if hasattr(step, attribute):
            return str(getattr(step, attribute))
    return str(step)


def real_arrays(what: str, inputs: Any) -> Any:
    """The inputs as float64 arrays; raises `DgeoError` for what has no derivative."""
    if not jax.tree.leaves(inputs, is_leaf=is_bounds):
        raise DgeoError(f"{what} has no inputs: give arrays, or `Bounds`, with respect to which to differentiate.")

    def convert(name: str, leaf: Any) -> Any:
        if is_bounds(leaf):
            return leaf
        array = np.asarray(leaf)
        if not jax.numpy.issubdtype(array.dtype, np.floating):
            raise DgeoError(
                f"The input {name!r} of {what} is of type {array.dtype}, by which nothing can be differentiated: give "
                "floating-point numbers, or fix it beforehand with `functools.partial`."
            )
        return array.astype(np.float64)

    leaves, structure = jax.tree.flatten(inputs, is_leaf=is_bounds)
    return jax.tree.unflatten(structure, map(convert, names_of(inputs), leaves))


def check_alike(what: str, place: str, point: Point, like: Point) -> None:
    """Raise `DgeoError` unless a point has the names and shapes of another."""
    ours, theirs = (
        {n: np.shape(x) for n, x in zip(names_of(p), jax.tree.leaves(p), strict=True)} for p in (point, like)
    )
    for name in ours.keys() | theirs.keys():
        if ours.get(name) != theirs.get(name):
            raise DgeoError(
                f"At the point {place!r} the input {name!r} of {what} has the shape {ours.get(name)}, and elsewhere "
                f"{theirs.get(name)}: give every point all inputs, in the same shapes."
            )


def size(leaf: Any) -> Any:
    """The size of every number: its own, or for a zero the mean of the array, or else 1."""
    mean = float(np.mean(np.abs(leaf))) if leaf.size else 0.0
    return np.where(leaf == 0, mean or 1.0, np.abs(leaf))


def directions(point: Point, random: np.random.Generator) -> list[Any]:
    """For every leaf a step of random signs, each number in proportion to itself; a zero moves only if all are zero."""

    def step(leaf: Any) -> Any:
        lengths = np.abs(leaf) if np.any(leaf) else np.ones_like(leaf)
        return np.where(random.random(leaf.shape) < 0.5, -lengths, lengths)

    return [step(leaf) for leaf in jax.tree.leaves(point)]


def moved(point: Point, index: int, step: Any) -> Point:
    """The point with one of its leaves moved."""
    leaves, structure = jax.tree.flatten(point)
    leaves[index] = leaves[index] + step
    return jax.tree.unflatten(structure, leaves)


def called(function: Callable[..., Any], point: Point) -> Any:
    """The function at a point: inputs by name, or in order."""
    return function(**point) if isinstance(point, Mapping) else function(*point)
