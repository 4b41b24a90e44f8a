"""A truth made by the black box itself: parameters that hang on attributes, and streamflow observed with noise.

Parameter p of a basin is

    z_p = 1.5·tanh(w_p·a) + scatter·ε,   θ_p = bounds(z_p)

    a   attributes, standardised over all basins
    w_p a unit vector, drawn for each parameter                          [1]
    ε   a standard normal number, drawn for each parameter and basin     [1]

so that attributes alone move a parameter through most of its bounds.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import xarray as xr

from dgeo.surrogate.black_box import BlackBox, Series
from dgeo.surrogate.runs import run_batches
from dgeo.virtual.observation import observe

SPREAD = 1.5  # σ(±1.5) is 18 and 82 % of the way through the bounds


@dataclass(frozen=True)
class Twin:
    """What a modeller sees, the true parameters [basin] and the black box's outputs without noise [time, basin]."""

    dataset: xr.Dataset
    parameters: Series
    outputs: Series


def make_twin(
    black_box: BlackBox, dataset: xr.Dataset, attributes: tuple[str, ...], noise: float, scatter: float, seed: int
) -> Twin:
    """The dataset with the streamflow of the black box at hidden parameters; the same for the same arguments."""
    parameters = hidden_parameters(black_box, dataset, attributes, scatter, seed)
    forcing = {name: dataset[name].values for name in black_box.interface.forcings}
    outputs, _ = run_batches(black_box, forcing, parameters)
    observed = observe(seed, outputs["runoff"], noise, 0.0)
    attrs = {"units": "mm d-1", "long_name": "streamflow"}
    return Twin(dataset.assign(streamflow=(("time", "basin"), observed, attrs)), parameters, outputs)


def hidden_parameters(
    black_box: BlackBox, dataset: xr.Dataset, attributes: tuple[str, ...], scatter: float, seed: int
) -> Series:
    """The parameters of every basin, within their bounds."""
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(b"twin")))
    columns = np.stack([np.asarray(dataset[name].values, np.float64) for name in attributes], axis=-1)
    deviation = columns.std(axis=0)
    standard = (columns - columns.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    found = {}
    for name, parameter in black_box.interface.parameters.items():
        weights = random.standard_normal(len(attributes))
        weights /= np.linalg.norm(weights)
        z = SPREAD * np.tanh(standard @ weights) + scatter * random.standard_normal(len(standard))
        found[name] = np.asarray(parameter.bounds.from_unbounded(jnp.asarray(z)), np.float64)
    return found
