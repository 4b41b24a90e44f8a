"""What a run has to show: an ensemble's mean and spread, a NetCDF that survives a full disk."""

import errno

import jax
import numpy as np
import pytest
import xarray as xr

from dgeo.errors import DgeoError
from dgeo.hybrid import build
from dgeo.training import evaluate_models, training_statistics, write_netcdf
from dgeo.training.evaluate import ensemble
from tests.training.cases import config, world


def test_an_ensemble_is_the_mean_of_its_members_with_their_spread() -> None:
    """Two untrained members: mean and half the difference, worked out from the runs of each alone."""
    settings, dataset = config(), world()
    statistics = training_statistics(dataset, settings)
    models = {seed: build(settings.model, statistics, jax.random.key(seed)) for seed in (0, 1)}
    both = evaluate_models(models, settings, dataset)
    alone = [evaluate_models({seed: model}, settings, dataset).simulation for seed, model in models.items()]
    flows = [one["streamflow"].values for one in alone]
    np.testing.assert_allclose(both.simulation["streamflow"], (flows[0] + flows[1]) / 2, rtol=1e-6)
    np.testing.assert_allclose(both.simulation["streamflow_spread"], abs(flows[0] - flows[1]) / 2, rtol=1e-3, atol=1e-6)
    assert "streamflow_spread" not in alone[0]
    assert [row["seed"] for row in both.summary["seeds"]] == [0, 1]


def test_one_member_has_no_spread() -> None:
    """A standard deviation of one number would be a zero that looks like certainty."""
    mean, spread = ensemble([{"streamflow": np.ones((2, 1))}])
    assert mean["streamflow"].tolist() == [[1.0], [1.0]]
    assert spread == {}


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    """The disk fills up while the new file is written: the old one is whole, and the answer is a sentence."""
    path = tmp_path / "simulation.nc"
    old = xr.Dataset({"streamflow": ("time", np.arange(3.0))})
    write_netcdf(path, old)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(DgeoError, match="could not be written"):
        write_netcdf(path, old * 2)
    with xr.open_dataset(path, engine="h5netcdf") as found:
        np.testing.assert_array_equal(found["streamflow"], old["streamflow"])
