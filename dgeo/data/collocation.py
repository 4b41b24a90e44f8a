"""How wrong each of three products is, without knowing the truth."""

import numpy as np
from jaxtyping import Float


def triple_collocation(
    products: Float[np.ndarray, "time basin 3"], smallest: float = 1e-3
) -> Float[np.ndarray, "basin 3"]:
    """The error variance of each product in the scale of the first, for each basin.

        x_i = α_i + β_i·t + e_i,   errors independent of the truth t and of each other
        β_i²σ²(t) = C_ij C_ik/C_jk                 j, k: the other two;  β_1 = 1
        σ²(e_i)/β_i² = (C_ii − β_i²σ²(t))/β_i²

    with the covariances C in time. A sample may give a variance that is negative or a β of the wrong sign: a variance
    is at least `smallest` times that of the product, and a product that does not vary with the others has all of its
    own variance as error. Stoffelen (1998), doi:10.1029/97JC03180.
    """
    anomaly = products.astype(np.float64) - products.astype(np.float64).mean(0)
    covariance = np.einsum("tbi,tbj->bij", anomaly, anomaly) / len(anomaly)
    return np.stack([_errors(one, smallest) for one in covariance])


def _errors(c: Float[np.ndarray, "3 3"], smallest: float) -> Float[np.ndarray, " 3"]:
    if min(c[0, 1], c[0, 2], c[1, 2]) <= 0:
        return np.diag(c).copy()
    signal = np.array([c[0, 1] * c[0, 2] / c[1, 2], c[0, 1] * c[1, 2] / c[0, 2], c[0, 2] * c[1, 2] / c[0, 1]])
    error = np.maximum(np.diag(c) - signal, smallest * np.diag(c))
    return error * signal[0] / signal
