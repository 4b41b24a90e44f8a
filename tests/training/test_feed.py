"""Training on a store: the same numbers as from memory, read ahead, resumed, and what is said when reading fails."""

import threading
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from dgeo import data
from dgeo.data import blocks
from dgeo.errors import DgeoError
from dgeo.training import evaluate, train
from dgeo.training.arrays import Windows
from dgeo.training.feed import Feed, Reader
from dgeo.training.step import draws
from tests.training.cases import config, member, task, trainer, world

CHANGES = {
    "model": {
        "physics": {"name": "bucket", "version": "power"},
        "components": 1,
        "static": {"width": 4, "depth": 1},
        "routing_days": 5,
    },
    "outputs": ["streamflow", "evapotranspiration"],
}


@pytest.fixture
def dataset(monkeypatch, tmp_path):
    """Four basins, two of which are read at a time, in memory and in a store."""
    monkeypatch.setattr(blocks, "BASINS", 2)
    found = world().isel(basin=slice(4))
    data.write_store(found, tmp_path / "world.zarr")
    return found


def from_store(tmp_path):
    """The same run as that of CHANGES, on the store."""
    return config(**CHANGES, data={"source": "zarr", "file": tmp_path / "world.zarr"})


def losses(folder):
    """What the history of a run says of every call."""
    with (folder / "history.csv").open() as file:
        return [line.rsplit(",", 1)[0] for line in file]


def test_a_run_on_a_store_is_that_in_memory(dataset, tmp_path):
    """Losses, norms of gradients, validation and weights to the last bit, for selection and refit; the store is
    resumed half way, too. What is simulated in other parts of the basins is equal to the rounding of float32."""
    memory, store = tmp_path / "memory", tmp_path / "store"
    train(config(**CHANGES), memory, dataset=dataset)

    def stops(row):
        if row["phase"] == "refit":
            raise KeyboardInterrupt

    with pytest.raises(DgeoError, match="Interrupted"):
        train(from_store(tmp_path), store, watch=stops)
    train(from_store(tmp_path), store, resume=True)
    assert losses(store) == losses(memory)
    for name in ("environment.json", "data.json"):
        assert (store / name).exists()
    one, other = evaluate(memory, dataset=dataset), evaluate(store)
    xr.testing.assert_allclose(one.simulation, other.simulation, rtol=1e-5, atol=1e-6)
    xr.testing.assert_allclose(one.parameters, other.parameters, rtol=1e-6)
    assert one.ledger.gross_inflow.shape == other.ledger.gross_inflow.shape
    np.testing.assert_allclose(one.ledger.gross_inflow, other.ledger.gross_inflow, rtol=1e-6)


def feeding(settings, dataset, read, calls):
    """A feed of one member."""
    one = member(settings, task(Path("unused")), dataset)
    training = trainer(settings)
    case = training.case(one.model, one.source, one.sampler, 0)
    return Feed(training, [read], [case], [0], calls), case


def test_the_next_call_is_read_while_this_one_is_computed(dataset, tmp_path):
    """A reader that says what it was asked for: the second call is read without being asked for, the third is not,
    and nothing is read beyond the last. What is asked for are the draws of the compiled step."""
    settings, asked, second = config(**CHANGES), [], threading.Event()

    def read(basins, starts):
        asked.append((basins, starts))
        if len(asked) == 2:
            second.set()
        return Windows({}, {"streamflow": basins[:, None].astype(np.float32)})

    feed, case = feeding(settings, dataset, read, 3)
    with feed:
        first = next(feed)
        assert second.wait(20)
        assert len(asked) == 2
        np.testing.assert_array_equal(first.targets["streamflow"][0, :, 0], asked[0][0])
        next(feed), next(feed)
    assert len(asked) == 3
    for step in range(6):
        draw, _ = draws(case.sampler, case.seed, jnp.asarray(step, jnp.int32), settings.training.batch)
        np.testing.assert_array_equal(asked[step // 2][0][step % 2], draw.basin)
        np.testing.assert_array_equal(asked[step // 2][1][step % 2], draw.start)


def test_windows_are_cut_where_the_draws_say(dataset, tmp_path, key):
    """Each window against a plain slice; targets of unseen days are gaps."""
    seen = np.arange(dataset.sizes["time"]) % 7 > 0
    random = np.random.default_rng(int(jax.random.key_data(key)[-1]))
    basins, starts = random.integers(0, 4, (2, 3)), random.integers(0, 1000, (2, 3))
    read = Reader(data.open_store(tmp_path / "world.zarr"), ("precipitation",), ("streamflow",), seen, 9)
    found = read(basins, starts)
    for place in np.ndindex(2, 3):
        days = slice(starts[place], starts[place] + 9)
        cut = (place[0], slice(None), place[1])
        flow = np.where(seen, dataset["streamflow"].values[:, basins[place]], np.nan)
        np.testing.assert_array_equal(found.targets["streamflow"][cut], flow[days])
        rain = dataset["precipitation"].values[days, basins[place]]
        np.testing.assert_array_equal(found.forcing["precipitation"][cut], rain)


def test_a_fault_of_the_reader_reaches_the_training(dataset, tmp_path):
    """A file that is damaged once the training has begun: its sentence comes out of the call that needs it."""
    settings, found = config(**CHANGES), data.open_store(tmp_path / "world.zarr")
    for file in (tmp_path / "world.zarr" / "temperature" / "c" / "0").iterdir():
        file.write_bytes(bytes(len(file.read_bytes())))
    read = Reader(found, ("temperature",), (), np.ones(found.sizes["time"], bool), 50)
    feed, _ = feeding(settings, dataset, read, 2)
    with feed, pytest.raises(DgeoError, match=r"^'temperature' of the store .* cannot be read .*anew\.$"):
        next(feed)


def test_a_store_that_lacks_a_variable_is_met_at_the_door(dataset, tmp_path):
    """One sentence, before any training."""
    data.write_store(dataset.drop_vars("precipitation"), tmp_path / "poor.zarr")
    settings = config(**CHANGES, data={"source": "zarr", "file": tmp_path / "poor.zarr"})
    with pytest.raises(DgeoError, match="no series 'precipitation'"):
        train(settings, tmp_path / "run")
    with pytest.raises(DgeoError, match=r"data\.file is not set"):
        train(config(**CHANGES, data={"source": "zarr"}), tmp_path / "other")
