"""Scores of laws on known cases: the truth itself, constants, and a textbook's law that only lacks its parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo import virtual
from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.models import Formula, PerSite, hbv
from dgeo.virtual import VirtualWorld, fitted_textbook, law_score, truth_visits
from dgeo.virtual.law_scores import Visits, counted_visits


@pytest.fixture(scope="module")
def small() -> VirtualWorld:
    """A year of six basins, melt and evaporation hidden."""
    return virtual.basins(count=6, years=1, parts=2, noise=0.0, hidden=["melt", "evaporation"])


@pytest.fixture(scope="module")
def melt(small: VirtualWorld) -> Visits:
    """What the truth's law of melt saw, day by day."""
    return truth_visits(small, "melt")


def test_the_true_law_has_no_error_and_the_best_constant_one_of_one(small: VirtualWorld, melt: Visits):
    """√ mean (m − y)² = σ(y) for m the mean of y, by the definition of σ; the truth twice evaluated differs by rounding
    alone. Twice the truth has a bias of one."""
    law = small.physics.laws["melt"]
    perfect = law_score(law, melt)
    assert perfect["error"] < 1e-5
    assert abs(perfect["bias"]) < 1e-5
    mean = float(np.asarray(melt.given)[np.asarray(melt.counted)].mean())
    constant = law_score(Formula(lambda temperature: 0 * temperature + mean, ("temperature",)), melt)
    assert constant["error"] == pytest.approx(1, rel=1e-4)
    assert constant["bias"] == pytest.approx(0, abs=1e-4)
    double = law_score(Formula(lambda *x: 2 * law.function(*x), law.inputs), melt)
    assert double["bias"] == pytest.approx(1, rel=1e-4)


def test_every_visit_counts_once_and_no_other():
    """An error of 2 at half of the visits is √2 over the deviation; what is not counted may be anything."""
    given = jnp.asarray([[1.0, 3.0], [1.0, 3.0], [99.0, 99.0]])
    counted = jnp.asarray([[True, True], [True, True], [False, False]])
    visits = Visits({"x": jnp.asarray([[1.0, 5.0], [1.0, 5.0], [0.0, 0.0]])}, {}, given, counted)
    found = law_score(Formula(lambda x: x), visits)
    assert found == {"error": pytest.approx(np.sqrt(2) / 1.0), "bias": pytest.approx(0.5), "visits": 4}
    nowhere = law_score(Formula(lambda x: x), Visits(visits.values, {}, given, counted & False))
    assert np.isnan(nowhere["error"])


def test_only_steps_that_move_water_in_the_middle_of_the_states_count():
    """Of snow 0 … 100 mm, a tenth of the steps empty: 5 to 95 % of the others lie between their own quantiles, in each
    basin by itself; of recharge, only steps at which something comes."""
    model = hbv("1.0")
    snow = np.linspace(0, 100, 1001)[:, None] * np.array([1.0, 3.0])
    names = {**model.forcings, **model.states}
    values = {name: jnp.ones((1001, 2)) for name in names} | {"snow_water_equivalent": jnp.asarray(snow)}
    counted = np.asarray(counted_visits(model, "melt", values))
    for basin in range(2):
        there = snow[snow[:, basin] > 1.0, basin]
        low, high = np.quantile(there, (0.05, 0.95))
        np.testing.assert_array_equal(counted[:, basin], (snow[:, basin] >= low) & (snow[:, basin] <= high))
    values |= {"soil_inflow": jnp.tile(jnp.asarray([[0.0], [2.0]]), (501, 2))[:1001]}
    values |= {"soil_moisture": jnp.full((1001, 2), 80.0)}
    assert np.asarray(counted_visits(model, "recharge_fraction", values)).sum() == 2 * 500


def test_visits_by_day_are_those_of_the_truths_model_on_days(small: VirtualWorld):
    """Evaporation that the law gave, limited by the soil, is the flux of the same run by `simulate`."""
    visits = truth_visits(small, "evaporation")
    parameters = {name: jnp.asarray(small.truth[name].values) for name in small.physics.parameters}
    forcing = {name: jnp.asarray(small.dataset[name].values[1:]) for name in small.physics.forcings}
    state = {name: jnp.asarray(small.truth[name].values[0]) for name in small.physics.states}
    run, _ = simulate(small.physics, forcing, Parameters(parameters, {}), state, outputs=("evapotranspiration",))
    limited = np.minimum(np.asarray(visits.given), np.asarray(visits.values["soil_moisture"]))
    np.testing.assert_allclose(limited, run["evapotranspiration"], rtol=1e-5, atol=1e-6)


def test_visits_in_parts_of_the_day_are_those_of_the_truth(small: VirtualWorld):
    """The mean over each day of what the law gave, limited by the soil, is the evapotranspiration of the truth, which
    another loop has marched; float32 stores of some 100 mm carry differences of 1e-4 mm."""
    visits = truth_visits(small, "evaporation", parts=2)
    flux = np.minimum(np.asarray(visits.given), 2 * np.asarray(visits.values["soil_moisture"]))
    daily = flux.reshape(-1, 2, 6).mean(axis=1)
    np.testing.assert_allclose(daily, small.truth["evapotranspiration"].values[1:], atol=1e-3)


def test_a_fitted_textbook_starts_at_the_truth_and_follows_its_own_parameters():
    """At first it is the textbook's law; its gradient finds the melt of doubled degree-day factors, site by site."""
    model, factor = hbv("1.0"), jnp.asarray([2.0, 3.0])
    given = {"threshold_temperature": jnp.zeros(2), "degree_day_factor": factor}
    law = fitted_textbook(model, "melt", ("degree_day_factor",), given)
    assert isinstance(law, PerSite)
    values = {"temperature": jnp.asarray([[4.0, 4.0], [1.0, 2.0]])}
    visits = Visits(values, given, values["temperature"] * factor[None], jnp.ones((2, 2), bool))
    assert law_score(law, visits)["error"] < 1e-5
    other = jax.tree.map(lambda z: 0 * z, law)  # the middle of the bounds, 5.25
    assert law_score(other, visits)["bias"] == pytest.approx(5.25 * 11 / (2 * 5 + 3 * 6) - 1, rel=1e-5)


def test_what_is_not_known_is_named(small: VirtualWorld, melt: Visits):
    """A name that no visit has, a parameter that the law does not read."""
    with pytest.raises(DgeoError, match="reads 'humidity'"):
        law_score(Formula(lambda humidity: humidity), melt)
    with pytest.raises(DgeoError, match="no parameter 'beta' to fit"):
        fitted_textbook(small.physics, "melt", ("beta",), {"beta": jnp.ones(6)})
    with pytest.raises(DgeoError, match="no slot 'mlet'"):
        truth_visits(small, "mlet")
