"""A trained run day by day, as an ensemble, from a state, and over basins in blocks."""

import numpy as np
import pytest
import xarray as xr

from dgeo import training
from dgeo.data import blocks, open_store, write_store
from dgeo.errors import DgeoError
from dgeo.training import open_stepper
from dgeo.training.application import Application
from tests.training import runs
from tests.training.cases import world

START, DAYS = "2001-10-01", 365
KEPT = ["streamflow", "evapotranspiration", "soil_moisture"]


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory):
    """HBV with routing, a dynamic parameter, two components and two seeds."""
    return runs.made(tmp_path_factory.mktemp("hybrid"), runs.HYBRID, KEPT, (0, 1))


@pytest.fixture(scope="module")
def lstm(tmp_path_factory):
    return runs.made(tmp_path_factory.mktemp("lstm"), runs.LSTM, ["streamflow"])


def weather(day, days=None):
    """The forcings of a day, [basin], or of some days, [time, basin], as numpy has them."""
    first = int(np.flatnonzero(world()["time"].values == np.datetime64(day))[0])
    rows = first if days is None else slice(first, first + days)
    return {name: world()[name].values[rows] for name in runs.READ}


@pytest.mark.parametrize("kind", ["hybrid", "lstm"])
def test_a_year_day_by_day_is_the_year_at_once(kind, request):
    """Each day a call of its own, against `apply`, which marches the year in one: to 1e-5 of the largest of a basin.

    The stores (the network's memory) begin with what the year before left; the mean over the seeds is `apply`'s.
    """
    folder = request.getfixturevalue(kind)
    stepper = open_stepper(folder, start=START)
    days = np.arange(START, "2002-10-01", dtype="datetime64[D]")
    series = weather(START, DAYS)
    found = [stepper.step({name: x[t] for name, x in series.items()}) for t in range(DAYS)]
    assert stepper.day == np.datetime64("2002-10-01")
    at_once = training.apply(folder, start=START, end=str(days[-1]))
    for name in stepper.outputs:
        ours = np.stack([one[name].mean(0) for one in found])
        largest = np.abs(at_once[name].values).max(0)
        assert np.all(np.abs(ours - at_once[name].values) <= 1e-5 * largest)


@pytest.mark.parametrize("kind", ["hybrid", "lstm"])
def test_a_restart_is_bitwise(kind, request, tmp_path):
    """What follows a saved state is the same bits in the stepper that went on and in another that takes it up."""
    folder = request.getfixturevalue(kind)
    stepper = open_stepper(folder, start=START)
    stepper.step(weather(START))
    stepper.save(tmp_path / "state")
    on = [stepper.step(weather(day)) for day in ("2001-10-02", "2001-10-03")]
    other = open_stepper(folder, state=tmp_path / "state")
    assert other.day == np.datetime64("2001-10-02")
    again = [other.step(weather(day)) for day in ("2001-10-02", "2001-10-03")]
    for first, second in zip(on, again, strict=True):
        for name in first:
            np.testing.assert_array_equal(first[name], second[name])


def test_members_are_set_apart_and_do_not_mix(hybrid, tmp_path):
    """Two seeds of three copies: a copy that nothing touched goes the way of the single run; a wetter soil is wetter
    a day later, and more rain on one member moves no other. The ensemble is saved and taken up as one."""
    single = open_stepper(hybrid, start=START)
    ensemble = single.copied(3)
    assert ensemble.members == ("seed_0/0", "seed_0/1", "seed_0/2", "seed_1/0", "seed_1/1", "seed_1/2")
    soil = ensemble.stores["soil_moisture"]
    assert soil.shape == (6, 5, 2)
    soil[1] *= 1.5
    ensemble.set_stores({"soil_moisture": soil})
    rain = np.broadcast_to(weather(START)["precipitation"], (6, 5)).copy()
    rain[2] += 50
    alone = single.step(weather(START))
    found = ensemble.step({**weather(START), "precipitation": rain})
    for name in KEPT:
        for member, seed in ((0, 0), (3, 1), (4, 1), (5, 1)):
            np.testing.assert_allclose(found[name][member], alone[name][seed], rtol=1e-5)
    assert (found["soil_moisture"][1] > alone["soil_moisture"][0]).all()
    assert (found["soil_moisture"][2] > alone["soil_moisture"][0]).any()
    ensemble.save(tmp_path / "state")
    later = {name: x + 1 for name, x in weather(START).items()}
    again = open_stepper(hybrid, state=tmp_path / "state").step(later)
    np.testing.assert_array_equal(again["streamflow"], ensemble.step(later)["streamflow"])
    with pytest.raises(DgeoError, match="has 3 carries of each model, not 1"):
        single.restore(tmp_path / "state")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"precipitation": None}, "lacks the forcing 'precipitation'"),
        ({"precipitation": np.full(5, -1.0)}, "'precipitation' of basin virtual_00000 is -1 on 2001-10-01"),
        ({"temperature": np.array([0, 0, np.nan, 0, 0])}, "'temperature' of basin virtual_00002 is nan"),
        ({"temperature": np.zeros(4)}, r"'temperature' is \[1, 4\] with time first, where 5 basins"),
    ],
)
def test_a_day_that_cannot_be_is_one_sentence(change, words, hybrid):
    """And nothing has moved."""
    stepper = open_stepper(hybrid, start=START)
    given = {name: x for name, x in {**weather(START), **change}.items() if x is not None}
    with pytest.raises(DgeoError, match=words):
        stepper.step(given)
    assert stepper.day == np.datetime64(START)


def test_a_store_that_is_none_is_refused(hybrid):
    stepper = open_stepper(hybrid, start=START)
    with pytest.raises(DgeoError, match="no store 'soil_mositure' to set: did you mean soil_moisture"):
        stepper.set_stores({"soil_mositure": 1.0})
    with pytest.raises(DgeoError, match=r"= \[2, 5, 2\], all finite; what is given is \[5\]"):
        stepper.set_stores({"soil_moisture": np.ones(5)})


def test_blocks_of_basins_are_the_whole_and_survive_an_interruption(hybrid, tmp_path, monkeypatch):
    """Four basins from a store, in blocks of two, to a store: interrupted after the first, and continued without it.

    The same numbers as of all five in memory at once, to 1e-6 of the largest of a basin, as loops of other widths round
    otherwise; the state of all basins is joined from those of the blocks.
    """
    monkeypatch.setattr(blocks, "BASINS", 2)
    write_store(world().isel(basin=slice(4)), tmp_path / "in.zarr")
    period = {"start": START, "end": "2002-09-30"}
    given = {"file": tmp_path / "in.zarr", "save_state": tmp_path / "state", **period}
    seen = []

    def interrupted(done, basins):
        seen.append((done, basins))
        if done == 2 and len(seen) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.apply_to_store(hybrid, tmp_path / "out.zarr", watch=interrupted, **given)
    assert not (tmp_path / "out.zarr").exists()
    counted = []
    simulated = Application.simulated
    monkeypatch.setattr(
        Application, "simulated", lambda task, part: counted.append(part.start) or simulated(task, part)
    )
    assert training.apply_to_store(hybrid, tmp_path / "out.zarr", watch=interrupted, **given) == ()
    monkeypatch.undo()
    assert counted == [2]
    assert seen[1:] == [(2, 4), (4, 4)]
    found = open_store(tmp_path / "out.zarr").load()
    expected = training.apply(hybrid, save_state=tmp_path / "at_once", **period).isel(basin=slice(4))
    assert set(found.data_vars) == set(expected.data_vars)
    xr.testing.assert_equal(found["basin"], expected["basin"])
    for name in expected.data_vars:
        largest = np.abs(expected[name.removesuffix("_spread")].values).max(0)
        assert np.all(np.abs(found[name].values - expected[name].values) <= 1e-6 * largest)
    joined = open_stepper(hybrid, file=tmp_path / "in.zarr", state=tmp_path / "state")
    whole = open_stepper(hybrid, state=tmp_path / "at_once")
    for store, amount in whole.stores.items():
        np.testing.assert_allclose(joined.stores[store], amount[:, :4], rtol=1e-5, atol=1e-5)
    assert {path.name for path in tmp_path.iterdir()} == {"in.zarr", "out.zarr", "state", "at_once"}
    with pytest.raises(DgeoError, match="already exists"):
        training.apply_to_store(hybrid, tmp_path / "out.zarr", **given)
