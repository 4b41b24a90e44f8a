"""All devices at work: the basins of a batch are spread over them, weights and data are on each.

Sites do not talk to each other, so the devices meet only where the loss and its gradient are summed. The order of
that sum depends on the number of devices: a run is bit for bit the same on the same number.
"""

import os
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec


def use_all_cores() -> None:
    """Let every CPU core be a device, unless JAX_NUM_CPU_DEVICES is set.

    For programs, before their first computation.
    """
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        jax.config.update("jax_num_cpu_devices", cores)


class Devices:
    """As many devices as divide a batch evenly."""

    def __init__(self, batch: int) -> None:
        """Line them up along one axis, the sites."""
        available = jax.devices()
        count = max(n for n in range(1, len(available) + 1) if batch % n == 0)
        self.mesh = jax.make_mesh((count,), ("site",), axis_types=(AxisType.Auto,), devices=available[:count])

    @property
    def count(self) -> int:
        """How many they are."""
        return self.mesh.size

    def replicated(self, tree: Any) -> Any:
        """A copy on every device."""
        return eqx.filter_shard(tree, NamedSharding(self.mesh, PartitionSpec()))

    def each(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function(shared, own)` on every device by itself: all of `shared`, and its part of the arrays [site] `own`.

        The outputs [site] are put together again. Nothing is waited for within the function: loops end on each device
        by themselves, and the gradient in `shared` is summed over devices once, after all times. (Left to the compiler,
        devices would meet in every step of a loop that has a weight or a condition in it.)
        """
        shares = (PartitionSpec(), PartitionSpec("site"))
        return jax.shard_map(
            function, mesh=self.mesh, in_specs=shares, out_specs=PartitionSpec("site"), check_vma=False
        )

    def gathered(self, tree: Any) -> Any:
        """On the first device alone, where long simulations run."""
        return jax.tree.map(lambda leaf: jax.device_put(leaf, self.mesh.devices.flat[0]), tree)
