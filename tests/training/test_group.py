"""Members that train as one program, against each of them alone."""

from dataclasses import replace

import jax
import numpy as np
import yaml

from dgeo.training import fit, train_runs, variations
from dgeo.training.devices import split
from dgeo.training.optimiser import numbers_of
from dgeo.training.progress import resume
from tests.training.cases import config, content, fit_one, member, task, trainer, world

SETTINGS = config(training={"steps": 8})


def weights(model):
    """All numbers of a model."""
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(model) if isinstance(leaf, jax.Array)])


def test_seeds_and_settings_train_together_as_alone(tmp_path):
    """Two seeds, lengths and learning rates, neither of them that of the common config. A member axis only reorders the
    arithmetic within a loop, so losses agree to a few roundings of float32, which eight steps of Adam pass on; the
    shorter one stands still while the other goes on."""
    tasks = [task(tmp_path, n, seed=seed, checkpoint=tmp_path / f"{seed}") for seed, n in ((0, 4), (1, 8))]
    own = [config(training={"steps": 8, "optimiser": {"learning_rate": rate}}) for rate in (0.001, 0.02)]
    numbers = [numbers_of(settings.training.optimiser) for settings in own]
    members = [member(SETTINGS, one, numbers=n) for one, n in zip(tasks, numbers, strict=True)]
    found = fit(trainer(SETTINGS, 2), members)
    for one, settings, fitted in zip(tasks, own, found, strict=True):
        alone = fit_one(settings, replace(one, checkpoint=tmp_path / f"alone_{one.seed}"))
        losses = [[row["loss"] for row in f.progress.history] for f in (fitted, alone)]
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
        assert len(losses[0]) == one.steps // 2
        np.testing.assert_allclose(weights(fitted.model), weights(alone.model), rtol=1e-3, atol=1e-4)
    assert not np.allclose(weights(found[0].model), weights(found[1].model))


def test_a_member_of_a_group_resumes_alone(tmp_path):
    """Every member has a checkpoint of its own, whatever it was trained with; training alone goes on from its step."""
    tasks = [task(tmp_path, 4, seed=seed, checkpoint=tmp_path / f"{seed}") for seed in (0, 1)]
    fit(trainer(SETTINGS, 2), [member(SETTINGS, one) for one in tasks])
    one = member(SETTINGS, tasks[1])
    case = trainer(SETTINGS).case(one.model, one.source, one.sampler, 1)
    assert int(resume(tasks[1], trainer(SETTINGS).start(one.model, case)).state.step) == 4


def test_runs_of_a_variation_lie_in_folders_of_their_own(tmp_path):
    """Two learning rates of a config, together and in one call: each folder holds a model of its own."""
    world().to_netcdf(tmp_path / "data.nc", engine="h5netcdf")
    settings = content(
        data={"file": str(tmp_path / "data.nc")}, training={"steps": 4, "together": True, "refit": False}
    )
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    runs = variations(tmp_path / "run.yaml", tmp_path / "runs", (), ("training.optimiser.learning_rate=[0.001, 0.01]",))
    assert [folder.name for folder in runs] == ["learning_rate=0.001", "learning_rate=0.01"]
    models = train_runs(runs)
    assert all((folder / "models" / "seed_0.safetensors").exists() for folder in runs)
    first, second = (weights(found[0]) for found in models.values())
    assert not np.allclose(first, second)


def test_members_come_before_sites():
    """Devices, members, batch → how many share the members and the sites: all devices where that is even, members
    first, since they never wait for each other."""
    cases = {(2, 1, 100): (1, 2), (2, 2, 100): (2, 1), (2, 3, 99): (1, 1), (8, 4, 100): (4, 2), (3, 1, 100): (1, 2)}
    assert {case: split(*case) for case in cases} == cases
