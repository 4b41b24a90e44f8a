"""What dgeo's workers share: versions, and a problem's basins on all devices, each of which computes its own."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from protocol import Unavailable, options, versions

VERSIONS = versions("dgeo", "jax", "jaxlib", "equinox", "numpy")


BASINS = PartitionSpec(None, "basin")
"""Of an array whose second axis are basins."""


@cache
def mesh() -> jax.sharding.Mesh:
    """All devices in a row."""
    return jax.make_mesh((jax.device_count(),), ("basin",), axis_types=(AxisType.Auto,))


def spread(arrays: dict[str, np.ndarray]) -> dict[str, jax.Array]:
    """The second axis of each, its basins, in equal shares."""
    return {name: jax.device_put(value, NamedSharding(mesh(), BASINS)) for name, value in arrays.items()}


def on_each(function: Callable[..., Any], results: Any) -> Callable[..., Any]:
    """Compiled, on every device by itself for its basins, as dgeo's training and simulation do."""
    return jax.jit(jax.shard_map(function, mesh=mesh(), in_specs=BASINS, out_specs=results, check_vma=False))


def gradient_of(loss: Callable[..., jax.Array]) -> Callable[..., Any]:
    """The mean over devices of a loss, and its gradient in the first argument."""

    def own(first: Any, *data: Any) -> tuple[jax.Array, Any]:
        value, slope = jax.value_and_grad(lambda first: loss(first, *data) / jax.device_count())(first)
        return jax.lax.psum(value, "basin"), slope

    return on_each(own, (PartitionSpec(), BASINS))


def notes() -> dict[str, str]:
    """Devices, and what becomes of denormal numbers."""
    halved = jax.jit(lambda x: x / 2)(jnp.asarray(np.finfo(np.float32).tiny))
    flushed = "kept" if halved > 0 else "flushed, which XLA does by itself"
    return {"devices": f"{jax.device_count()} × {jax.devices()[0].device_kind}", "denormals": flushed}


def require_gpu() -> None:
    """Raise `Unavailable` where the options want a GPU and there is none."""
    if options().get("gpu") and jax.default_backend() != "gpu":
        raise Unavailable("no GPU")
