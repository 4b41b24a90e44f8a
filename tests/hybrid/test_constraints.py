"""Each constraint holds by construction, around laws of every kind, and leaves alone what needs no holding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.hybrid.constraints import AtMost, Bounded, Factor, NonNegative, ZeroAt
from dgeo.hybrid.expression import expression_law
from dgeo.hybrid.laws import network_law
from dgeo.hybrid.table import table_law
from dgeo.models import Formula, PerSite, hbv

number = st.floats(-1e4, 1e4, width=32)
LAW = Formula(lambda y: y, ("y",), attributes=("y",))


def at(law, **values):
    return law({name: jnp.asarray(value, float) for name, value in values.items()})


@given(y=number, store=st.floats(0, 1e4, width=32), tau=st.floats(0.25, 30))
def test_storage_limit_holds_and_keeps_the_sign(y, store, tau):
    """|flux| ≤ S/τ and ≤ |y|, of the sign of y, as tanh is odd, below 1 and below its argument; a rounding aside."""
    flux = float(at(AtMost(LAW, "store", tau), y=y, store=store))
    assert abs(flux) <= min(store / tau, abs(y)) * (1 + 1e-5)
    assert flux * y >= 0


@pytest.mark.x64
def test_storage_limit_is_nothing_where_there_is_plenty():
    """tanh r = r − r³/3 + …: at a hundredth of the store a flux loses 1e-4/3 of itself, and 1e-8 to the guard."""
    np.testing.assert_allclose(at(AtMost(LAW, "store"), y=1.0, store=100.0), 1 - 1e-4 / 3, rtol=1e-7)


@given(y=number, x=number)
def test_values_are_within(y, x):
    """Signs, bounds and zeros for any number a law may give, at any value of the store, negative ones included."""
    assert at(NonNegative(LAW), y=y) >= 0
    assert -1 <= at(Bounded(LAW, -1.0, 2.0), y=y) <= 2
    assert abs(at(ZeroAt(LAW, "x", 10.0), y=y, x=x)) <= (0 if x <= 0 else abs(y))
    assert at(Factor(NonNegative(LAW), ("x",)), y=y, x=x) >= 0


def test_values_that_need_no_holding_stay():
    """Inside its range every constraint is the identity; a factor is a product; zero is left over its scale."""
    assert at(NonNegative(Bounded(LAW, -1.0, 2.0)), y=1.5) == 1.5
    assert at(Factor(LAW, ("x",), (4.0,)), y=3.0, x=8.0) == 6.0
    np.testing.assert_allclose(at(ZeroAt(LAW, "x", 1.0), y=3.0, x=20.0), 3.0, rtol=1e-6)


@pytest.mark.parametrize("kind", ["formula", "network", "table", "expression", "per site"])
def test_constraints_compose_with_every_kind_of_law(kind, key):
    """Around each: names are propagated, values held, and derivatives finite at an empty store and a dry day."""
    inputs = ("soil_moisture", "potential_evapotranspiration", "frac_forest")
    network = network_law(hbv(), "evaporation", inputs, statistics={"frac_forest": (0.5, 0.2)}, key=key)
    law = {
        "formula": Formula(lambda s, e, f: s * e * f, inputs, attributes=("frac_forest",)),
        "network": network,
        "table": table_law(hbv(), "evaporation", inputs, knots=2, statistics={"frac_forest": (0.5, 0.2)}),
        "expression": expression_law(" * ".join(inputs), attributes=("frac_forest",)),
        "per site": PerSite(network),
    }[kind]
    held = AtMost(Bounded(ZeroAt(Factor(law, ("temperature",)), "upper_zone", 5.0), 0.0, 50.0), "lower_zone")
    assert set(held.inputs) == {*inputs, "temperature", "upper_zone", "lower_zone"}
    assert held.attributes == ("frac_forest",)
    names = held.inputs
    full = dict.fromkeys(names, jnp.asarray(30.0))
    assert 0 < held(full) <= 30
    both = jax.jit(jax.value_and_grad(lambda v: held(v)))
    for empty in ("upper_zone", "lower_zone", "temperature"):
        value, slopes = both({**full, empty: jnp.asarray(0.0)})
        assert value == 0
        assert all(np.isfinite(slope) for slope in slopes.values())
        assert slopes[empty] > 0  # a store that is empty still learns that water in it would flow


def test_empty_bounds_are_refused():
    with pytest.raises(ValueError, match="low < high"):
        Bounded(LAW, 1.0, 1.0)
