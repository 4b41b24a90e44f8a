"""What dgeo's workers share: versions, and a problem's arrays placed on all devices."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from protocol import Unavailable, options, versions

VERSIONS = versions("dgeo", "jax", "jaxlib", "equinox", "numpy")


def spread(arrays: dict[str, np.ndarray]) -> dict[str, jax.Array]:
    """The second axis of each, its basins, in equal shares; the compiler splits all that follows along with them."""
    mesh = jax.make_mesh((jax.device_count(),), ("basin",), axis_types=(AxisType.Auto,))
    place = NamedSharding(mesh, PartitionSpec(None, "basin"))
    return {name: jax.device_put(value, place) for name, value in arrays.items()}


def notes() -> dict[str, str]:
    """Devices, and what becomes of denormal numbers."""
    halved = jax.jit(lambda x: x / 2)(jnp.asarray(np.finfo(np.float32).tiny))
    flushed = "kept" if halved > 0 else "flushed, which XLA does by itself"
    return {"devices": f"{jax.device_count()} × {jax.devices()[0].device_kind}", "denormals": flushed}


def require_gpu() -> None:
    """Raise `Unavailable` where the options want a GPU and there is none."""
    if options().get("gpu") and jax.default_backend() != "gpu":
        raise Unavailable("no GPU")
