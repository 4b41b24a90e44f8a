"""From a config to a checked dataset: read, add potential evapotranspiration, check, split."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import jax.numpy as jnp
import numpy as np
import xarray as xr

from dgeo import data, virtual
from dgeo.errors import DgeoError, nearest
from dgeo.hybrid import Statistics
from dgeo.nn.standardise import log_root
from dgeo.physics import evapotranspiration, net_radiation, solar
from dgeo.training.config import Config
from dgeo.training.data_config import DataConfig

PET = "potential_evapotranspiration"


def load_dataset(config: DataConfig) -> xr.Dataset:
    """The dataset a config asks for, in canonical names and units, with potential evapotranspiration and day length.

    Raises `DgeoError` where a folder, file, basin or variable is missing.
    """
    if config.streamed:
        return data.select(data.open_store(named(config)), config.basins)
    dataset = with_day_length(_read(config))
    if config.source != "virtual" and config.potential_evapotranspiration != "given":
        dataset = dataset.assign({PET: potential_evapotranspiration(dataset, config.potential_evapotranspiration)})
    if config.climate_years is not None:
        dataset = data.with_climate_of(dataset, config.climate_years)
    return dataset if config.random_attributes is None else data.without_meaning(dataset, config.random_attributes)


def with_day_length(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with the time between sunrise and sunset, where it has a latitude and does not bring it."""
    if "day_length" in dataset or "latitude" not in dataset.coords:
        return dataset
    day = jnp.asarray(dataset["time"].dt.dayofyear.values, jnp.float32)[:, None]
    latitude = jnp.asarray(dataset["latitude"].values, jnp.float32)[None]
    shape = (dataset.sizes["time"], dataset.sizes["basin"])
    seconds = solar.day_length(jnp.broadcast_to(latitude, shape), jnp.broadcast_to(day, shape))
    attributes = {"units": "s", "long_name": "time between sunrise and sunset"}
    return dataset.assign(day_length=(("time", "basin"), np.asarray(seconds), attributes))


def _read(config: DataConfig) -> xr.Dataset:
    if config.source == "virtual":
        world = virtual_world(config)
        dataset = virtual.some_products(world, config.products).dataset if config.products else world.dataset
        dataset = dataset.assign(virtual.also_observed(world, config.also_observed, config.noise, config.seed))
        return data.select(dataset, config.basins)
    if config.source == "camels_us":
        return data.read_prepared(config.folder(), config.basins)
    if config.source == "camels_us_text":
        given = (config.folder(), config.product, config.basins, config.quality, config.attributes)
        return data.read_text(*given)
    return data.select(data.from_xarray(data.read_netcdf(named(config)), config.rename, config.units), config.basins)


def named(config: DataConfig) -> Path:
    """The file or store of the data; raises `DgeoError` where the config names none."""
    if config.file is None:
        raise DgeoError(f"data.source is {config.source} but data.file is not set; name the file or store.")
    return config.file


def virtual_world(config: DataConfig) -> virtual.VirtualWorld:
    """The virtual basins of a config, with their truth."""
    return virtual.basins(
        config.count,
        config.years,
        config.seed,
        config.noise,
        config.gaps,
        physics=config.physics,
        hidden=config.hidden,
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
    known = config.model.output_names
    for name in (*config.outputs, *config.training.targets):
        if name not in known:
            raise DgeoError(f"The model has no output {name!r}; {nearest(name, known)}")
    for name in ("streamflow", next(iter(config.training.targets))):
        if name not in config.outputs:
            raise DgeoError(f"The key `outputs` leaves out {name}, which the scores are made of; add it.")


def checked(dataset: xr.Dataset, config: Config) -> xr.Dataset:
    """The part of a dataset that a run may use; meets bad data at the door.

    Raises `DgeoError` in one sentence for bad data, and where training could see what the test scores.
    """
    check_outputs(config)
    periods = [p for p in (config.split.train, config.split.validation, config.split.test) if p is not None]
    targets = tuple(config.training.targets)
    for period in periods:
        check_inputs(dataset, config, period, targets)
    _check_leakage(dataset, config)
    return after_gaps(dataset, config.model.needed_forcings, min(period[0] for period in periods))


def check_inputs(dataset: xr.Dataset, config: Config, period: data.Period, targets: tuple[str, ...] = ()) -> None:
    """Raise `DgeoError` where a period of a dataset is not fit for a config's model."""
    steps = np.diff(dataset["time"].values[:2])
    if len(steps) and steps[0] != np.timedelta64(1, "D"):
        hours = steps[0] / np.timedelta64(1, "h")
        raise DgeoError(
            f"The data have steps of {hours:g} hours, but runs from a config are daily: average them over days, or "
            "call `Hybrid` with dt from Python."
        )
    forcings, attributes = config.model.needed_forcings, config.model.needed_attributes
    data.check(dataset, forcings, attributes, period, targets, allow_missing_attributes=True)


def after_gaps(dataset: xr.Dataset, forcings: tuple[str, ...], start: str) -> xr.Dataset:
    """The dataset from the day after the last gap in any forcing before `start`, so that a spin-up meets none."""
    if not forcings:
        return dataset
    before = dataset[list(forcings)].sel(time=slice(None, np.datetime64(start) - np.timedelta64(1, "D")))
    gap = np.zeros(before.sizes["time"], bool)
    for block in data.blocks_of(before):
        gap |= np.any([~np.isfinite(block[name].values).all(axis=1) for name in forcings], axis=0)
    return dataset.isel(time=slice(int(np.flatnonzero(gap)[-1]) + 1, None)) if gap.any() else dataset


def _check_leakage(dataset: xr.Dataset, config: Config) -> None:
    split, unseen = config.split, unseen_basins(config)
    if split.years is not None:
        data.check_leakage(year_split(split.years))
    if unseen and config.model.per_basin:
        raise DgeoError(
            f"The split tests unseen basins, {unseen[0]} among them, but the model has numbers of each training "
            "basin's own (static.source: table, or a law with per_basin); use a network of attributes."
        )
    if unseen:
        data.check_leakage(data.BasinSplit(tuple(training_basins(dataset, config)), unseen))
    elif split.years is None:
        data.check_leakage(data.TemporalSplit(split.train, split.validation, split.test, split.validation is not None))


def unseen_basins(config: Config) -> tuple[str, ...]:
    """The basins that are tested but never trained on: those of the config, or of the split file it names."""
    return config.split.test_basins if config.split.basins is None else basin_split(config.split.basins).test


def basin_split(path: Path) -> data.BasinSplit:
    """The split of basins in a file; raises `DgeoError` where it holds another."""
    split = data.load_split(path)
    if not isinstance(split, data.BasinSplit):
        raise DgeoError(f"The file {path} holds no split of basins; save one of pub_folds or pur_folds.")
    return split


def year_split(path: Path) -> data.YearSplit:
    """The split of water years in a file; raises `DgeoError` where it holds another."""
    split = data.load_split(path)
    if not isinstance(split, data.YearSplit):
        raise DgeoError(f"The file {path} holds no split of water years; save one of extreme_years or ranked_years.")
    return split


def training_basins(dataset: xr.Dataset, config: Config) -> list[str]:
    """The basins that are trained on: those that a split file names, or all but the unseen ones."""
    known, unseen = [str(basin) for basin in dataset["basin"].values], unseen_basins(config)
    for basin in unseen:
        if basin not in known:
            raise DgeoError(f"The split tests basin {basin!r}, which the data lack: {nearest(basin, known)}")
    named = known if config.split.basins is None else basin_split(config.split.basins).train
    return [basin for basin in known if basin in set(named) - set(unseen)]


def in_years(
    dataset: xr.Dataset, config: Config, part: Literal["train", "test"], names: Sequence[str] | None = None
) -> xr.Dataset:
    """The dataset with series (targets by default) NaN outside the water years of a part of `split.years`, if any.

    Raises `DgeoError` for a store, whose series are not held.
    """
    if config.split.years is None:
        return dataset
    if config.data.streamed:
        raise DgeoError("split.years hides days of single basins, which a store cannot: load the data as netcdf.")
    split = year_split(config.split.years)
    seen = data.year_mask(getattr(split, part), dataset["time"].values, dataset["basin"].values)
    mask = xr.DataArray(seen, {name: dataset[name] for name in ("time", "basin")}, ("time", "basin"))
    return dataset.assign({name: dataset[name].where(mask) for name in names or config.training.targets})


def training_statistics(dataset: xr.Dataset, config: Config) -> Statistics:
    """Means and deviations of what the networks read, over training basins and days alone."""
    basins = training_basins(dataset, config)
    fused = config.model.fused.items()
    dataset = dataset.assign({name: dataset[products[0]] for name, products in fused if name not in dataset})
    names = (*config.model.network_attributes, *config.model.network_forcings)
    dataset = in_years(dataset, config, "train", config.model.network_forcings)
    return data.statistics(
        dataset, names, basins, config.split.train, dict.fromkeys(config.model.logarithmic, _log_root)
    )


def _log_root(values: np.ndarray) -> np.ndarray:
    return np.asarray(log_root(jnp.asarray(values)))
