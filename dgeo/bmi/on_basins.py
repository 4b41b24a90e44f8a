"""The grid of the Basic Model Interface: basins are nodes of one grid, at their longitude and latitude if known."""

import numpy as np

from dgeo.errors import DgeoError
from dgeo.training.application import Application

try:
    from bmipy import Bmi
except ImportError as error:
    raise DgeoError("The Basic Model Interface needs the package bmipy: pip install dgeo[bmi].") from error

GRID = 0


class OnBasins(Bmi):
    """What the interface asks about grids, of a run's basins: nodes without edges."""

    _application: Application

    def get_grid_rank(self, grid: int) -> int:
        """Longitude and latitude; without these, the basins are in a row."""
        return 2 if self._placed else 1

    def get_grid_size(self, grid: int) -> int:
        """The number of basins."""
        return len(self._application.basins)

    def get_grid_type(self, grid: int) -> str:
        """Nodes without a pattern."""
        return "unstructured" if self._placed else "vector"

    def get_grid_x(self, grid: int, x: np.ndarray) -> np.ndarray:
        """Longitude [degrees_east], or the place in the row."""
        x[:] = self._application.dataset["longitude"].values if self._placed else np.arange(self.get_grid_size(grid))
        return x

    def get_grid_y(self, grid: int, y: np.ndarray) -> np.ndarray:
        """Latitude [degrees_north]."""
        if not self._placed:
            raise self._without("y")
        y[:] = self._application.dataset["latitude"].values
        return y

    def get_grid_node_count(self, grid: int) -> int:
        """The number of basins."""
        return self.get_grid_size(grid)

    def get_grid_edge_count(self, grid: int) -> int:
        """None."""
        return 0

    def get_grid_face_count(self, grid: int) -> int:
        """None."""
        return 0

    def get_grid_edge_nodes(self, grid: int, edge_nodes: np.ndarray) -> np.ndarray:
        """There are no edges."""
        return edge_nodes

    def get_grid_face_edges(self, grid: int, face_edges: np.ndarray) -> np.ndarray:
        """There are no faces."""
        return face_edges

    def get_grid_face_nodes(self, grid: int, face_nodes: np.ndarray) -> np.ndarray:
        """There are no faces."""
        return face_nodes

    def get_grid_nodes_per_face(self, grid: int, nodes_per_face: np.ndarray) -> np.ndarray:
        """There are no faces."""
        return nodes_per_face

    def get_grid_shape(self, grid: int, shape: np.ndarray) -> np.ndarray:
        """Of a row, its length."""
        if self._placed:
            raise self._without("shape")
        shape[:] = self.get_grid_size(grid)
        return shape

    def get_grid_spacing(self, grid: int, spacing: np.ndarray) -> np.ndarray:
        """Basins have none."""
        raise self._without("spacing")

    def get_grid_origin(self, grid: int, origin: np.ndarray) -> np.ndarray:
        """Basins have none."""
        raise self._without("origin")

    def get_grid_z(self, grid: int, z: np.ndarray) -> np.ndarray:
        """Basins have none."""
        raise self._without("z")

    @property
    def _placed(self) -> bool:
        return {"longitude", "latitude"} <= set(self._application.dataset.coords)

    def _without(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"A grid of type {self.get_grid_type(GRID)} has no {what}.")
