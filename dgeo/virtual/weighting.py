"""The best weighted mean of several products of known truth."""

from itertools import combinations

import numpy as np
from jaxtyping import Float


def optimal_weights(
    products: Float[np.ndarray, "time basin product"], truth: Float[np.ndarray, "time basin"]
) -> Float[np.ndarray, "basin product"]:
    """The weights of least mean squared error, for each basin.

        min wᵀ M w     subject to  Σ w = 1,  w ≥ 0,        M_ij = mean (x_i − x)(x_j − x)

    Unbiased products with independent errors make M diagonal, and w_i is then the inverse of the error variance,
    scaled to a sum of 1. The minimum is found exactly: with the products S that have a share, w_S = M_S⁻¹1/(1ᵀM_S⁻¹1),
    so the best non-negative one of all subsets S is it. A product without error has the whole weight; where several
    have none, the first.
    """
    error = products.astype(np.float64) - truth[..., None].astype(np.float64)
    moments = np.einsum("tbi,tbj->bij", error, error) / len(error)
    return np.stack([_best(moment) for moment in moments])


def _best(moment: Float[np.ndarray, "product product"]) -> Float[np.ndarray, " product"]:
    count = len(moment)
    subsets = [list(chosen) for size in range(1, count + 1) for chosen in combinations(range(count), size)]
    candidates = [weights for subset in subsets if (weights := _within(moment, subset)) is not None]
    return min(candidates, key=lambda weights: float(weights @ moment @ weights))


def _within(moment: Float[np.ndarray, "product product"], subset: list[int]) -> Float[np.ndarray, " product"] | None:
    """The weights of least error with these products alone; None where one of them would be negative."""
    weights = np.zeros(len(moment))
    if len(subset) == 1:
        weights[subset] = 1.0
        return weights
    share = np.linalg.lstsq(moment[np.ix_(subset, subset)], np.ones(len(subset)), rcond=None)[0]
    if share.sum() <= 0 or share.min() < 0:
        return None
    weights[subset] = share / share.sum()
    return weights
