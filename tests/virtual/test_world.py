"""The world as a whole: the same for the same arguments, closed, plausible, and acceptable as data."""

import re

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from dgeo import virtual
from dgeo.check import Ledger, routed
from dgeo.data import check
from dgeo.errors import DgeoError
from dgeo.models import Formula, hbv
from dgeo.virtual import VirtualWorld
from dgeo.virtual.attributes import ATTRIBUTES
from dgeo.virtual.relations import true_parameters

FORCINGS = ("precipitation", "temperature", "temperature_min", "temperature_max", "potential_evapotranspiration")


def test_a_world_is_data_like_any_other(world: VirtualWorld):
    """It passes the checks that real data must pass, with complete forcings and attributes."""
    check(world.dataset, series=FORCINGS, attributes=tuple(ATTRIBUTES), targets=("streamflow",))
    for dataset in (world.dataset, world.truth):
        assert all({"units", "long_name"} <= set(variable.attrs) for variable in dataset.data_vars.values())


def test_a_world_can_be_stored(world: VirtualWorld, tmp_path):
    """What is read back is what was written, names and units included."""
    for name, dataset in (("dataset", world.dataset), ("truth", world.truth)):
        dataset.to_netcdf(tmp_path / f"{name}.nc", engine="h5netcdf")
        with xr.open_dataset(tmp_path / f"{name}.nc", engine="h5netcdf") as stored:
            xr.testing.assert_equal(stored.load(), dataset)
            assert stored["streamflow"].attrs == dataset["streamflow"].attrs


def test_the_same_arguments_give_the_same_world(world: VirtualWorld):
    """Bit for bit, and another seed gives another one in every number that is drawn."""
    again = virtual.basins(count=60, years=3, gaps=0.1)
    xr.testing.assert_identical(again.dataset, world.dataset)
    xr.testing.assert_identical(again.truth, world.truth)
    other = virtual.basins(count=60, years=3, gaps=0.1, seed=1)
    assert not np.any(other.dataset["elev_mean"].values == world.dataset["elev_mean"].values)
    assert not np.any(other.truth["beta"].values == world.truth["beta"].values)


def test_basins_and_years_do_not_depend_on_how_many_there_are(world: VirtualWorld):
    """Fewer basins and years are a corner of the larger world: inputs bitwise; the truth to rounding, as the compiler
    may vectorise another shape in another order (float32 rounding of 1e-7 a step, which stable stores forget)."""
    small = virtual.basins(count=7, years=2, gaps=0.1)
    corner = dict(time=small.dataset.time, basin=small.dataset.basin)
    large = world.dataset.sel(corner)
    xr.testing.assert_identical(small.dataset.drop_vars("streamflow"), large.drop_vars("streamflow"))
    missing = np.isnan(large["streamflow"])
    np.testing.assert_array_equal(np.isnan(small.dataset["streamflow"]), missing)
    for name in small.truth.data_vars:
        expected = world.truth[name].sel({dim: corner[dim] for dim in world.truth[name].dims})
        np.testing.assert_allclose(small.truth[name], expected, rtol=1e-4, atol=1e-3)


def test_no_water_is_made_or_lost(world: VirtualWorld):
    """Daily means and end-of-day stores close the budget from rain to gauge, over the record after its first day.

    float32 rounds each of 8·1095 additions to a store of some 300 mm by 2e-5 mm; as a random walk that is
    2e-3 mm in some 1e3 mm of inflow, and 1e-5 is the project's bound.
    """
    truth, budget = world.truth, routed(world.physics.budget)
    stores = {s: truth["channel_storage" if s == "channel" else s].values.astype(np.float64) for s in budget.stores}
    books = Ledger(budget, {store: amount[0] for store, amount in stores.items()})
    books.add({flux: truth[flux].values[1:] for flux in budget.transfers})
    balance = books.balance({store: amount[-1] for store, amount in stores.items()})
    assert np.max(balance.relative_residual) < 1e-5
    rain = world.dataset["precipitation"].values[1:].sum(axis=0, dtype=np.float64)
    np.testing.assert_allclose(sum(balance.inflows.values()), rain, rtol=1e-5)


def test_streamflow_balances_runoff_over_the_record(world: VirtualWorld):
    """What left the hillslopes has left the channel, but for the water under way, which 15 days of flow can hold."""
    runoff, flow = (world.truth[name].sum("time") for name in ("runoff", "streamflow"))
    assert np.all(np.abs(runoff - flow) <= 15 * world.truth["runoff"].max("time"))


def test_the_world_is_as_varied_as_a_continent(world: VirtualWorld):
    """Aridity, snow and runoff span what CAMELS-US spans (aridity 0.2–5.2, median 0.9; snow 0–0.9; Addor et al.
    2017); evaporation stays below both its supply and its demand, up to what three years of storage can hide."""
    data, truth = world.dataset, world.truth
    aridity, snow = data["aridity"].values, data["frac_snow"].values
    assert np.quantile(aridity, 0.1) < 0.5
    assert 0.6 < np.median(aridity) < 1.6
    assert np.quantile(aridity, 0.9) > 2
    assert np.quantile(snow, 0.1) < 0.05
    assert np.quantile(snow, 0.9) > 0.3
    rain, flow = data["precipitation"].mean("time"), truth["streamflow"].mean("time")
    ratio = (flow / rain).values
    assert np.all((ratio > 0) & (ratio < 1))
    assert np.quantile(ratio, 0.9) - np.quantile(ratio, 0.1) > 0.4
    assert np.all(truth["evapotranspiration"].mean("time") < data["potential_evapotranspiration"].mean("time"))
    assert set(data["region"].values) == set(virtual.climates.CLIMATES)


@pytest.mark.parametrize(
    ("one", "other", "sign"),
    [
        ("aridity", "frac_forest", -1),
        ("p_mean", "aridity", -1),
        ("elev_mean", "slope_mean", 1),
        ("slope_mean", "soil_depth_statsgo", -1),
        ("sand_frac", "clay_frac", -1),
        ("sand_frac", "soil_conductivity", 1),
        ("sand_frac", "soil_porosity", -1),
        ("latitude", "pet_mean", -1),
        ("latitude", "frac_snow", 1),
    ],
)
def test_attributes_hang_together_as_on_earth(world: VirtualWorld, one: str, other: str, sign: int):
    """The sign of each rank correlation is that of CAMELS-US; |r| > 0.25 is significant at 5 % with 60 basins."""
    a, b = (np.argsort(np.argsort(world.dataset[name].values)) for name in (one, other))
    assert sign * np.corrcoef(a, b)[0, 1] > 0.25


def test_true_parameters_lie_inside_what_a_learner_may_explore(world: VirtualWorld):
    """Strictly within the declared bounds, and none the same everywhere."""
    for name in world.physics.parameters:
        parameter = world.truth[name]
        assert np.all((parameter > parameter.attrs["lower_bound"]) & (parameter < parameter.attrs["upper_bound"]))
        assert np.unique(parameter).size == parameter.size


def test_scatter_is_what_attributes_do_not_explain():
    """Without it parameters are a function of the attributes; with it, z departs by a normal number of that
    deviation.

    Of 14 parameters × 300 basins, the sampling error of a deviation is 0.3/√(2·4200) = 0.003.
    """
    attributes = {name: np.ones(300) for name in ATTRIBUTES}
    physics = hbv("1.0")
    settled, scattered = (true_parameters(0, attributes, physics, scatter) for scatter in (0.0, 0.3))
    departures = []
    for name, parameter in physics.parameters.items():
        assert np.unique(settled[name]).size == 1
        z = [np.asarray(parameter.bounds.to_unbounded(jnp.asarray(p[name]))) for p in (settled, scattered)]
        departures.append(z[1] - z[0])
    assert abs(np.std(departures) - 0.3) < 0.015


def test_a_law_of_the_truth_can_be_chosen():
    """Where the chosen law says that nothing evaporates, nothing does, and the physics says which law it was."""

    def never(soil_moisture):
        return 0 * soil_moisture

    dry = virtual.basins(count=3, years=1, parts=2, laws={"evaporation": Formula(never)})
    assert not dry.truth["evapotranspiration"].any()
    assert dry.physics.laws["evaporation"].function is never
    assert "lp" not in dry.truth


@pytest.mark.parametrize(
    ("argument", "value"), [("count", 0), ("years", -1), ("gaps", 1.0), ("noise", -0.1), ("parts", 1), ("seed", -1)]
)
def test_a_world_that_cannot_be_is_refused(argument: str, value: float):
    """The sentence names the argument and its value."""
    with pytest.raises(DgeoError, match=re.escape(f"{argument} = {value}")):
        virtual.basins(**{argument: value})


def test_hidden_variables_can_be_observed_too(world: VirtualWorld):
    """Noise of mean one leaves the mean of 60 basins × 3 years as it is, within a percent; half the days are missing,
    in some 2000 runs of a month, so that the share is known to 0.02. Gaps are not those of the flow."""
    found = virtual.also_observed(world, {"evapotranspiration": 0.5})["evapotranspiration"]
    missing, truth = np.isnan(found.values), world.truth["evapotranspiration"].values
    assert missing.mean() == pytest.approx(0.5, abs=0.06)
    assert found.values[~missing].mean() == pytest.approx(truth[~missing].mean(), rel=0.01)
    assert np.corrcoef(missing.ravel(), np.isnan(world.dataset["streamflow"].values).ravel())[0, 1] < 0.1
    with pytest.raises(DgeoError, match="The truth has no 'evaporation' to observe"):
        virtual.also_observed(world, {"evaporation": 0.5})
