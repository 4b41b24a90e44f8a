"""Virtual basins: a deterministic world of which everything is known.

A basin draws a place and a climate, daily weather, land that fits both, and parameters that hang on its
attributes by a hidden relation; the truth then runs on parts of a day and under a hidden law. Climate
attributes are those of the ten years before the record, so that no day of the record leaks into them; the
stores are spun up on the last of these years.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import xarray as xr

from dgeo.errors import DgeoError, nearest
from dgeo.models import Law, Model
from dgeo.virtual.attributes import climate_attributes, land_attributes
from dgeo.virtual.climates import sample_climates
from dgeo.virtual.observation import observe
from dgeo.virtual.packing import pack_dataset, pack_truth
from dgeo.virtual.physics import true_physics
from dgeo.virtual.relations import true_parameters
from dgeo.virtual.truth import simulate_truth
from dgeo.virtual.weather import day_of_year, generate_weather

CLIMATE_YEARS = 10
SPIN_UP_YEARS = 3


@dataclass(frozen=True)
class VirtualWorld:
    """What a modeller sees, and what is true.

    - `dataset`: forcings and observed streamflow [time, basin], attributes and coordinates [basin];
    - `truth`: streamflow without noise, every flux and store [time, basin], the true parameters [basin];
    - `physics`: the model of the truth, with its hidden laws.
    """

    dataset: xr.Dataset
    truth: xr.Dataset
    physics: Model


def basins(
    count: int = 120,
    years: int = 9,
    seed: int = 0,
    noise: float = 0.2,
    gaps: float = 0.0,
    *,
    scatter: float = 0.15,
    physics: str = "hbv",
    hidden: Sequence[str] | None = None,
    laws: Mapping[str, Law] | None = None,
    parts: int = 8,
    first_year: int = 2000,
) -> VirtualWorld:
    """A virtual world, the same for the same arguments.

    **Arguments**

    - `count`, `years`: basins, and water years of record from 1 October of `first_year`. More of either
      leaves what was there as it was.
    - `noise`: standard deviation of observed streamflow, as a share of the true. `gaps`: share of days
      without observation.
    - `scatter`: standard deviation of what attributes do not explain in the parameters, before their bounds
      are applied.
    - `physics`: the model of the truth: HBV 1.0, or another of `dgeo.models` in continuous time.
    - `hidden`: the slots in which it has a law of `dgeo.virtual.laws`: HBV's evaporation by default, no slot of
      other models.
    - `laws`: any other laws of the truth by slot; if given, `hidden` is empty by default, and `{}` is the textbook.
    - `parts`: steps a day of the truth.

    **Raises** `DgeoError` for a size, share or deviation that is none, a model that cannot run on parts of a day, and
    a law that there is not.
    """
    _check(count, years, seed, noise, gaps, scatter, parts)
    model = true_physics(physics, hidden, laws)
    time = _days(first_year - CLIMATE_YEARS, first_year + years)
    record = time >= np.datetime64(f"{first_year}-10-01")
    regions, climate = sample_climates(seed, count)
    weather = generate_weather(seed, climate, time)
    attributes = climate_attributes({name: series[~record] for name, series in weather.items()}, time[~record])
    attributes |= land_attributes(seed, climate["elevation"], attributes["aridity"])
    parameters = true_parameters(seed, attributes, model, scatter)
    truth = _truth(model, weather, climate["latitude"], parameters, time, first_year, parts)
    observed = observe(seed, truth["streamflow"], noise, gaps)
    series = {name: values[record] for name, values in weather.items()} | {"streamflow": observed}
    dataset = pack_dataset(time[record], regions, climate, series, attributes)
    return VirtualWorld(dataset, pack_truth(dataset, model, truth, parameters), model)


def also_observed(
    world: VirtualWorld, gaps: Mapping[str, float], noise: float = 0.2, seed: int = 0
) -> dict[str, xr.DataArray]:
    """Observations of hidden fluxes or stores, as noisy as those of streamflow, with a share of gaps for each.

    Raises `DgeoError` for a variable that the truth does not have.
    """
    for name in gaps:
        if name not in world.truth:
            raise DgeoError(f"The truth has no {name!r} to observe; {nearest(name, map(str, world.truth.data_vars))}")
    truth = {name: world.truth[name].transpose("time", "basin") for name in gaps}
    return {
        name: series.copy(data=observe(seed, series.values, noise, gaps[name], name)) for name, series in truth.items()
    }


def _days(first_year: int, last_year: int) -> np.ndarray:
    return np.arange(f"{first_year}-10-01", f"{last_year}-10-01", dtype="datetime64[D]")


def _truth(
    physics: Model,
    weather: dict[str, np.ndarray],
    latitude: np.ndarray,
    parameters: dict[str, np.ndarray],
    time: np.ndarray,
    first_year: int,
    parts: int,
) -> dict[str, np.ndarray]:
    """Daily truth over the record, after the spin-up."""
    simulated = time >= np.datetime64(f"{first_year - SPIN_UP_YEARS}-10-01")
    recorded = time[simulated] >= np.datetime64(f"{first_year}-10-01")
    daily = {name: jnp.asarray(series[simulated]) for name, series in weather.items()}
    outputs = simulate_truth(
        physics,
        daily,
        jnp.asarray(latitude, jnp.float32),
        jnp.asarray(day_of_year(time[simulated]), jnp.float32),
        {name: jnp.asarray(value) for name, value in parameters.items()},
        parts,
    )
    return {name: np.asarray(series)[recorded] for name, series in outputs.items()}


def _check(count: int, years: int, seed: int, noise: float, gaps: float, scatter: float, parts: int) -> None:
    for name, value, low, high in (
        ("count", count, 1, np.inf),
        ("years", years, 1, np.inf),
        ("seed", seed, 0, np.inf),
        ("noise", noise, 0, np.inf),
        ("gaps", gaps, 0, 0.99),
        ("scatter", scatter, 0, np.inf),
        ("parts", parts, 2, 1440),
    ):
        if not low <= value <= high:
            raise DgeoError(f"Virtual basins cannot have {name} = {value}; give a number from {low} to {high}.")
