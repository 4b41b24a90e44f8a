"""A Pallas kernel over trees of arrays, a block of sites at a time."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton


def on_blocks(
    kernel: Callable[..., None], block: int, interpret: bool, kinds: str, inputs: Any, out_kinds: str, like: Any
) -> Any:
    """Trees of outputs in the shapes of those in `like`, from `kernel(*inputs, *outputs)` on every block.

    A letter for every tree says what of it a kernel sees:

    - `s`, shared: all of it
    - `b`, [site, …]: its block
    - `t`, [time, site, …]: all times of its block
    - `p`, an output of any shape: a part of its own; the parts come back as [block, …]
    """
    blocks = jax.tree.leaves(like[out_kinds.rindex("b")])[0].shape[0] // block

    def shaped(kind: str, x: Any) -> Any:
        return jax.eval_shape(lambda: jnp.zeros((blocks, *x.shape) if kind == "p" else x.shape, x.dtype))

    def spec(kind: str, x: Any) -> pl.BlockSpec:
        moving = {"s": None, "p": 0, "b": 0, "t": 1}[kind]
        extent = None if kind == "p" else block
        shape = tuple(extent if axis == moving else size for axis, size in enumerate(x.shape))
        return pl.BlockSpec(shape, lambda i: tuple(i if axis == moving else 0 for axis in range(len(shape))))

    outputs = _mapped(shaped, out_kinds, like)
    return pl.pallas_call(
        kernel,
        grid=(blocks,),
        in_specs=_mapped(spec, kinds, inputs),
        out_specs=_mapped(spec, out_kinds, outputs),
        out_shape=outputs,
        interpret=interpret,
        # without these parameters Pallas takes Mosaic, whose arrays are multiples of 128 long
        compiler_params=None if interpret else triton.CompilerParams(),
    )(*inputs)


def _mapped(function: Callable[[str, Any], Any], kinds: str, trees: Sequence[Any]) -> list[Any]:
    return [jax.tree.map(partial(function, kind), tree) for kind, tree in zip(kinds, trees, strict=True)]


def read(refs: Any, t: Any = ...) -> Any:
    """The values of a tree of references; with `t`, those at one time."""
    return jax.tree.map(lambda ref: ref[t], refs)


def write(refs: Any, values: Any, t: Any = ...) -> None:
    """Put the values of a tree in place; with `t`, at one time."""

    def put(ref: Any, value: jax.Array) -> None:
        ref[t] = value

    jax.tree.map(put, refs, values)
