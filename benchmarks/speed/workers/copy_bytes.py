"""A copy of so many bytes, each read or written once: what the memory of the device can do. Options: `bytes`, `gpu`."""

import jax
import jax.numpy as jnp
from dgeo_side import VERSIONS, notes, require_gpu
from protocol import Implementation, options, serve

FLOAT = 4  # bytes


def prepare() -> Implementation:
    require_gpu()
    numbers = jnp.zeros(options()["bytes"] // (2 * FLOAT), jnp.float32)
    copied = jax.jit(lambda x: x + 1)
    works = {"gradient": lambda: jax.block_until_ready(copied(numbers))}
    return Implementation(works, dict, VERSIONS, {**notes(), "bytes": str(options()["bytes"])})


if __name__ == "__main__":
    serve(prepare)
