"""What hybrids are measured against, through the same runs: networks without physics, references, evolution."""

from dataclasses import replace

import equinox as eqx
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
from dgeo.training.reference import climatology, yesterday
from dgeo.training.step import objective
from tests.training.cases import ATTRIBUTES, content, world

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
    the raw deviation of each basin + 0.1, the mean over all samples. Ours is in mm/d, so its weight is 1/σ² of all.
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
    np.testing.assert_allclose(loss(*series, loss.scale(series[1])), expected, rtol=1e-5)


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


def test_dropout_is_a_draw_of_each_site(key, inputs):
    """A site's draw is the same whatever stands beside it. Of 3 × 40 × 500 units, 0.6 ± 0.002 (1 σ) are kept."""
    model = network("lstm", key, dropout=0.4)
    training_flow = model(inputs, key=key)[0]["streamflow"]
    one = model(some_sites(inputs, jnp.asarray([2])), key=key)[0]["streamflow"]
    np.testing.assert_allclose(training_flow[:, 2], one[:, 0], rtol=0, atol=1e-5)
    assert np.abs(training_flow - model(inputs)[0]["streamflow"]).max() > 1e-3
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
    config = config.model_copy(update={"split": config.split.model_copy(update={"validation": None})})
    training.train(config, tmp_path / "run", dataset=dataset)
    found = training.evaluate(tmp_path / "run", dataset=dataset)
    assert {"streamflow", "loss", "memory", "streamflow_spread", "streamflow_observed"} <= set(found.simulation)
    assert len(found.summary["seeds"]) == 2
    assert found.ledger.relative_residual.max() < 1e-5
    assert found.ledger.inflows["precipitation"].min() > 100
    first = {"start": "2002-10-01", "end": "2003-03-31", "save_state": tmp_path / "state"}
    rest = {"state": tmp_path / "state", "end": "2003-09-28"}  # as many days, so that one compilation serves both
    parts = [
        training.apply(tmp_path / "run", file=tmp_path / "world.nc", **days)["streamflow"] for days in (first, rest)
    ]
    whole = found.simulation["streamflow"].sel(time=slice(None, "2003-09-28"))
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5, atol=1e-5)


def test_climatology_is_the_mean_of_the_days_around(tmp_path):
    """Against pandas: the mean over all training observations within a week of the same day of the year, of 366."""
    dataset = world()
    config = settings({"reference": "climatology", "half_width": 7})
    training.train(config, tmp_path, dataset=dataset)
    found = training.evaluate(tmp_path, dataset=dataset)
    basin = dataset["streamflow"].isel(basin=1).to_series()
    train = basin["2000-10-01":"2002-09-30"]
    for day in ("2002-10-03", "2003-01-02", "2003-07-15"):
        around = [(pd.Timestamp(day).day_of_year + shift - 1) % 366 + 1 for shift in range(-7, 8)]
        near = train[train.index.day_of_year.isin(around)]
        simulated = found.simulation["streamflow"].isel(basin=1).sel(time=day)
        np.testing.assert_allclose(simulated, near.mean(), rtol=1e-5)
    assert (tmp_path / "metrics.csv").exists()
    with pytest.raises(DgeoError, match="climatology cannot be trained or run elsewhere"):
        training.apply(tmp_path)


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


def test_evolution_keeps_what_it_says(tmp_path):
    """Better than the first candidates within six generations; and the validation NSE of the last line of the history,
    for which all candidates of all basins were simulated at once, is that of the model it wrote, simulated alone.
    """
    dataset, rows = world(), []
    config = settings(CALIBRATION, evolution={"generations": 6, "population": 8})
    models = training.train(config, tmp_path, dataset=dataset, watch=rows.append)
    assert [row["evaluations"] for row in rows] == [8 * n for n in range(1, 7)]
    assert rows[-1]["loss"] < 0.9 * rows[0]["loss"]
    seen = dataset.sel(time=slice(None, "2002-09-30"))
    arrays = training.to_arrays(seen, config.model.needed_forcings, config.model.needed_attributes, ("streamflow",))
    flow, _ = training.run(models[0], arrays.inputs, ("streamflow",))
    held = seen["time"].values >= np.datetime64("2002-04-01")
    found = nse(flow["streamflow"][held], np.asarray(arrays.targets["streamflow"])[held])
    np.testing.assert_allclose(np.median(found), rows[-1]["validation"], rtol=1e-3)
    network = settings({"attributes": ATTRIBUTES, "components": 1}, evolution={"generations": 1})
    with pytest.raises(DgeoError, match=r"static\.source: table"):
        training.train(network, tmp_path / "network", dataset=dataset)


def test_an_evolution_that_was_killed_goes_on_bit_for_bit(tmp_path):
    """Stopped by hand in the second seed between two records, and killed there again: the same models and history."""
    dataset = world()
    config = settings(CALIBRATION, evolution={"generations": 5, "population": 4, "record_every": 2}, seeds=[0, 1])
    whole = training.train(config, tmp_path / "whole", dataset=dataset)
    for ending, at in ((KeyboardInterrupt, 3), (SystemExit, 4)):

        def watch(row, ending=ending, at=at):
            if (row["seed"], row["step"]) == (1, at):
                raise ending

        with pytest.raises(SystemExit if ending is SystemExit else DgeoError):
            training.train(config, tmp_path / "killed", resume=True, dataset=dataset, watch=watch)
    rows = []
    again = training.train(config, tmp_path / "killed", resume=True, dataset=dataset, watch=rows.append)
    assert [row["step"] for row in rows] == [4, 5]
    for seed, model in whole.items():
        arrays, others = (jax.tree.leaves(eqx.filter(found, eqx.is_array)) for found in (model, again[seed]))
        jax.tree.map(np.testing.assert_array_equal, arrays, others)
    histories = [pd.read_csv(tmp_path / name / "history.csv").drop(columns="seconds") for name in ("whole", "killed")]
    pd.testing.assert_frame_equal(*histories)


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
