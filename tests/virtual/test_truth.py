"""The truth: days in parts and back, another discretisation than a learner's, and the same limit as both are
refined."""

import jax.numpy as jnp
import numpy as np
import pytest

from dgeo import virtual
from dgeo.engine import Parameters, simulate
from dgeo.virtual import VirtualWorld
from dgeo.virtual.disaggregate import disaggregate
from dgeo.virtual.observation import observe

NAMES = ("precipitation", "temperature", "temperature_min", "temperature_max", "potential_evapotranspiration")


def test_parts_of_a_day_keep_its_means(world: VirtualWorld):
    """Precipitation and evaporation sum to the day's, the cosine of temperature to nothing; all to float32
    rounding."""
    for day in (0, 180, 300):
        means = {name: jnp.asarray(world.dataset[name].values[day]) for name in NAMES}
        latitude = jnp.asarray(world.dataset["latitude"].values, jnp.float32)
        parts = disaggregate(means, latitude, jnp.float32(day + 1), 24)
        for name, series in parts.items():
            assert series.shape[0] == 24
            np.testing.assert_allclose(series.mean(axis=0), means[name], rtol=1e-5, atol=2e-5)


def test_rain_comes_in_the_afternoon_when_it_is_warm_and_the_sun_is_up_by_day():
    """Above 20 °C half of the rain falls in four hours, at or below 0 °C it falls evenly; at night nothing
    evaporates."""
    means = {"precipitation": [10.0, 10.0], "temperature": [25.0, -3.0], "potential_evapotranspiration": [5.0, 1.0]}
    means |= {"temperature_min": [20.0, -8.0], "temperature_max": [30.0, 2.0]}
    day = {name: jnp.asarray(value, jnp.float32) for name, value in means.items()}
    parts = disaggregate(day, jnp.asarray([40.0, 40.0], jnp.float32), jnp.float32(172), 24)
    rain = np.asarray(parts["precipitation"])
    assert 0.45 < rain[15:19, 0].sum() / rain[:, 0].sum() < 0.65
    np.testing.assert_allclose(rain[:, 1], 10, rtol=1e-6)
    assert not parts["potential_evapotranspiration"][:4].any()
    np.testing.assert_allclose(parts["temperature"].max(axis=0), [30, 2], atol=0.1)


def test_the_truth_is_not_what_a_learner_computes(world: VirtualWorld):
    """The same laws and parameters on daily steps and means miss the truth visibly, but not wildly: by 2 to 50 % of
    its deviation at the median basin. (Snow, most sensitive of all, differs by more: the noon of a freezing day may
    melt.)"""
    parameters = {name: jnp.asarray(world.truth[name].values) for name in world.physics.parameters}
    forcing = {name: jnp.asarray(world.dataset[name].values) for name in NAMES}
    kept = ("runoff", "evapotranspiration", "soil_moisture")
    daily, _ = simulate(world.physics, forcing, Parameters(parameters, {}), outputs=kept)
    for name in kept:
        truth, learner = world.truth[name].values[731:], np.asarray(daily[name])[731:]  # the learner starts empty
        relative = np.sqrt(((truth - learner) ** 2).mean(axis=0)) / truth.std(axis=0)
        assert 0.02 < np.median(relative) < 0.5


def test_the_truth_converges_as_its_steps_are_refined(world: VirtualWorld):
    """The error of a first-order scheme halves with the step: from 8 steps a day to 16 flow and evaporation move by
    less than two thirds of what they moved from 4 to 8."""
    coarse, fine = (virtual.basins(count=60, years=3, gaps=0.1, parts=parts).truth for parts in (4, 16))
    for name in ("streamflow", "evapotranspiration"):
        before, after = (np.abs(other[name] - world.truth[name]).values.mean() for other in (coarse, fine))
        assert after < 0.67 * before


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.5])
def test_noise_is_relative_and_does_not_bias(noise: float):
    """observed/truth has mean 1 and the given deviation: of 5·10⁵ numbers, to 4/√(5·10⁵) of it (0.006), more for a
    skewed one."""
    truth = np.exp(np.sin(np.arange(5000.0)))[:, None] * np.ones((1, 100))
    ratio = observe(0, truth, noise, 0.0) / truth
    assert abs(ratio.mean() - 1) < 0.006 * noise + 1e-6
    assert abs(ratio.std() - noise) < 0.02 * noise + 1e-6
    assert np.all(ratio > 0)


@pytest.mark.parametrize("gaps", [0.0, 0.1, 0.6])
def test_gaps_are_as_many_and_as_long_as_they_should_be(gaps: float):
    """The share of missing days is `gaps`, their runs last 30 days on average.

    300 basins × 4000 days hold some 300·4000·gaps/30 runs, 4000 of them for a tenth: shares and lengths to
    1/√4000 of their own size (the length of a run varies as much as its mean), taken five times. Runs cut
    by either end count as whole ones.
    """
    missing = np.isnan(observe(0, np.ones((4000, 300)), 0.2, gaps))
    assert abs(missing.mean() - gaps) <= 0.08 * gaps
    if gaps:
        runs = missing[0].sum() + (missing[1:] & ~missing[:-1]).sum()
        assert abs(missing.sum() / runs - 30) < 2.5


def test_observations_surround_the_truth(world: VirtualWorld):
    """A tenth is missing, and the rest departs from the truth by a fifth."""
    observed = world.dataset["streamflow"].values
    assert abs(np.isnan(observed).mean() - 0.1) < 0.02
    assert abs(np.nanstd(observed / world.truth["streamflow"].values) - 0.2) < 0.005
