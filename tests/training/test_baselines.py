"""What hybrids are measured against, through the same runs: networks without physics, references, evolution."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from dgeo import training
from dgeo.errors import DgeoError
from dgeo.hybrid import Inputs, NetworkRecipe, build
from dgeo.hybrid.network_model import _mask
from dgeo.metrics import nse
from dgeo.training.config import TargetConfig
from dgeo.training.evolution import Best
from dgeo.training.losses import LOSSES
from dgeo.training.population import Observed, Population
from dgeo.training.reference import climatology, yesterday
from dgeo.training.simulation import run
from dgeo.training.step import objective
from tests.training.cases import ATTRIBUTES, content, fresh_model, world

FORCINGS = ["precipitation", "temperature", "potential_evapotranspiration"]
DAYS, SITES = 40, 3


def settings(model, **changes):
    sections = content(training=changes)
    del sections["outputs"]
    return training.parse_config({**sections, "model": model}, "test")


def section(kind, **changes):
    return {"network": kind, "hidden": 4, "forcings": FORCINGS, "attributes": ATTRIBUTES, **changes}


@pytest.fixture
def inputs():
    random = np.random.default_rng(0)
    forcing = {name: random.gamma(0.5, 8.0, (DAYS, SITES)) for name in FORCINGS}
    attributes = {name: random.normal(size=SITES) for name in ATTRIBUTES}
    as_arrays = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), (forcing, attributes))
    return Inputs(*as_arrays, jnp.arange(SITES))


def some_sites(inputs, sites):
    forcing = {name: series[:, sites] for name, series in inputs.forcing.items()}
    return Inputs(forcing, {name: x[sites] for name, x in inputs.attributes.items()}, inputs.index[sites])


def network(kind, key, **changes):
    recipe = NetworkRecipe.model_validate(section(kind, **changes))
    return build(recipe, dict.fromkeys((*ATTRIBUTES, *FORCINGS, "streamflow"), (0.5, 2.0)), key)


def test_the_loss_of_the_benchmark_is_reproduced():
    """Kratzert et al. (2019): flows standardised by the mean and deviation of all basins together, squared errors over
    the raw deviation of each basin + 0.1, the mean over all samples. Ours is in mm/d, so that 1/σ² of all is its weight.
    """
    random = np.random.default_rng(1)
    observed = random.gamma(1.0, [0.5, 2.0, 8.0], (200, 3))
    observed[random.random(observed.shape) < 0.1] = np.nan
    simulated = random.gamma(1.0, 3.0, observed.shape)
    mean, deviation = np.nanmean(observed), np.nanstd(observed)
    errors = ((simulated - mean) / deviation - (observed - mean) / deviation) ** 2
    expected = np.nanmean(errors / (np.nanstd(observed, axis=0) + 0.1) ** 2)
    loss = objective({"streamflow": TargetConfig(loss="nse", weight=1 / deviation**2)})
    series = [{"streamflow": jnp.asarray(x)} for x in (simulated, observed)]
    np.testing.assert_allclose(loss(*series, loss.scale(series[1])), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["lstm", "ea_lstm", "mc_lstm"])
def test_networks_see_the_past_alone(kind, key, inputs):
    """Other weather from the thirtieth day on changes the flow from then on, and nothing before it."""
    model = network(kind, key)
    later = {name: series.at[30:].add(5.0) for name, series in inputs.forcing.items()}
    flow, changed = (
        np.asarray(model(given)[0]["streamflow"]) for given in (inputs, Inputs(later, inputs.attributes, inputs.index))
    )
    np.testing.assert_array_equal(flow[:30], changed[:30])
    assert (flow[30:] != changed[30:]).any()


def test_dropout_is_a_draw_of_each_site_and_only_with_a_key(key, inputs):
    """A site's draw is the same whatever stands beside it. Of 3 × 40 × 500 units, 0.6 ± 0.002 (1 σ) are kept."""
    model = network("lstm", key, dropout=0.4)
    training_flow = model(inputs, key=key)[0]["streamflow"]
    one = model(some_sites(inputs, jnp.asarray([2])), key=key)[0]["streamflow"]
    np.testing.assert_allclose(training_flow[:, 2], one[:, 0], rtol=0, atol=1e-5)
    still = replace(model, dropout=0.0)
    np.testing.assert_array_equal(model(inputs)[0]["streamflow"], still(inputs)[0]["streamflow"])
    assert np.abs(training_flow - still(inputs, key=key)[0]["streamflow"]).max() > 1e-3
    mask = np.asarray(_mask(inputs, jnp.zeros((DAYS, SITES, 500), jnp.float32), 0.6, key))
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / 0.6)}
    assert abs((mask > 0).mean() - 0.6) < 0.01


def test_negative_flow_counts_as_none_outside_training(key, inputs):
    """With a scale about −1 an untrained head is below zero nearly everywhere."""
    model = network("ea_lstm", key, dropout=0.0)
    model = replace(model, scale=replace(model.scale, mean=jnp.float32(-1.0), deviation=jnp.float32(0.1)))
    assert (model(inputs, key=key)[0]["streamflow"] < 0).all()
    assert (model(inputs)[0]["streamflow"] == 0).all()


def test_a_run_of_networks_is_like_any_other(tmp_path):
    """Two seeds train as one program; scores, spread and ledger are written; a simulation cut in two is that in one."""
    dataset = world()
    dataset.to_netcdf(tmp_path / "world.nc", engine="h5netcdf")
    config = settings(section("mc_lstm"), seeds=[0, 1], together=True)
    training.train(config, tmp_path / "run", dataset=dataset)
    found = training.evaluate(tmp_path / "run", dataset=dataset)
    assert {"streamflow", "loss", "memory", "streamflow_spread", "streamflow_observed"} <= set(found.simulation)
    assert len(found.summary["seeds"]) == 2
    assert found.ledger.relative_residual.max() < 1e-5
    assert found.ledger.inflows["precipitation"].min() > 100
    days = {"file": tmp_path / "world.nc", "start": "2002-10-01", "end": "2003-09-30"}
    whole = training.apply(tmp_path / "run", **days)
    np.testing.assert_allclose(whole["streamflow"], found.simulation["streamflow"], rtol=1e-4, atol=1e-4)
    middle = {**days, "end": "2003-01-31", "save_state": tmp_path / "state"}
    parts = [training.apply(tmp_path / "run", **middle)["streamflow"].values]
    rest = {"file": days["file"], "end": days["end"], "state": tmp_path / "state"}
    parts.append(training.apply(tmp_path / "run", **rest)["streamflow"].values)
    np.testing.assert_allclose(np.concatenate(parts), whole["streamflow"], rtol=1e-5, atol=1e-5)


def test_climatology_is_the_mean_of_the_days_around(tmp_path):
    """Against pandas: the mean over all training observations within a week of the same day of the year."""
    dataset = world()
    config = settings({"reference": "climatology", "half_width": 7})
    training.train(config, tmp_path, dataset=dataset)
    found = training.evaluate(tmp_path, dataset=dataset)
    basin = dataset["streamflow"].isel(basin=1).to_series()
    train = basin["2000-10-01":"2002-09-30"]
    for day in ("2002-10-03", "2003-01-02", "2003-07-15"):
        centres = [pd.Timestamp(day).replace(year=year) for year in (2000, 2001, 2002, 2003)]
        near = pd.concat([train[c - pd.Timedelta(days=7) : c + pd.Timedelta(days=7)] for c in centres])
        simulated = found.simulation["streamflow"].isel(basin=1).sel(time=day)
        np.testing.assert_allclose(simulated, near.mean(), rtol=1e-5)
    assert (tmp_path / "metrics.csv").exists()
    with pytest.raises(DgeoError, match="nothing to train"):
        _ = config.recipe


def test_climatology_wraps_round_the_year_and_knows_the_median():
    """1 January is as near to 31 December as to 2 January; the median of 1, 2, 9 is 2, their mean 4."""
    series, days = np.array([[1.0], [2.0], [9.0], [100.0]]), np.array([366, 1, 2, 180])
    assert climatology(series, days, 1, "mean")[0, 0] == 4
    assert climatology(series, days, 1, "median")[0, 0] == 2
    assert np.isnan(climatology(series, days, 1, "mean")[100, 0])


def test_persistence_is_the_last_observation():
    """Over gaps too; before the first there is none."""
    series = np.array([[np.nan], [3.0], [np.nan], [5.0], [1.0]])
    np.testing.assert_array_equal(yesterday(series)[:, 0], [np.nan, np.nan, 3.0, 3.0, 5.0])


CALIBRATION = {"static": {"source": "table"}, "components": 1, "routing_days": 5}


def test_candidates_are_scored_as_runs_of_the_model(key):
    """Two random candidates of each basin: the loss and NSE of the model that has them in its table, simulated alone."""
    dataset, config = world(), settings(CALIBRATION)
    model = build(config.model, {}, key, 5)
    forcings, attributes = config.model.needed_forcings, config.model.needed_attributes
    arrays = training.to_arrays(dataset.isel(time=slice(500)), forcings, attributes, ("streamflow",))
    seen = arrays.targets["streamflow"]
    early, late = seen.at[:60].set(jnp.nan).at[400:].set(jnp.nan), seen.at[:400].set(jnp.nan)
    scale = LOSSES["nse"].scale(early)
    population = Population(model, config, arrays.inputs, Observed(early, late, scale))
    first = population.first
    candidates = first[:, None] + np.random.default_rng(2).normal(size=(len(first), 2, first.shape[1]))
    loss, validation = population.scores(candidates)
    for place in range(2):
        flow = run(population.chosen(candidates[:, place]), arrays.inputs, ("streamflow",))[0]["streamflow"]
        sums = LOSSES["nse"].sums(jnp.asarray(flow), early, scale)
        np.testing.assert_allclose(loss[:, place], LOSSES["nse"].value(sums), rtol=1e-4)
        np.testing.assert_allclose(validation[:, place], nse(flow, np.asarray(late)), rtol=1e-3, atol=1e-4)


def test_evolution_finds_better_parameters_than_the_defaults(tmp_path):
    """After ten generations the median loss of the best candidates is below that of the defaults, which started it."""
    dataset = world()
    config = settings(CALIBRATION, evolution={"generations": 10, "population": 8})
    rows = []
    models = training.train(config, tmp_path, dataset=dataset, watch=rows.append)
    assert [row["evaluations"] for row in rows] == [8 * n for n in range(1, 11)]
    assert rows[-1]["loss"] < 0.8 * rows[0]["loss"]
    found = training.evaluate(tmp_path, dataset=dataset)
    untrained = fresh_model(settings({**CALIBRATION, "attributes": ATTRIBUTES, "static": {}}), 0)
    assert models[0].parameters.components == untrained.parameters.components == 1
    assert found.summary["test"]["nse"]["median"] > 0.5
    network = settings({"attributes": ATTRIBUTES, "components": 1}, evolution={"generations": 1})
    with pytest.raises(DgeoError, match=r"static\.source: table"):
        training.train(network, tmp_path / "network", dataset=dataset)


def test_a_basin_keeps_what_validation_likes():
    """Better in training twice, but the second time worse in validation: the first stays."""
    best = Best(np.zeros((1, 1)))
    for z, loss, validation in ((1.0, 0.5, 0.7), (2.0, 0.4, 0.6), (3.0, 0.6, 0.9)):
        best.see(np.full((1, 1, 1), z), np.full((1, 1), loss), np.full((1, 1), validation))
    assert best.z[0, 0] == 1.0
    assert best.row() == {"loss": 0.4, "validation": 0.7}


def test_a_wrong_key_of_a_network_is_named():
    """With the nearest key of that kind of model, and without the tags of pydantic."""
    with pytest.raises(DgeoError, match=r"'model\.hiden' is unknown; did you mean 'hidden'"):
        settings({**section("lstm"), "hiden": 3})
    with pytest.raises(DgeoError, match=r"'model\.attributes' is missing"):
        settings({"network": "lstm"})
