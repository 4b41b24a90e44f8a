"""From a config to a checked dataset: read, add potential evapotranspiration, check, split."""

from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import xarray as xr

from dgeo import data, virtual
from dgeo.errors import DgeoError, nearest
from dgeo.hybrid import Statistics
from dgeo.nn.standardise import log_root
from dgeo.physics import evapotranspiration, net_radiation, solar
from dgeo.training.arrays import needed_forcings
from dgeo.training.config import Config, DataConfig

PET = "potential_evapotranspiration"


def load_dataset(config: DataConfig) -> xr.Dataset:
    """The dataset a config asks for, in canonical names and units, with potential evapotranspiration.

    Raises `DgeoError` where a folder, file, basin or variable is missing.
    """
    dataset = _read(config)
    if config.source == "virtual" or config.potential_evapotranspiration == "given":
        return dataset
    return dataset.assign({PET: potential_evapotranspiration(dataset, config.potential_evapotranspiration)})


def _read(config: DataConfig) -> xr.Dataset:
    if config.source == "virtual":
        return data.select(virtual_world(config).dataset, config.basins)
    if config.source == "camels_us":
        return data.read_prepared(config.folder(), config.basins)
    if config.source == "camels_us_text":
        return data.read_text(config.folder(), config.product, config.basins)
    if config.file is None:
        raise DgeoError("data.source is netcdf but data.file is not set; name the NetCDF file.")
    return data.select(data.from_xarray(read_netcdf(config.file), config.rename), config.basins)


def read_netcdf(path: Path) -> xr.Dataset:
    """All of a NetCDF file; raises `DgeoError` where it is missing, damaged or of another kind."""
    try:
        with xr.open_dataset(data.existing(path, "data file"), engine="h5netcdf") as raw:
            return raw.load()
    except OSError as error:
        raise DgeoError(f"The data file {path} is damaged or no NetCDF-4 file ({error}); write it anew.") from error


def virtual_world(config: DataConfig) -> virtual.VirtualWorld:
    """The virtual basins of a config, with their truth."""
    return virtual.basins(
        count=config.count, years=config.years, noise=config.noise, gaps=config.gaps, seed=config.seed
    )


def potential_evapotranspiration(dataset: xr.Dataset, method: str) -> xr.DataArray:
    """Potential evapotranspiration [mm d-1] of every basin and day, by one of three formulas.

    Raises `DgeoError` where a variable that the formula needs is missing.
    """
    needed, formula = _METHODS[method]
    for name in needed:
        if name not in dataset.variables:
            hint = nearest(name, map(str, dataset.variables))
            raise DgeoError(f"The {method} formula needs {name!r}, which the data lack: {hint}")
    day = jnp.asarray(dataset["time"].dt.dayofyear.values, jnp.float32)[:, None]
    latitude = jnp.asarray(dataset["latitude"].values, jnp.float32)[None]
    shape = (dataset.sizes["time"], dataset.sizes["basin"])
    day, latitude = jnp.broadcast_to(day, shape), jnp.broadcast_to(latitude, shape)
    values = {name: _column(dataset[name], shape) for name in needed if name != "latitude"}
    attributes = {"units": "mm d-1", "long_name": f"potential evapotranspiration ({method})"}
    found = np.asarray(formula(values, latitude, day))
    return xr.DataArray(found, {name: dataset[name] for name in ("time", "basin")}, ("time", "basin"), attrs=attributes)


def _column(variable: xr.DataArray, shape: tuple[int, int]) -> jnp.ndarray:
    return jnp.broadcast_to(jnp.asarray(variable.values, jnp.float32), shape)


def _hargreaves(values: dict, latitude: jnp.ndarray, day: jnp.ndarray) -> jnp.ndarray:
    radiation = solar.extraterrestrial_radiation(latitude, day)
    return evapotranspiration.hargreaves(
        values["temperature"], values["temperature_min"], values["temperature_max"], radiation
    )


def _oudin(values: dict, latitude: jnp.ndarray, day: jnp.ndarray) -> jnp.ndarray:
    return evapotranspiration.oudin(values["temperature"], solar.extraterrestrial_radiation(latitude, day))


def _priestley_taylor(values: dict, latitude: jnp.ndarray, day: jnp.ndarray) -> jnp.ndarray:
    net = net_radiation.net_radiation(
        values["shortwave_radiation"],
        values["vapour_pressure"],
        values["temperature_min"],
        values["temperature_max"],
        solar.extraterrestrial_radiation(latitude, day),
        values["elev_mean"],
    )
    return evapotranspiration.priestley_taylor(values["temperature"], net, values["elev_mean"])


_TEMPERATURES = ("temperature", "temperature_min", "temperature_max")
_METHODS: dict[str, tuple[tuple[str, ...], Callable]] = {
    "hargreaves": (("latitude", *_TEMPERATURES), _hargreaves),
    "oudin": (("latitude", "temperature"), _oudin),
    "priestley_taylor": (
        ("latitude", *_TEMPERATURES, "shortwave_radiation", "vapour_pressure", "elev_mean"),
        _priestley_taylor,
    ),
}


def check_outputs(config: Config) -> None:
    """Raise `DgeoError` where a run asks the model for what it does not have, or leaves out what its scores need."""
    physics = config.model.physics.build()
    known = {"streamflow", *physics.fluxes, *physics.states}
    for name in (*config.outputs, *config.training.targets):
        if name not in known:
            raise DgeoError(f"The model has no output {name!r}; {nearest(name, known)}")
    for name in ("streamflow", next(iter(config.training.targets))):
        if name not in config.outputs:
            raise DgeoError(f"The key `outputs` leaves out {name}, which the scores are made of; add it.")


def check_dataset(dataset: xr.Dataset, config: Config) -> None:
    """Meet bad data at the door; raises `DgeoError` in one sentence."""
    check_outputs(config)
    forcings = needed_forcings(config.model)
    for period in (config.split.train, config.split.validation, config.split.test):
        if period is not None:
            data.check(
                dataset,
                forcings,
                config.model.attributes,
                period,
                tuple(config.training.targets),
                allow_missing_attributes=True,
            )
    inside = config.split.validation is not None
    data.check_leakage(data.TemporalSplit(config.split.train, config.split.validation, config.split.test, inside))


def training_basins(dataset: xr.Dataset, config: Config) -> list[str]:
    """The basins that are trained on: all but `split.test_basins`."""
    known = [str(basin) for basin in dataset["basin"].values]
    for basin in config.split.test_basins:
        if basin not in known:
            raise DgeoError(f"split.test_basins names {basin!r}, which the data lack: {nearest(basin, known)}")
    return [basin for basin in known if basin not in config.split.test_basins]


def training_statistics(dataset: xr.Dataset, config: Config) -> Statistics:
    """Means and deviations of what the networks read, over training basins and days alone."""
    basins = training_basins(dataset, config)
    dynamic = config.model.dynamic
    forcings = () if dynamic is None else dynamic.forcings
    for name in () if dynamic is None else dynamic.logarithmic:
        dataset = dataset.assign(
            {name: dataset[name].copy(data=np.asarray(log_root(jnp.asarray(dataset[name].values))))}
        )
    return data.statistics(dataset, (*config.model.attributes, *forcings), basins, config.split.train)
