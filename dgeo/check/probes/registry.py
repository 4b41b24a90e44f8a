"""What a probe is: a question put to a model, in one sentence, with what is tolerated and why, and what it needs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float


class Inapplicable(Exception):
    """Nothing in this model or weather puts the question; the message says what is missing."""


@dataclass(frozen=True)
class Measure:
    """One figure of a probe at every site: how far the model is from what should be, and how far it may be.

    In words it reads "{value} {units} {words}"; what is not finite counts as infinitely far.
    """

    values: Float[np.ndarray, " site"]
    tolerance: float
    words: str
    units: str = "%"

    @property
    def excess(self) -> Float[np.ndarray, " site"]:
        """Values over the tolerance: beyond 1 the site fails."""
        values = np.where(np.isfinite(self.values), self.values, np.inf)
        if self.tolerance > 0:
            return values / self.tolerance
        return np.where(values > 0, np.inf, 0.0)


Ask = Callable[[Any], Iterable[Measure]]


@dataclass(frozen=True)
class Probe:
    """A question by name.

    - `meaning`: what holds in nature, in one sentence; `reason`: why the tolerance is what it is;
    - `needs`: "stores", "restart", "shorter steps", "attributes", "exchanges", or a forcing or output by name;
    - `ask`: the measures of an examination.
    """

    name: str
    meaning: str
    reason: str
    needs: tuple[str, ...]
    ask: Ask


PROBES: dict[str, Probe] = {}


def probe(name: str, meaning: str, *, reason: str, needs: tuple[str, ...] = ()) -> Callable[[Ask], Ask]:
    """Make a function a probe."""

    def register(ask: Ask) -> Ask:
        PROBES[name] = Probe(name, meaning, reason, needs, ask)
        return ask

    return register


def share(values: Float[np.ndarray, " site"], tolerance: float, words: str) -> Measure:
    """A measure whose values and tolerance are shares, shown in per cent."""
    return Measure(100 * values, 100 * tolerance, words)


def above(values: Float[np.ndarray, "*shape"], high: float = 0.0) -> Float[np.ndarray, "*shape"]:
    """By how much values exceed what they may be at most."""
    return np.maximum(values - high, 0.0)


def below(values: Float[np.ndarray, "*shape"], low: float = 0.0) -> Float[np.ndarray, "*shape"]:
    """By how much values fall short of what they must be at least."""
    return np.maximum(low - values, 0.0)
