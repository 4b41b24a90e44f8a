"""The checks themselves: each compares a function's derivatives with something that does not use them.

    dot product         c·(J·u) = (Jᵀc)·u                         forward against reverse mode
    finite differences  (c·f(x + h·u) − c·f(x − h·u))/2h = (Jᵀc)·u   u along one input at a time
    complex step        Im f(x + i·h·u)/h = J·u                   exact to rounding
    closed form         Jᵀ1 is what the user derived by hand
    linearity           Jᵀ(a + 2b) = Jᵀa + 2Jᵀb
    one-sided           J·u lies between the differences on both sides, or between them and 0

Errors are relative: of sums, to the sum of the absolute terms; of gradients g of x, to the largest |g·x| in the same
input, and at least to a millionth of the largest of all (a thousandth in float32).

Complex step: Squire & Trapp (1998), SIAM Review 40, 110–112, doi:10.1137/S003614459631241X.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from dgeo.check.gradient_points import Point, moved, size
from dgeo.check.gradient_probe import Leaves, Probe

STEPS = (1e-4, 1e-5, 1e-6, 1e-7)
ROUNDING = {"float64": 2.0**-52, "float32": 2.0**-23}
FLOORS = {"float64": 1e-6, "float32": 1e-3}
Error = tuple[float, int]  # relative error, and the input in which it is


def dot(a: Leaves, b: Leaves) -> float:
    """a·b over all leaves."""
    return float(sum(np.sum(x * y) for x, y in zip(a, b, strict=True)))


def size_of_terms(a: Leaves, b: Leaves) -> float:
    """Σ|a·b| over all leaves."""
    return dot([np.abs(x) for x in a], [np.abs(x) for x in b])


def relative(difference: float, scale: float) -> float:
    """|difference| / scale; 0 for nothing off nothing, infinite where it is not finite."""
    if not np.isfinite(difference):
        return np.inf
    return 0.0 if difference == 0 else abs(difference) / max(scale, np.finfo(float).tiny)


def dot_product(probe: Probe, point: Point, cotangents: Leaves, steps: Leaves) -> float:
    """How far forward and reverse mode are apart."""
    pushed, pulled = probe.push(point, steps), probe.pull(point, cotangents)[1]
    scale = max(size_of_terms(cotangents, pushed), size_of_terms(pulled, steps))
    return relative(dot(cotangents, pushed) - dot(pulled, steps), scale)


def finite_differences(probe: Probe, point: Point, cotangents: Leaves, steps: Leaves) -> Error:
    """The worst of all inputs, each at its best step: a wrong derivative is wrong at every step, rounding is not."""
    value, pulled = probe.pull(point, cotangents)
    noise = 8 * ROUNDING[probe.precision] * size_of_terms(cotangents, value)

    def error(index: int, h: float) -> float:
        sides = [probe.value(moved(point, index, sign * h * steps[index])) for sign in (1, -1)]
        slope = (dot(cotangents, sides[0]) - dot(cotangents, sides[1])) / (2 * h)
        found = dot([pulled[index]], [steps[index]])
        excess = abs(slope - found) - noise / h
        scale = max(abs(slope), size_of_terms([pulled[index]], [steps[index]]))
        return relative(max(excess, 0.0) if np.isfinite(excess) else np.inf, scale)

    return worst([min(error(i, h) for h in STEPS) for i in range(len(steps))])


def one_sided(probe: Probe, point: Point, h: float = 1e-6) -> Error:
    """At a kink: how far J·u, output by output, lies outside what is between the one-sided differences and 0."""
    sizes = [size(leaf) for leaf in jax.tree.leaves(point)]
    here = probe.value(point)

    def error(index: int) -> float:
        tangents = [s if i == index else np.zeros_like(s) for i, s in enumerate(sizes)]
        found = probe.push(point, tangents)
        after, before = (probe.value(moved(point, index, side * h * sizes[index])) for side in (1, -1))
        return max(map(_outside, found, *([(a - y) / h for a, y in zip(after, here, strict=True)],
                                          [(y - b) / h for b, y in zip(before, here, strict=True)]), here))  # fmt: skip

    def _outside(found: Any, right: Any, left: Any, value: Any) -> float:
        noise = 8 * ROUNDING[probe.precision] * np.abs(value) / h
        high, low = np.maximum(np.maximum(right, left), 0.0), np.minimum(np.minimum(right, left), 0.0)
        outside = np.maximum(np.maximum(found - high, low - found) - noise, 0.0)
        return relative(_largest(np.nan_to_num(outside, nan=0.0)), max(_largest(np.nan_to_num(right)), _largest(found)))

    return worst([error(i) for i in range(len(sizes))])


def linearity(probe: Probe, point: Point, a: Leaves, b: Leaves) -> float:
    """How far Jᵀ is from linear."""
    both = [x + 2 * y for x, y in zip(a, b, strict=True)]
    of_a, of_b, of_both = (probe.pull(point, c)[1] for c in (a, b, both))
    return apart(of_both, [x + 2 * y for x, y in zip(of_a, of_b, strict=True)], point)[0]


def complex_step(probe: Probe, point: Point, steps: Leaves, random: np.random.Generator) -> float:
    """How far J·u is from the complex step, weighed by random numbers."""
    stepped = probe.complex_step(point, steps)
    weights = [random.standard_normal(leaf.shape) for leaf in stepped]
    pulled = probe.pull(point, weights)[1]
    scale = max(size_of_terms(weights, stepped), size_of_terms(pulled, steps))
    return relative(dot(weights, stepped) - dot(pulled, steps), scale)


def closed_form(probe: Probe, point: Point, derivative: Any) -> Error:
    """How far the gradient of the sum of all outputs is from one derived by hand."""
    ones = [np.ones(shape) for shape in probe.shapes]
    by_hand = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(derivative)]
    return apart(probe.pull(point, ones)[1], by_hand, point)


def apart(found: Leaves, wanted: Leaves, point: Point, floor: float = FLOORS["float64"]) -> Error:
    """How far two gradients are apart; see the head of this file for what it is relative to."""
    sizes = [size(leaf) for leaf in jax.tree.leaves(point)]
    effects = [_largest(g * s) for g, s in zip(wanted, sizes, strict=True)]
    least = floor * max(effects, default=0.0)
    return worst(
        relative(_largest((f - w) * s), max(effect, least))
        for f, w, s, effect in zip(found, wanted, sizes, effects, strict=True)
    )


def is_finite(leaves: Sequence[Any]) -> bool:
    """Whether every number is one."""
    return all(bool(np.all(np.isfinite(leaf))) for leaf in leaves)


def worst(errors: Any) -> Error:
    """The largest error and its place."""
    errors = list(errors)
    place = int(np.argmax(errors))
    return float(errors[place]), place


def _largest(leaf: Any) -> float:
    return float(np.max(np.abs(leaf))) if leaf.size else 0.0
