"""Systems of equations on forests beside dense ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dgeo.models import reaches
from dgeo.numerics.forest import ForestMatrix, chunks, forest_solve

NODES = 9


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60))
def test_chunks_hold_every_node_once_after_those_above(steps):
    """Turns of any sizes: all nodes, none twice, in the order of their turns, one turn a chunk, and few chunks."""
    turn = np.unique(steps, return_inverse=True)[1]
    order = chunks(turn)
    inside = order[order < len(turn)]
    assert sorted(inside) == list(range(len(turn)))
    assert np.all(np.diff(turn[inside]) >= 0)
    assert all(len(set(turn[row[row < len(turn)]])) == 1 for row in order)
    assert len(order) <= 2 * len(set(turn))


@pytest.mark.x64
@settings(max_examples=3)
@given(st.integers(0, 2**31))
def test_a_forest_is_solved_as_a_dense_matrix_is(seed):
    """Any forest of nine, numbered at random; the diagonal dominates. The pull-back is the transposed solve."""
    random = np.random.default_rng(seed)
    below = np.array([-1 if random.random() < 0.2 else random.integers(0, k) if k else -1 for k in range(NODES)])
    name = random.permutation(NODES)
    down = np.empty(NODES, int)
    down[name] = np.where(below < 0, -1, name[below])
    forest = reaches(down, np.ones(NODES), np.ones(NODES)).forest
    dense = np.zeros((NODES, NODES))
    to_below, from_above = (random.uniform(-1, 1, NODES) * (down >= 0) for _ in range(2))
    inner = np.flatnonzero(down >= 0)
    dense[inner, down[inner]], dense[down[inner], inner] = to_below[inner], from_above[inner]
    diagonal = 1 + np.abs(dense).sum(axis=1)
    dense += np.diag(diagonal)
    right, weights = random.normal(size=(2, NODES))
    matrix = [jnp.asarray(x) for x in (diagonal, to_below, from_above)]
    found, pull = jax.vjp(lambda r: forest_solve(forest, ForestMatrix(*matrix), r), jnp.asarray(right))
    np.testing.assert_allclose(found, np.linalg.solve(dense, right), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(pull(jnp.asarray(weights))[0], np.linalg.solve(dense.T, weights), rtol=1e-10, atol=1e-12)
