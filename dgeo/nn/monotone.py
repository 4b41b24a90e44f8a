"""A small network that rises, or falls, in some of its inputs for any weights.

    f ← tanh(A·f + a)                  free stream, from the free inputs
    m ← tanh(|B|·m + C·f + c)          rising stream, from the monotone inputs (a falling one with its sign turned)
    z = |u|·m + v·f + d

f does not see the monotone inputs and every weight on their way to z is non-negative, so ∂z/∂x ≥ 0 in each of them,
everywhere. A bounded unit makes the stream able to bend both ways: with rectified units it could only be convex.
Without monotone inputs this is the ordinary perceptron with tanh. Networks of positive weights: Daniels & Velikova
(2010), doi:10.1109/TNN.2010.2044803.

Inputs come one by one.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

Parts = tuple[Array, ...]


class PartiallyMonotone(eqx.Module):
    """Numbers x₁ … xₙ → one number, or an array of `outputs`."""

    free: tuple["_Layer", ...]
    rising: tuple["_Layer", ...]
    output: "_Layer"
    signs: tuple[int, ...] = eqx.field(static=True)

    @classmethod
    def create(
        cls,
        signs: Sequence[int],
        outputs: int | None = None,
        *,
        width: int,
        depth: int,
        key: PRNGKeyArray,
    ) -> "PartiallyMonotone":
        """Random weights; `signs` has 1 for an input in which the network rises, −1 where it falls, 0 where it is free.

        `outputs` is the length of the output; None makes it one number. Raises `ValueError` without a hidden layer.
        """
        if depth < 1:
            raise ValueError(f"A network of depth {depth} has no hidden layer; give 1 or more.")
        frees, risings = sum(s == 0 for s in signs), sum(s != 0 for s in signs)
        free, rising, last = jax.random.split(key, 3)
        return cls(
            _stack(frees, 0, width, depth, free) if frees else (),
            _stack(frees, risings, width, depth, rising) if risings else (),
            _layer(() if outputs is None else (outputs,), (width,), min(frees, 1), min(risings, 1), last),
            tuple(signs),
        )

    def __call__(self, inputs: Sequence[Array] | Float[Array, " input"]) -> Array:
        """The output, a scalar or [output]."""
        free: Parts = tuple(x for x, sign in zip(inputs, self.signs, strict=True) if sign == 0)
        rising: Parts = tuple(sign * x for x, sign in zip(inputs, self.signs, strict=True) if sign != 0)
        for level in range(max(len(self.free), len(self.rising))):
            above = tuple(jnp.tanh(layer(free, rising)) for layer in self.rising[level : level + 1])
            free = tuple(jnp.tanh(layer(free, ())) for layer in self.free[level : level + 1])
            rising = above
        return self.output(free, rising)


class _Layer(eqx.Module):
    """bias + Σ weight·free + Σ |weight|·rising."""

    free: Parts
    rising: Parts
    bias: Array

    def __call__(self, free: Parts, rising: Parts) -> Array:
        total = self.bias
        for weight, part in zip(self.free, free, strict=True):
            total = total + _product(weight, part)
        for weight, part in zip(self.rising, rising, strict=True):
            total = total + _product(jnp.abs(weight), part)
        return total


def _product(weight: Array, part: Array) -> Array:
    """weight·part: of a vector and a number, of two vectors, or of a matrix and a vector."""
    return weight * part if part.ndim == 0 else weight @ part


def _stack(frees: int, risings: int, width: int, depth: int, key: PRNGKeyArray) -> tuple[_Layer, ...]:
    """The hidden layers of one stream: the first reads the inputs, the others what stands before them."""
    first, *others = jax.random.split(key, depth)
    above = (_layer((width,), (width,), min(frees, 1), min(risings, 1), k) for k in others)
    return _layer((width,), (), frees, risings, first), *above


def _layer(units: tuple[int, ...], fan: tuple[int, ...], frees: int, risings: int, key: PRNGKeyArray) -> _Layer:
    """Free weights keep the variance of what they read; rising ones, all of one sign, keep its mean."""
    keys = jax.random.split(key, 3)
    summed = fan[0] if fan else 1
    free = jax.random.normal(keys[0], (frees, *units, *fan)) / (max(frees, 1) * summed) ** 0.5
    rising = jax.random.uniform(keys[1], (risings, *units, *fan), maxval=4.0) / (max(risings, 1) * summed)
    # biases apart put the units of a rising layer at different places along their input
    bias = jax.random.normal(keys[2], units) if risings and units else jnp.zeros(units)
    return _Layer(tuple(free), tuple(rising), bias)
