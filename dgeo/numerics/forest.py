"""Linear systems of a forest: every unknown meets those right above and the one right below it, and no others.

    d_i·x_i + b_i·x_below(i) + Σ_{k above i} a_k·x_k = r_i          a_k = J[below(k), k],   b_i = J[i, below(i)]

Elimination from the tops down and substitution from the roots up, as for a tridiagonal matrix, which is the forest of
one stem: a number of operations proportional to that of the unknowns. No rows are exchanged, so the matrix has to be
one that allows it, as do those whose columns are dominated by their diagonal.

Reference: Hines (1984) Efficient computation of branched nerve equations, doi:10.1016/0020-7101(84)90008-4.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dgeo.numerics.frozen import Frozen

Nodes = Float[Array, " node"]


class Forest(Frozen):
    """Who stands below whom: `below` [node], the number of nodes for roots; `order` [chunk, place], see `chunks`."""

    below: Int[Array, " node"]
    order: Int[Array, "chunk place"]


class ForestMatrix(NamedTuple):
    """J[i, i], J[i, below(i)] and J[below(i), i]; the last two are 0 for roots."""

    diagonal: Nodes
    to_below: Nodes
    from_above: Nodes


def chunks(turn: np.ndarray) -> np.ndarray:
    """Nodes in the order of their turns, side by side as far as they share one; empty places hold the number of nodes.

    A chunk has as many places as nodes share a turn in the mean, so that there are no more than twice as many chunks
    as turns, nor than twice as many places as nodes and one row.
    """
    count = len(turn)
    sizes = np.bincount(turn)
    width = -(-count // len(sizes))
    rows = -(-sizes // width)
    sequence = np.argsort(turn, kind="stable")
    within = np.arange(count) - (np.cumsum(sizes) - sizes)[turn[sequence]]
    first = (np.cumsum(rows) - rows)[turn[sequence]]
    order = np.full((rows.sum(), width), count, np.int32)
    order[first + within // width, within % width] = sequence
    return order


def forest_solve(forest: Forest, matrix: ForestMatrix, right: Nodes) -> Nodes:
    """The x with J·x = right, differentiable in `right`, in both modes; of the matrix it takes no derivative."""
    matrix = jax.lax.stop_gradient(matrix)
    transposed = ForestMatrix(matrix.diagonal, matrix.from_above, matrix.to_below)
    return jax.lax.custom_linear_solve(
        lambda x: _product(forest, matrix, x),
        right,
        solve=lambda _, b: _solved(forest, matrix, b),
        transpose_solve=lambda _, b: _solved(forest, transposed, b),
    )


def _product(forest: Forest, matrix: ForestMatrix, x: Nodes) -> Nodes:
    below = jnp.pad(x, (0, 1))[forest.below]
    from_above = jnp.zeros_like(x).at[forest.below].add(matrix.from_above * x, mode="drop")
    return matrix.diagonal * x + matrix.to_below * below + from_above


def _solved(forest: Forest, matrix: ForestMatrix, right: Nodes) -> Nodes:
    # a node of its own, which meets nobody, stands below the roots and in the empty places
    below = jnp.pad(forest.below, (0, 1), constant_values=forest.below.size)
    to_below, from_above = (jnp.pad(x, (0, 1)) for x in (matrix.to_below, matrix.from_above))

    def down(now: tuple[Nodes, Nodes], nodes: Int[Array, " place"]) -> tuple[tuple[Nodes, Nodes], None]:
        diagonal, right = now
        share = from_above[nodes] / diagonal[nodes]
        diagonal = diagonal.at[below[nodes]].add(-share * to_below[nodes])
        return (diagonal, right.at[below[nodes]].add(-share * right[nodes])), None

    start = (jnp.pad(matrix.diagonal, (0, 1), constant_values=1), jnp.pad(right, (0, 1)))
    (diagonal, right), _ = jax.lax.scan(down, start, forest.order)

    def up(x: Nodes, nodes: Int[Array, " place"]) -> tuple[Nodes, None]:
        return x.at[nodes].set((right[nodes] - to_below[nodes] * x[below[nodes]]) / diagonal[nodes]), None

    x, _ = jax.lax.scan(up, jnp.zeros_like(right), forest.order, reverse=True)
    return x[:-1]
