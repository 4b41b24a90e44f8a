"""All devices at work: the members of a group and the basins of a batch are spread over them, the data are on each.

Members (seeds, folds, settings) do not know each other, and sites do not talk to each other, so devices meet only
where the loss and its gradient are summed over sites. The order of that sum depends on the number of devices: a run is
bit for bit the same on the same number, and equal to rounding on another.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

MEMBER, SITE = "member", "site"


def use_all_cores() -> None:
    """Let every CPU core be a device, unless JAX_NUM_CPU_DEVICES is set.

    For programs, before their first computation.
    """
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        jax.config.update("jax_num_cpu_devices", cores())


def cores() -> int:
    """How many CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def split(devices: int, members: int, batch: int) -> tuple[int, int]:
    """Over how many devices the members and the sites of a batch are spread, each evenly: as many as can be used.

    Members come first, since they never wait for each other.
    """
    choices = [(m, s) for m in range(1, devices + 1) for s in range(1, devices // m + 1)]
    even = [(m, s) for m, s in choices if members % m == 0 and batch % s == 0]
    return max(even, key=lambda choice: (choice[0] * choice[1], choice[0]))


class Devices:
    """The devices of all processes that a batch and a group of members fill evenly, as a mesh (member, site)."""

    def __init__(self, batch: int, members: int, available: Sequence[jax.Device]) -> None:
        """Line them up."""
        self.shape = split(len(available), members, batch)
        self.share = batch // self.shape[1]
        used = np.asarray(available[: self.shape[0] * self.shape[1]]).reshape(self.shape)
        self.mesh = jax.sharding.Mesh(used, (MEMBER, SITE), axis_types=(AxisType.Auto,) * 2)

    @property
    def count(self) -> int:
        """How many they are."""
        return self.mesh.size

    @property
    def scattered(self) -> bool:
        """Whether the members lie in several processes, which must all help to fetch them."""
        return self.shape[0] > 1 and jax.process_count() > 1

    def each(self, function: Callable[..., Any], *by_member: Any) -> Callable[..., Any]:
        """`function` on every device by itself, for its members.

        `by_member` says for each argument, or each leaf of it, whether it has a member axis; all results have one.
        Nothing is waited for within it but what it asks for (`summed`): loops end on each device by themselves.
        """
        specs = jax.tree.map(lambda own: PartitionSpec(MEMBER) if own else PartitionSpec(), by_member)
        return jax.shard_map(function, mesh=self.mesh, in_specs=specs, out_specs=PartitionSpec(MEMBER), check_vma=False)

    def own(self, batch: jax.Array) -> jax.Array:
        """Within `each`: this device's share of the sites."""
        return jax.lax.dynamic_slice_in_dim(batch, jax.lax.axis_index(SITE) * self.share, self.share)

    def placed(self, tree: Any, by_member: Any) -> Any:
        """On every device; leaves with a member axis, with its own members alone. Every process gives the same."""
        return jax.tree.map(self._placed, tree, by_member)

    def _placed(self, leaf: Any, own: bool) -> jax.Array:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(self._placed(jax.random.key_data(leaf), own))
        sharding = NamedSharding(self.mesh, PartitionSpec(MEMBER) if own else PartitionSpec())
        if jax.process_count() == 1:
            return jax.device_put(leaf, sharding)
        values = np.asarray(leaf)
        return jax.make_array_from_callback(values.shape, sharding, lambda part: values[part])

    def fetched(self, tree: Any) -> Any:
        """Plain arrays, with the members of all devices and processes."""
        if self.scattered:
            tree = jax.jit(lambda tree: tree, out_shardings=NamedSharding(self.mesh, PartitionSpec()))(tree)
        return jax.tree.map(np.asarray, tree)


def summed(tree: Any) -> Any:
    """Within `Devices.each`: the sum over the devices that share a batch."""
    return jax.lax.psum(tree, SITE)
