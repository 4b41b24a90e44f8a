"""How arrays lie in a kernel: number by number, a block of sites and all their components at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from dgeo.engine.numbers import Numbers, objects


@dataclass(frozen=True)
class Grid:
    """Lanes of a kernel: `block` sites × `width` components a block. The last site and component are copied to fill."""

    sites: int
    components: int | None
    block: int
    width: int

    @classmethod
    def of(cls, sites: int, components: int | None, lanes: int) -> "Grid":
        """Blocks of at least so many lanes, of extents that are powers of two."""
        width = 1 << ((components or 1) - 1).bit_length()
        return cls(sites, components, max(1, lanes // width), width)

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return -(-self.sites // self.block)

    @property
    def lanes(self) -> tuple[int, int]:
        """The shape of a number in a block."""
        return self.block, self.width


@dataclass(frozen=True)
class Field:
    """An array of a kernel: shared by all, of each site, or of each lane; of every time or of none; of what `shape`.

    Outside it is [time, site, component, *shape] without the axes that it has not, inside [number, time, site,
    component] with one component for `site`, and [number] for `shared`.
    """

    of: Literal["shared", "site", "lane"]
    times: int | None
    shape: tuple[int, ...]
    dtype: Any

    @property
    def size(self) -> int:
        """How many numbers the shape holds."""
        return prod(self.shape)

    def laid(self, x: jax.Array, grid: Grid) -> jax.Array:
        """The array as it lies inside, filled up with copies."""
        if self.of == "shared":
            return x.reshape(-1)
        if self.of == "site" or grid.components is None:
            x = jnp.expand_dims(x, 1 if self.times is None else 2)
        lead = x.ndim - len(self.shape)
        x = jnp.moveaxis(x.reshape(*x.shape[:lead], self.size), -1, 0)
        across = 0 if self.of == "site" else grid.width - x.shape[-1]
        fill = [(0, 0)] * (x.ndim - 2) + [(0, grid.block * grid.blocks - grid.sites), (0, across)]
        return jnp.pad(x, fill, mode="edge") if any(after for _, after in fill) else x

    def unlaid(self, x: jax.Array, grid: Grid) -> jax.Array:
        """The array as it is outside; only of lanes."""
        x = jnp.moveaxis(x[..., : grid.sites, : grid.components or 1], 0, -1)
        x = x.reshape(*x.shape[:-1], *self.shape)
        return x if grid.components is not None else jnp.squeeze(x, 1 if self.times is None else 2)

    def inside(self, grid: Grid, parts: bool = False) -> jax.ShapeDtypeStruct:
        """What lies inside; with `parts`, what is shared is there once a block."""
        if self.of == "shared":
            return jax.ShapeDtypeStruct((grid.blocks, self.size) if parts else (self.size,), self.dtype)
        time = () if self.times is None else (self.times,)
        width = 1 if self.of == "site" else grid.width
        return jax.ShapeDtypeStruct((self.size, *time, grid.block * grid.blocks, width), self.dtype)

    def spec(self, grid: Grid, parts: bool = False) -> pl.BlockSpec:
        """What of it a block sees."""
        shape = list(self.inside(grid, parts).shape)
        moving = -1
        if self.of != "shared":
            moving = len(shape) - 2
        elif parts:
            moving = 0
        extents = [(None if self.of == "shared" else grid.block) if i == moving else n for i, n in enumerate(shape)]
        return pl.BlockSpec(tuple(extents), lambda i: tuple(i if axis == moving else 0 for axis in range(len(shape))))

    def read(self, ref: Any, grid: Grid, t: Any = None) -> Numbers:
        """Its numbers, at a time if it has times, each in all lanes."""
        place = () if t is None else (t,)
        return objects([jnp.broadcast_to(ref[(k, *place)], grid.lanes) for k in range(self.size)], self.shape)

    def write(self, ref: Any, numbers: Sequence[jax.Array], t: Any = None) -> None:
        """Put its numbers in place; those of a site are the sum over its components."""
        for k, number in enumerate(numbers):
            ref[(k,) if t is None else (k, t)] = self.summed(number)

    def summed(self, number: jax.Array) -> jax.Array:
        """A derivative in every lane as the derivative of what the lanes have in common."""
        if self.of == "shared":
            return jnp.sum(number) if number.ndim else number
        return jnp.sum(number, axis=1)[:, None] if self.of == "site" else number


def on_blocks(
    kernel: Callable[..., None],
    grid: Grid,
    interpret: bool,
    inputs: Sequence[tuple[Field, jax.Array]],
    outputs: Sequence[Field],
) -> list[jax.Array]:
    """The outputs of `kernel(*inputs, *outputs)` on every block, as they lie inside; what is shared, in parts."""
    warps = max(1, prod(grid.lanes) // 32)
    found = pl.pallas_call(
        kernel,
        grid=(grid.blocks,),
        in_specs=[field.spec(grid) for field, _ in inputs],
        out_specs=[field.spec(grid, parts=True) for field in outputs],
        out_shape=[field.inside(grid, parts=True) for field in outputs],
        interpret=interpret,
        # a thread for every lane: each reads back what it wrote itself; and Pallas would take Mosaic without these
        compiler_params=None if interpret else triton.CompilerParams(num_warps=min(warps, 32)),
    )(*(x for _, x in inputs))
    return list(found)
