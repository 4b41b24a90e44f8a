"""Linear probes: whether a network without physics knows a variable that no one showed it.

A ridge regression reads the variable from the memory of the network, its cells, on the days of the training; what it
says on the days of the test is scored. The same from the cells of an untrained network shows how much of that any
random memory of the forcings gives. After Lees et al. (2022), doi:10.5194/hess-26-3079-2022.
"""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from dgeo.hybrid import Inputs, RegressionNetwork
from dgeo.training import Config
from dgeo.training.arrays import day_mask
from dgeo.training.evaluate import inputs_of

RIDGE = 1e-3  # of the number of days
DAYS = 20_000  # that are fitted to

Cells = Float[np.ndarray, "time basin cell"]


@eqx.filter_jit
def _cells(model: RegressionNetwork, inputs: Inputs) -> Float[Array, "time site cell"]:
    series, site = model.forcings(inputs.forcing), model.attributes(inputs.attributes)

    def step(memory: Any, day: Array) -> tuple[Any, Array]:
        _, after = model.network(day[None], site, memory)
        return after, after[1]

    return jax.lax.scan(step, model.initial_memory(inputs.sites), series)[1]


def probed(
    model: RegressionNetwork, config: Config, dataset: xr.Dataset, truth: xr.Dataset, names: Sequence[str]
) -> xr.Dataset:
    """Each variable as a probe reads it on the days of the test, fitted to the truth of the training days."""
    cells = np.asarray(_cells(model, inputs_of(config, dataset)), np.float64)
    trained, tested = (day_mask(dataset, period) for period in (config.split.train, config.split.test))
    days = dataset.isel(time=tested)
    read = {}
    for name in names:
        target = truth[name].sel(time=dataset["time"], basin=dataset["basin"]).transpose("time", "basin").values
        read[name] = (("time", "basin"), fitted(cells[trained], target[trained])(cells[tested]))
    return xr.Dataset(read, {"time": days["time"], "basin": days["basin"]})


class fitted:
    """A ridge regression from cells to a variable, called with other cells."""

    def __init__(self, cells: Cells, target: Float[np.ndarray, "time basin"]) -> None:
        rows, values = cells.reshape(-1, cells.shape[-1]), target.reshape(-1).astype(np.float64)
        step = max(len(values) // DAYS, 1)
        rows, values = rows[::step], values[::step]
        self.mean, self.level = rows.mean(axis=0), values.mean()
        apart = rows - self.mean
        self.scale = np.maximum(apart.std(axis=0), 1e-9)
        apart = apart / self.scale
        penalty = RIDGE * len(values) * np.eye(apart.shape[1])
        self.weights = np.linalg.solve(apart.T @ apart + penalty, apart.T @ (values - self.level))

    def __call__(self, cells: Cells) -> Float[np.ndarray, "time basin"]:
        """The variable of these cells."""
        return (cells - self.mean) / self.scale @ self.weights + self.level
