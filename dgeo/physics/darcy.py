"""Groundwater flow between the cells of a grid, by Darcy's law over the depth of an aquifer.

    q = K̄·b̄·(w/d)·(h₁ − h₂)         K̄ = 2·K₁·K₂/(K₁ + K₂),   b̄ = (b₁ + b₂)/2

| symbol | name | unit |
|---|---|---|
| q | flow through a face | m³ d⁻¹ |
| K, K̄ | hydraulic conductivity of a cell, and of a face (layers in series) | m d⁻¹ |
| b, b̄ | thickness of the water-bearing layer | m |
| h | head | m |
| w, d | width of the face, distance of the cells' centres | m |

Over a level bottom, where b is h less a constant, q = K̄·(w/d)·(b₁² − b₂²)/2: Dupuit's parabola is exact on any
grid.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import positive_part

Cells = Float[Array, "y x"]
Faces = tuple[Float[Array, "y columns"], Float[Array, "rows x"]]
Scalar = Float[Array, ""]


def harmonic(first: Float[Array, "*shape"], second: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """2ab/(a + b), and 0 where either is 0; a negative one counts as 0."""
    a, b = positive_part(first), positive_part(second)
    return 2 * a * b / (a + b + 1e-30)


def conductances(conductivity: Cells, thickness: Cells, width: Scalar, depth: Scalar) -> Faces:
    """K̄·b̄·(w/d) of the faces between columns [y, x−1] and between rows [y−1, x]; cells are `width` by `depth`."""
    k, b = conductivity, thickness
    columns = harmonic(k[:, 1:], k[:, :-1]) * (b[:, 1:] + b[:, :-1]) / 2 * (depth / width)
    rows = harmonic(k[1:], k[:-1]) * (b[1:] + b[:-1]) / 2 * (width / depth)
    return columns, rows


def net_inflow(head: Cells, faces: Faces) -> Cells:
    """What flows into every cell from its neighbours [m³ d⁻¹]; nothing crosses the grid's edge."""
    columns, rows = faces
    right, down = columns * (head[:, :-1] - head[:, 1:]), rows * (head[:-1] - head[1:])
    return -jnp.diff(jnp.pad(right, ((0, 0), (1, 1))), axis=1) - jnp.diff(jnp.pad(down, ((1, 1), (0, 0))), axis=0)


def sum_of_faces(faces: Faces) -> Cells:
    """The sum over the faces of every cell: the diagonal of the matrix of `net_inflow`."""
    columns, rows = (jnp.pad(x, pad) for x, pad in zip(faces, (((0, 0), (1, 1)), ((1, 1), (0, 0))), strict=True))
    return columns[:, :-1] + columns[:, 1:] + rows[:-1] + rows[1:]
