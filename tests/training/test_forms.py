"""Every form of the question mark from its config, and what a run of laws of each basin's own promises."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo import data, training
from dgeo.check import HybridLedger
from dgeo.errors import DgeoError
from dgeo.hybrid import Inputs, build, load
from dgeo.training.evaluate import inputs_of
from dgeo.training.prepare import with_day_length
from dgeo.training.step import Trainer
from tests.training import cases

FORMS = Path(__file__).parents[2] / "benchmarks" / "configs" / "forms"
TRAINED = sorted(path.stem for path in FORMS.glob("*.yaml") if path.stem[0] not in "56")
BASIN_LAW = {
    "slots": ("evaporation",),
    "inputs": ("soil_moisture", "temperature"),
    "width": 4,
    "depth": 1,
    "per_basin": True,
    "pretrain": 20,
}


@pytest.mark.parametrize("form", TRAINED)
def test_the_config_of_each_form_makes_a_model_that_runs(form, key):
    """Fresh weights, three sites, twelve days: streamflow is finite, and the ledger closes to 1e-5 as every run's
    must."""
    recipe = training.read_config(FORMS / f"{form}.yaml").model
    names = (*recipe.network_attributes, *recipe.network_forcings)
    model = build(recipe, dict.fromkeys(names, (0.0, 1.0)), key, sites=3)
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    forcing = {
        name: jnp.asarray(random.exponential(43200.0 if name == "day_length" else 4.0, (12, 3)), jnp.float32)
        for name in recipe.needed_forcings
    }
    attributes = {name: jnp.asarray(random.normal(size=3), jnp.float32) for name in recipe.needed_attributes}
    inputs = Inputs(forcing, attributes, jnp.arange(3))
    before = model.initial_carry(3)
    books = HybridLedger(model, inputs, before)
    outputs, after = eqx.filter_jit(model)(inputs, before, outputs=("streamflow", *books.outputs))
    assert np.all(np.isfinite(outputs["streamflow"]))
    books.add(outputs)
    if model.physics.budget.conserves:
        assert np.max(books.balance(after).relative_residual) <= 1e-5


def per_basin(**changes):
    """EXP-HYDRO, each basin its own parameters."""
    model = {"physics": {"name": "exphydro"}, "static": {"source": "table"}, "attributes": [], "routing_days": None}
    outputs = ["streamflow", "evapotranspiration"]
    return cases.config(model={**model, **changes.pop("model", {})}, outputs=outputs, **changes)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A calibrated bucket, each basin its own: what modules are taught by. Module-wide: it trains once."""
    folder = tmp_path_factory.mktemp("runs") / "m0"
    with jax.enable_x64(False):
        dataset = with_day_length(cases.world())
        training.train(per_basin(), folder, dataset=dataset)
    return folder, dataset


def test_an_application_says_where_a_solver_failed(tmp_path):
    """A bucket solved by one Newton iteration a step, which suffices for a linear system alone: the series says in
    which steps nothing moved (no evaporation), and `words` how many they are."""
    physics = {"name": "exphydro", "solver": {"method": "implicit_euler", "iterations": 1}}
    with jax.enable_x64(False):
        dataset = with_day_length(cases.world())
        dataset.to_netcdf(tmp_path / "data.nc", engine="h5netcdf")
        settings = per_basin(model={"physics": physics}, training={"steps": 2, "validate_every": 2})
        training.train(settings, tmp_path / "run", dataset=dataset)
        found = training.apply(tmp_path / "run", file=tmp_path / "data.nc", start="2001-10-01", end="2001-12-31")
    failed = found["solver_failure"]
    assert failed.dims == ("time", "basin")
    assert (failed == 1).any()
    assert (found["evapotranspiration"].values[failed.values == 1] == 0).all()
    assert f"failed in {int(failed.sum())} steps" in failed.attrs["words"]


def test_a_law_of_each_basins_own_from_calibration_to_a_finer_solver(bucket, tmp_path):
    """M0 → M50 in little: the second run takes over the first one's parameters and keeps them where they are frozen,
    while laws differ between basins; a basin alone is simulated as among the others (the row of its own is found); and
    under four parts for one the skill is reported with no failure."""
    folder, dataset = bucket
    start = folder / "models" / "seed_0.safetensors"
    settings = per_basin(
        model={"laws": [BASIN_LAW]}, training={"start_from": start, "freeze": ("parameters",), "refit": False}
    )
    model = training.train(settings, tmp_path / "m50", dataset=dataset)[0]
    calibrated = load(start).parameters.sources[0].values
    for name, rows in model.parameters.sources[0].values.items():
        np.testing.assert_array_equal(rows, calibrated[name])
    weights = jax.tree.leaves(eqx.filter(model.physics.laws["evaporation"].law.network, eqx.is_inexact_array))
    assert all(leaf.shape[0] == 5 for leaf in weights)
    assert any(np.ptp(np.asarray(leaf), axis=0).max() > 0 for leaf in weights)

    basins = [str(basin) for basin in dataset["basin"].values]
    whole, _ = training.run(model, inputs_of(settings, dataset, basins), ("streamflow",))
    alone = data.select(dataset, [basins[3]])
    one, _ = training.run(model, inputs_of(settings, alone, basins), ("streamflow",))
    np.testing.assert_allclose(one["streamflow"][:, 0], whole["streamflow"][:, 3], rtol=1e-5, atol=1e-6)

    found = training.rerun(tmp_path / "m50", training.parse_solver({"method": "euler", "parts": 16}), dataset=dataset)
    assert found["other"]["failures"]["solver_failure"]["steps"] == 0
    assert 0 < found["streamflow_difference"] < 0.5


def test_frozen_parts_are_no_weights(key):
    """What is frozen is not among what the optimiser is given: of a model with a network for its parameters and nothing
    else to train, nothing is left."""
    settings = cases.config(training={"freeze": ("parameters",)})
    model = build(settings.model, dict.fromkeys(cases.ATTRIBUTES, (0.0, 1.0)), key)
    with pytest.raises(DgeoError, match="Nothing is left to train"):
        Trainer(model, settings.training)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"split": {"test_basins": ["virtual_00001"]}}, "numbers of each training basin's own"),
        (
            {"model": {"laws": [{**BASIN_LAW, "inputs": ("soil_moistur",)}]}},
            "'soil_moistur'.*did you mean soil_moisture",
        ),
        ({"model": {"laws": [{**BASIN_LAW, "slots": ("evaporatio",)}]}}, "'evaporatio'.*did you mean evaporation"),
        ({"model": {"physics": {"name": "exphydr"}}}, "no model 'exphydr'; did you mean exphydro"),
        ({"model": {"physics": {"name": "gr4j", "solver": {"method": "heun"}}}}, "takes no solver"),
        ({"model": {"physics": {"name": "exphydro", "residuals": ["snow"]}}}, "no store 'snow'"),
    ],
)
def test_wrong_use_is_one_sentence(change, words, tmp_path):
    with pytest.raises(DgeoError, match=words) as error:
        training.train(per_basin(**change), tmp_path / "run", dataset=with_day_length(cases.world()))
    assert str(error.value).count("\n") == 0
