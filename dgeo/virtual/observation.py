"""What is observed of a truth: relative noise that does not bias, and gaps that come in runs of days.

    observed = truth·exp(s ε − s²/2),   s² = ln(1 + noise²)

has mean `truth` and standard deviation noise·truth, and is never negative. A day is missing with
probability `gaps`, and gaps last `GAP_LENGTH` days on average (a Markov chain started in its stationary
state).
"""

import numpy as np
from jaxtyping import Float, Float32

from dgeo.virtual.randomness import draw

GAP_LENGTH = 30.0  # [d]


def observe(
    seed: int, truth: Float[np.ndarray, "time basin"], noise: float, gaps: float, name: str = ""
) -> Float32[np.ndarray, "time basin"]:
    """The truth with noise, NaN in the gaps; variables of other names have other noise and gaps."""
    days, count = truth.shape
    spread = np.sqrt(np.log1p(noise**2))
    error = draw(seed, count, f"noise{name}", lambda generator: generator.standard_normal(days))
    observed = truth * np.exp(spread * error - spread**2 / 2)
    return np.where(_missing(seed, truth.shape, gaps, name), np.nan, observed).astype(np.float32)


def _missing(seed: int, shape: tuple[int, int], gaps: float, name: str) -> np.ndarray:
    chance = draw(seed, shape[1], f"gaps{name}", lambda generator: generator.random(shape[0]))
    memory = max(1 - 1 / (GAP_LENGTH * (1 - gaps)), 0.0)
    missing = np.empty(shape, dtype=bool)
    before = np.full(shape[1], gaps)
    for day in range(shape[0]):
        missing[day] = chance[day] < gaps + memory * (before - gaps)
        before = missing[day]
    return missing
