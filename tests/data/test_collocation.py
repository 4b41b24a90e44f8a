"""Error variances of three products, from products of which they are known."""

import numpy as np

from dgeo.data.collocation import triple_collocation


def test_errors_of_a_linear_world_are_found():
    """x_i = α_i + β_i t + e_i with σ(e) = 0.5, 1, 3, β = 1, 2, 0.5: σ²/β² = 0.25, 0.25 and 36.

    From n independent days and σ(t) = 2 a covariance scatters by its terms over √n; of the last variance, 36·√(2/n)
    is most. n = 50,000: 5 % is eight times that, and for the first two the scatter of the signal (σ² = 4) adds 0.02.
    """
    random = np.random.default_rng(11)
    shape = (50_000, 4)
    truth = 2 * random.standard_normal(shape)
    alpha, beta, sigma = np.array([0, 5, -1.0]), np.array([1, 2, 0.5]), np.array([0.5, 1, 3])
    products = alpha + beta * truth[..., None] + sigma * random.standard_normal((*shape, 3))
    found = triple_collocation(products)
    np.testing.assert_allclose(found, np.broadcast_to(sigma**2 / beta**2, (4, 3)), rtol=0.05, atol=0.1)


def test_three_orthogonal_series_by_hand():
    """t, u, v with variance 1 and no covariance: x = t, y = t + u, z = t + 2v have errors 0 (the least), 1 and 4."""
    t, u, v = np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, 1, -1, -1, 1, 1, -1, -1], [1, -1, 1, -1, 1, -1, 1, -1.0]])
    found = triple_collocation(np.stack([t, t + u, t + 2 * v], axis=-1)[:, None])
    np.testing.assert_allclose(found, [[1e-3, 1, 4]], rtol=1e-12)


def test_products_that_do_not_agree_are_all_error():
    """One runs against the other two: no common truth, so each has its own variance."""
    t = np.array([1.0, -1.0, 2.0, -2.0])
    np.testing.assert_allclose(triple_collocation(np.stack([t, t, -3 * t], axis=-1)[:, None]), [[2.5, 2.5, 22.5]])
