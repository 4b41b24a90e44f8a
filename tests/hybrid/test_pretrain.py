"""What laws see in a run, and teaching them the textbook: found again by numbers that are known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.hybrid.law_recipe import LawRecipe, fill
from dgeo.hybrid.pretrain import pretrain
from dgeo.hybrid.visits import visits
from dgeo.models import FixedParts, Formula, PerSite, hbv
from tests.hybrid.law_cases import SITES, STATISTICS, forcing, half_full, parameters, single

FORMULA = "min(1, (soil_moisture / field_capacity) ** b)"


def numbers(key):
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


@pytest.mark.parametrize("solver", [None, FixedParts(parts=1)], ids=["split", "rates"])
def test_visits_are_what_the_law_saw(solver, key):
    """Melt under the split sees the pack after the day's snowfall; under rates the pack that the day began with.

    The value is the law's own at these inputs, and what the step limits it to is the flux.
    """
    model = hbv() if solver is None else hbv(solver=solver)
    law = Formula(lambda p, t: jnp.maximum(t, 0) * p / (p + 10), ("snow_water_equivalent", "temperature"))
    model, given = model.with_laws({"melt": law}), parameters(model, numbers(key))
    series, _ = simulate(model, forcing(), given, outputs=("snowfall", "melt", "snow_water_equivalent"))
    seen, value = visits(model, "melt", forcing(), given)
    before = np.concatenate([np.full((1, SITES), 0.001), series["snow_water_equivalent"][:-1]])
    pack = before + (np.asarray(series["snowfall"]) if solver is None else 0)
    np.testing.assert_allclose(seen["snow_water_equivalent"], pack, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(seen["temperature"], forcing()["temperature"])
    np.testing.assert_allclose(value, np.maximum(seen["temperature"], 0) * pack / (pack + 10), rtol=1e-4, atol=1e-5)
    if solver is None:
        np.testing.assert_allclose(np.minimum(value, pack), series["melt"], rtol=1e-4, atol=1e-5)


def test_visits_of_components_joint_networks_and_own_laws(key):
    """Axes are those of the run; a law of each site's own gives what it gives there; nothing leaks out of the trace."""
    recipes = [
        LawRecipe(slots=("melt", "baseflow"), inputs=("temperature", "frac_forest"), width=4),
        LawRecipe(slots=("evaporation",), inputs=("soil_moisture",), width=4, per_basin=True),
    ]
    model = single(fill(hbv(), recipes, STATISTICS, key, SITES))
    given = parameters(model, numbers(key))
    doubled = Parameters({n: jnp.stack([x, x], axis=-1) for n, x in given.static.items()}, {}, components=True)
    seen, value = visits(model, "baseflow", forcing(), doubled)
    assert value.shape == seen["learned_baseflow"].shape == (60, SITES, 2)
    seen, value = visits(model, "evaporation", forcing(), doubled)
    for site in range(SITES):
        own = jax.tree.map(lambda x, at=site: x[at] if eqx.is_array(x) else x, model.laws["evaporation"].law)
        alone = own({"soil_moisture": seen["soil_moisture"][10, site, 1]})
        np.testing.assert_allclose(value[10, site, 1], alone, rtol=1e-5)


def test_constants_of_a_formula_are_those_of_the_textbook(key):
    """HBV's recharge is min((SM/FC)^β, 1): with a law for each site the exponents found are the parameters given.

    The textbook's form is the formula's, so the misfit goes to zero; 1 % is what 600 steps leave.
    """
    recipe = LawRecipe(
        slots=("recharge_fraction",), kind="expression", formula=FORMULA, constants={"b": 3.0}, per_basin=True
    )
    model = single(fill(hbv(), [recipe], {}, key, SITES))
    given = parameters(model, numbers(key))
    options = {"state": half_full(given), "steps": 600, "learning_rate": 0.05, "key": key}
    fitted, error = pretrain(model, "recharge_fraction", forcing(), given, **options)
    found = fitted.laws["recharge_fraction"].law.law.constants
    assert error["recharge_fraction"].shape == (SITES,)
    assert np.all(error["recharge_fraction"] < 0.01)
    np.testing.assert_allclose(found["b"], given.static["beta"], rtol=0.01)


def test_a_trained_network_does_what_the_textbook_does(key):
    """Two networks, one for two slots: afterwards they give the textbook's values to a tenth of their spread.

    Untrained, they miss by more than their spread; the run with them then follows the textbook's run (NSE > 0.9).
    """
    recipes = [
        LawRecipe(
            slots=("evaporation",),
            inputs=("soil_moisture", "field_capacity", "lp", "beta_et"),
            increasing=("soil_moisture",),
            factor=("potential_evapotranspiration",),
            width=8,
        ),
        LawRecipe(slots=("interflow", "baseflow"), inputs=("upper_zone", "lower_zone", "k1", "k2"), width=8),
    ]
    model = single(fill(hbv(), recipes, {}, key))
    given, slots = parameters(model, numbers(key)), ("evaporation", "interflow", "baseflow")
    options = {"state": half_full(given), "key": key}
    _, before = pretrain(model, slots, forcing(), given, steps=1, **options)
    fitted, error = pretrain(model, slots, forcing(), given, steps=800, **options)
    assert all(error[slot] < 0.15 and error[slot] < before[slot] / 3 for slot in slots), (before, error)
    runs = (simulate(m, forcing(), given, half_full(given), outputs=("runoff",)) for m in (hbv(), fitted))
    wanted, found = (outputs["runoff"] for outputs, _ in runs)
    assert 1 - np.var(found - wanted) / np.var(wanted) > 0.9


def test_another_law_may_be_the_teacher(key):
    """With `targets` a table of soil moisture learns a line of slope 0.01 through zero, which it can hold exactly."""
    recipe = LawRecipe(slots=("evaporation",), kind="table", inputs=("soil_moisture",), knots=5)
    model, line = single(fill(hbv(), [recipe], {}, key)), Formula(lambda s: 0.01 * s, ("soil_moisture",))
    given = parameters(model, numbers(key))
    fitted, error = pretrain(
        model, "evaporation", forcing(), given, targets={"evaporation": line}, steps=500, learning_rate=0.05, key=key
    )
    assert error["evaporation"] < 0.05
    moisture, _ = visits(fitted, "evaporation", forcing(), given)
    middle = jnp.median(moisture["soil_moisture"])
    np.testing.assert_allclose(fitted.laws["evaporation"]({"soil_moisture": middle}), 0.01 * middle, rtol=0.05)


def test_what_cannot_be_taught_is_said(key):
    """A formula has no weights; a name may be no slot."""
    given = parameters(hbv(), numbers(key))
    with pytest.raises(DgeoError, match="'melt' of HBV holds a Formula, in which nothing can be trained"):
        pretrain(hbv(), "melt", forcing(), given, key=key)
    with pytest.raises(DgeoError, match="did you mean melt"):
        pretrain(hbv(), "melts", forcing(), given, key=key)
    with pytest.raises(DgeoError, match="did you mean melt"):
        visits(hbv(), "melts", forcing(), given)


def test_own_laws_stay_own(key):
    """Each site's law learns its site: fitted at three sites at once, it is as if fitted at one alone."""
    recipe = LawRecipe(
        slots=("recharge_fraction",), kind="expression", formula=FORMULA, constants={"b": 3.0}, per_basin=True
    )
    model = single(fill(hbv(), [recipe], {}, key, SITES))
    given = parameters(model, numbers(key))
    options = {"steps": 300, "learning_rate": 0.05, "key": key}
    together, _ = pretrain(model, "recharge_fraction", forcing(), given, **options)
    first = jax.tree.map(lambda x: x[:1], given)
    weather = {name: series[:, :1] for name, series in forcing().items()}
    alone = single(fill(hbv(), [recipe], {}, key, 1))
    alone, _ = pretrain(alone, "recharge_fraction", weather, first, **options)
    assert isinstance(alone.laws["recharge_fraction"], PerSite)
    both = (m.laws["recharge_fraction"].law.law.constants["b"][0] for m in (together, alone))
    np.testing.assert_allclose(*both, rtol=1e-2)
