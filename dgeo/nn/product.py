"""Products of rows and matrices, whose operands may be rounded to bfloat16, as matrix units take them.

Sums stay in single precision. bfloat16 has the exponent of float32 and 8 significant bits, a relative rounding of 2⁻⁹.
Reference: Kalamkar et al. (2019), arXiv:1905.12322.
"""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Precision = Literal["float32", "bfloat16"]


def product(
    left: Float[Array, "*rows inner"], right: Float[Array, "inner column"], precision: Precision
) -> Float[Array, "*rows column"]:
    """left·right, in the precision of the operands, or with these rounded to bfloat16.

    The two products of the gradient are rounded likewise, which leaves the rounded product without forward mode.
    """
    return left @ right if precision == "float32" else _rounded_product(left, right)


def linear(
    layer: eqx.nn.Linear, rows: Float[Array, "*rows inner"], precision: Precision = "float32"
) -> Float[Array, "*rows column"]:
    """The layer of all rows as one product.

    Mapped over rows and then over time, a layer says the same, but its gradient moves whole series about in memory.
    """
    columns = product(rows, layer.weight.T, precision)
    return columns if layer.bias is None else columns + jnp.expand_dims(layer.bias, range(columns.ndim - 1))


@jax.custom_vjp
def _rounded_product(left: Array, right: Array) -> Array:
    return _summed(_rounded(left), _rounded(right), left)


def _forward(left: Array, right: Array) -> tuple[Array, tuple[Array, Array]]:
    return _rounded_product(left, right), (left, right)


def _backward(operands: tuple[Array, Array], slope: Array) -> tuple[Array, Array]:
    left, right = operands
    rounded = _rounded(slope)
    rows = tuple(range(left.ndim - 1))
    of_right = jnp.tensordot(_rounded(left), rounded, (rows, rows), preferred_element_type=right.dtype)
    return _summed(rounded, _rounded(right).T, left), of_right


_rounded_product.defvjp(_forward, _backward)


def _rounded(x: Array) -> Array:
    if jax.default_backend() == "cpu":  # few of its products take bfloat16; of rounded float32 they are the same
        return jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=7)
    return x.astype(jnp.bfloat16)


def _summed(left: Array, right: Array, like: Array) -> Array:
    return jnp.matmul(left, right, preferred_element_type=like.dtype)
