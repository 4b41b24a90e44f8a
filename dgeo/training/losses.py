"""The losses by name.

    nse           Σ (s − o)² / (σ + 0.1)²  /  n
    sqrt_nse      the same for √(q + 0.01),  σ its deviation
    log_nse       the same for ln(q + 0.01), σ its deviation
    rmse_combined 0.75 √(Σ (s − o)²/n) + 0.25 √(Σ (ℓ(s) − ℓ(o))²/n),   ℓ(q) = log10(√(q + 10⁻⁶) + 0.1)
    kge           mean over basins of 1 − KGE

    s, o  simulated and observed flow                           [mm d-1]
    σ     standard deviation of a basin's training days         [unit of what is compared]
    n     number of observations of all basins

Negative flows count as 0 under a root or logarithm. Gaps change neither value nor gradient, and the gradient
is finite at zero flow, zero variance and exact fit; a NaN in the simulation on an observed day stays visible.

nse: Kratzert et al. (2019), doi:10.5194/hess-23-5089-2019; rmse_combined: Feng et al. (2022),
doi:10.1029/2022WR032404; kge: Gupta et al. (2009), doi:10.1016/j.jhydrol.2009.08.003.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array

from dgeo.numerics.square_root import square_root
from dgeo.training.loss import (
    Loss,
    PerBasin,
    Present,
    Series,
    average,
    combined,
    count,
    mean,
    pairs,
    variance,
)

__all__ = ["LOSSES", "Loss", "combined", "combined_rmse", "kling_gupta", "nash_sutcliffe"]

SCALE_OFFSET = 0.1  # keeps basins that hardly vary from ruling the loss
DRY_FLOW = 0.01  # [mm d-1] keeps the slopes of root and logarithm finite on dry days
LOG_SHARE = 0.25
KGE_NOISE = 1e-4  # [mm2 d-2]


def flow(series: Series) -> Series:
    """The flow itself."""
    return series


def root(series: Series) -> Series:
    """√(q + 0.01)."""
    return jnp.sqrt(_wet(series) + DRY_FLOW)


def logarithm(series: Series) -> Series:
    """ln(q + 0.01)."""
    return jnp.log(_wet(series) + DRY_FLOW)


def nash_sutcliffe(transform: Callable[[Series], Series] = flow) -> Loss:
    """Squared error of transformed flow over the variance of the basin, the mean over all observations."""

    def sums(simulated: Series, observed: Series, scale: PerBasin) -> tuple[PerBasin, PerBasin]:
        simulated, observed, present = pairs(simulated, observed)
        number = count(present, simulated)
        weight = 1 / (jnp.where(number > 0, scale, 1.0) + SCALE_OFFSET) ** 2
        return weight * jnp.sum((transform(simulated) - transform(observed)) ** 2, axis=0), number

    return Loss(sums, lambda sums: mean(*sums), deviation(transform))


def combined_rmse() -> Loss:
    """Root mean square error of flow and of log-flow, over all observations together; it needs no scale."""

    def sums(simulated: Series, observed: Series, scale: PerBasin) -> tuple[PerBasin, PerBasin, PerBasin]:
        del scale
        simulated, observed, present = pairs(simulated, observed)
        squares, log_squares = (
            jnp.sum((transform(simulated) - transform(observed)) ** 2, axis=0) for transform in (flow, _log_root)
        )
        return squares, log_squares, count(present, simulated)

    def value(sums: tuple[Array, Array, Array]) -> Array:
        plain, logarithmic = (square_root(mean(squares, sums[2])) for squares in sums[:2])
        return (1 - LOG_SHARE) * plain + LOG_SHARE * logarithmic

    return Loss(sums, value, deviation())


def kling_gupta() -> Loss:
    """1 − KGE of each basin, the mean over basins with observations; it needs no scale.

        1 − KGE = √((r − 1)² + (σs/σo − 1)² + (μs/μo − 1)²)

    Both series are taken as if they shared an independent noise of variance ε = 10⁻⁴ and a flow of 0.01 mm/d:
    σ² + ε, covariance + ε, μ + 0.01. A perfect fit stays perfect, and a constant or dry series is no
    singularity.
    """

    def sums(simulated: Series, observed: Series, scale: PerBasin) -> tuple[PerBasin, PerBasin]:
        del scale
        simulated, observed, present = pairs(simulated, observed)
        basins = jnp.any(present, axis=0)
        distance = _distance(simulated, observed, present)
        return jnp.where(basins, distance, 0.0), basins.astype(distance.dtype)

    return Loss(sums, lambda sums: mean(*sums), deviation())


def deviation(transform: Callable[[Series], Series] = flow) -> Callable[[Series], PerBasin]:
    """The standard deviation over time of transformed observations [time, basin]; 0 without observations."""

    def scale(observed: Series) -> PerBasin:
        present = ~jnp.isnan(observed)
        return jnp.sqrt(variance(transform(jnp.where(present, observed, 0.0)), present))

    return scale


LOSSES: dict[str, Loss] = {
    "nse": nash_sutcliffe(),
    "sqrt_nse": nash_sutcliffe(root),
    "log_nse": nash_sutcliffe(logarithm),
    "rmse_combined": combined_rmse(),
    "kge": kling_gupta(),
}


def _wet(series: Series) -> Series:
    """max(q, 0) with slope 1 at 0, so that a dry simulation feels that it should not be dry."""
    return jnp.where(series < 0, 0.0, series)


def _log_root(series: Series) -> Series:
    return jnp.log10(jnp.sqrt(_wet(series) + 1e-6) + 0.1)


def _distance(simulated: Series, observed: Series, present: Present) -> PerBasin:
    """1 − KGE of each basin."""
    means = average(simulated, present), average(observed, present)
    covariance = average((simulated - means[0][None]) * (observed - means[1][None]), present)
    spreads = [jnp.sqrt(variance(series, present) + KGE_NOISE) for series in (simulated, observed)]
    correlation = (covariance + KGE_NOISE) / (spreads[0] * spreads[1])
    variability = spreads[0] / spreads[1]
    bias = (means[0] + DRY_FLOW) / (means[1] + DRY_FLOW)
    return square_root((correlation - 1) ** 2 + (variability - 1) ** 2 + (bias - 1) ** 2)
