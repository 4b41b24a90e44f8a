"""Tables as laws: against numpy's and scipy's interpolation, the textbook they start from, and their constraints."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from dgeo.errors import DgeoError
from dgeo.hybrid.table import table_law
from dgeo.models import hbv
from dgeo.numerics import trainable

KNOTS = {"soil_moisture": (0.0, 50.0, 120.0, 300.0), "temperature": (-5.0, 0.0, 10.0)}


def test_one_input_is_numpy_interp():
    """At, between and beyond the knots; the derivative is the slope to the right, and 0 beyond."""
    table = table_law(hbv(), "evaporation", ("soil_moisture",), knots=KNOTS)
    x = jnp.asarray([-10.0, 0.0, 25.0, 50.0, 119.0, 300.0, 400.0])
    y = jax.vmap(lambda x: table({"soil_moisture": x}))(x)
    np.testing.assert_allclose(y, np.interp(x, KNOTS["soil_moisture"], table.values), rtol=1e-6)
    slopes = jax.vmap(jax.grad(lambda x: table({"soil_moisture": x})))(x)
    right = np.diff(table.values) / np.diff(KNOTS["soil_moisture"])
    np.testing.assert_allclose(slopes, [0, right[0], right[0], right[1], right[1], 0, 0], rtol=1e-4, atol=1e-7)


def test_two_inputs_are_scipys_grid(key):
    """Bilinear, against `RegularGridInterpolator`; only the values are trained."""
    table = table_law(hbv(), "melt", tuple(KNOTS), knots=KNOTS)
    x = np.stack([np.linspace(0, 300, 23), np.linspace(10, -5, 23)], axis=-1)
    found = jax.vmap(lambda a, b: table(dict(zip(KNOTS, (a, b), strict=True))))(*map(jnp.asarray, x.T))
    grid = RegularGridInterpolator(tuple(KNOTS.values()), np.asarray(table.values, float))
    np.testing.assert_allclose(found, grid(x), rtol=1e-4, atol=1e-5)
    assert sum(jax.tree.leaves(trainable(table))) == 1


def test_table_starts_as_the_textbook():
    """At the knots it gives HBV's evaporation with E = 3 mm d⁻¹ and default parameters, but for the limit at zero."""
    model = hbv("1.0")
    table = table_law(model, "evaporation", ("soil_moisture",), knots=KNOTS)
    wanted = 3.0 * np.minimum(np.asarray(KNOTS["soil_moisture"]) / (0.7 * 250.0), 1)
    np.testing.assert_allclose(table.values, wanted, rtol=1e-5, atol=1e-3 * 3 * 1.01)


@pytest.mark.parametrize("direction", ["increasing", "decreasing"])
def test_monotone_table_is_monotone_for_any_numbers(direction, key):
    """Steps of one sign add up, along the axis asked for alone, within the limits of the slot."""
    model = hbv()
    table = table_law(model, "recharge_fraction", tuple(KNOTS), knots=KNOTS, **{direction: ("temperature",)})
    values = jax.vmap(lambda k: _drawn(table, k).values)(jax.random.split(key, 50))
    steps = np.diff(values, axis=2) * (1 if direction == "increasing" else -1)
    assert np.all(steps >= 0)
    assert np.any(np.diff(values, axis=1) > 0)
    assert np.any(np.diff(values, axis=1) < 0)
    assert np.all((values >= 0) & (values <= 1))


def _drawn(table, key):
    return type(table)(
        3 * jax.random.normal(key, table.z.shape), table.knots, table.names, table.limits, table.monotone
    )


def test_rising_table_starts_as_a_rising_textbook():
    """The cumulative form holds the same values, where the textbook rises; flat stretches rise by a hundredth in z."""
    wanted = table_law(hbv(), "evaporation", ("soil_moisture",), knots=KNOTS).values
    found = table_law(hbv(), "evaporation", ("soil_moisture",), knots=KNOTS, increasing=("soil_moisture",)).values
    np.testing.assert_allclose(found, wanted, rtol=0.02)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"knots": {"soil_moisture": (1.0, 0.0)}}, "two or more rising knots for 'soil_moisture'"),
        ({"knots": {}}, "two or more rising knots"),
        ({"increasing": ("temperature",)}, "monotone in one of its inputs"),
    ],
)
def test_wrong_tables_are_refused(options, sentence):
    with pytest.raises(DgeoError, match=sentence):
        table_law(hbv(), "evaporation", ("soil_moisture",), **options)
