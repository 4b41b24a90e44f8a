"""What single precision costs: outputs and gradients of every simulator beside those in double precision.

    relative difference of an output   |y₃₂ − y₆₄| / (|y₆₄| + mean over time and sites of |y₆₄|)
    and of a sensitivity s = θ·∂F/∂θ   |s₃₂ − s₆₄| / (|s₆₄| + mean over all of |s₆₄|)

The inputs are the same numbers in both. The derivative is that of all outputs together, each over its mean size and
weighted by day so that no two count the same, by the parameters, or by the weights of networks; 0 where there are none.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.check.cases import Case, Maker, makers
from dgeo.check.findings import Findings


@dataclass(frozen=True)
class PrecisionRow:
    """The largest and the median relative difference of outputs and of derivatives of one simulator over a year."""

    model: str
    outputs_max: float
    outputs_median: float
    gradients_max: float
    gradients_median: float

    @property
    def passed(self) -> bool:
        """Whether all numbers are finite in both."""
        return bool(np.isfinite([self.outputs_max, self.gradients_max]).all())

    @property
    def sentence(self) -> str:
        """The row in words."""
        return f"{self.model} gives numbers that are not finite in one precision"


def precision(only: str = "", *, steps: int = 365, seed: int = 0) -> Findings:
    """The rows of all simulators whose name contains `only`, over so many steps."""
    rows = tuple(precision_of(n, make, steps, seed) for n, make in makers().items() if only in n)
    return Findings("Single beside double precision, relative differences", rows)


def precision_of(name: str, make: Maker, steps: int, seed: int) -> PrecisionRow:
    """The row of one simulator."""
    with jax.enable_x64(True):
        case = make(steps, np.random.default_rng((seed, zlib.crc32(name.encode()))))
        outputs, _ = _found(case, "float64", None)
        sizes = {name: float(np.mean(np.abs(x))) or 1.0 for name, x in outputs.items()}
    double = _found(case, "float64", sizes)
    single = _found(case, "float32", sizes)
    of_outputs = [_difference(single[0][name], x) for name, x in double[0].items()]
    of_gradients = [_difference(*map(_joined, (single[1], double[1])))] if double[1] else []
    return PrecisionRow(name, *_summary(of_outputs), *_summary(of_gradients))


def _found(case: Case, dtype: str, sizes: dict[str, float] | None) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Outputs, and where sizes are given sensitivities, in a precision."""
    with jax.enable_x64(dtype == "float64"):
        inputs = case.in_precision(jnp.dtype(dtype))
        if sizes is None:
            return {name: np.asarray(x, np.float64) for name, x in jax.jit(case.run)(inputs).items()}, []

        def total(learned: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
            outputs = case.run({**inputs, "learned": learned})
            return sum((_weighted(x) / sizes[name] for name, x in outputs.items()), jnp.zeros((), dtype)), outputs

        gradients, outputs = jax.jit(jax.grad(total, has_aux=True))(inputs["learned"])
        return (
            {name: np.asarray(x, np.float64) for name, x in outputs.items()},
            [
                np.asarray(slope, np.float64) * np.asarray(x, np.float64)
                for slope, x in zip(jax.tree.leaves(gradients), jax.tree.leaves(inputs["learned"]), strict=True)
            ],
        )


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(x) for x in arrays])


def _weighted(series: jax.Array) -> jax.Array:
    days = jnp.arange(1, len(series) + 1, dtype=series.dtype)
    return jnp.mean(series * (1 + jnp.sin(days)).reshape(-1, *[1] * (series.ndim - 1)))


def _difference(single: np.ndarray, double: np.ndarray) -> np.ndarray:
    """Where either is not zero: a dry day says nothing of a precision."""
    size = np.abs(double) + np.mean(np.abs(double))
    difference = np.abs(single - double) / np.where(size > 0, size, 1.0)
    return np.asarray(difference[(single != 0) | (double != 0)])


def _summary(parts: list[np.ndarray]) -> tuple[float, float]:
    whole = np.concatenate([np.zeros(1), *parts])
    return float(np.max(whole)), float(np.median(whole))
