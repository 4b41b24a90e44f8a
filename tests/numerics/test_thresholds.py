"""Rounded thresholds: how far they are from the hard ones, that they stay in range, and that their gradient lives."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.models import Budget, ContinuousModel, hbv, with_thresholds
from dgeo.numerics import HARD, Thresholds

widths = st.sampled_from([1e-3, 0.01, 0.05, 0.1, 0.3, 1.0, 3.0])
numbers = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)  # float32 is flushed to zero there
amounts = st.floats(0, 1e3, width=32, allow_subnormal=False)
ROUNDING = 1e-5  # of the size of what is compared: a few roundings of float32, 6e-8 each, and of its e^x


def real(x):
    return jnp.asarray(x, jnp.result_type(float))


@given(x=numbers, width=widths, scale=st.sampled_from([0.5, 1.0, 10.0]))
def test_the_positive_part_is_at_most_ln2_of_its_width_too_large(x, width, scale):
    """w·ln(1 + e^{x/w}) − max(x, 0) = w·ln(1 + e^{−|x|/w}) is never negative, and largest at x = 0: w·ln 2."""
    bias = float(Thresholds(width).positive_part(real(x), scale)) - max(x, 0.0)
    room = ROUNDING * (1 + abs(x))
    assert -room <= bias <= width * scale * math.log(2) + room


@given(a=amounts, b=amounts, width=widths)
def test_the_minimum_stays_between_nothing_and_the_smaller(a, b, width):
    """0 ≤ minimum ≤ min(a, b) whatever the width, and no more than w/(1 + w) of it is lost: shares stay shares."""
    found, smaller = float(Thresholds(width).minimum(real(a), real(b))), min(a, b)
    assert 0 <= found <= smaller * (1 + ROUNDING)
    assert smaller - found <= width / (1 + width) * smaller + ROUNDING * smaller


@pytest.mark.parametrize("width", [0.05, 0.5, 1.0])
def test_the_largest_biases_are_met(width):
    """The bounds are attained: w·ln 2 at x = 0; a·w/(1 + w) at a = b, by hand 2a²/(2a + 2wa) = a/(1 + w)."""
    assert float(Thresholds(width).positive_part(real(0.0))) == pytest.approx(width * math.log(2), rel=ROUNDING)
    assert float(Thresholds(width).minimum(real(3.0), real(3.0))) == pytest.approx(3 / (1 + width), rel=ROUNDING)


@given(a=numbers, b=numbers, width=widths)
def test_the_minimum_is_hard_where_nothing_is_there(a, b, width):
    """With a or b not positive there is no share to lose."""
    if min(a, b) <= 0:
        assert float(Thresholds(width).minimum(real(a), real(b))) == min(a, b)


@given(x=numbers, y=st.floats(2.0**-10, 1e3, width=32))
def test_narrow_thresholds_are_hard_ones(x, y):
    """With w = 1e-6, biases are below 1e-6 of the scale, and a step is passed after |x| > 2e-5."""
    narrow = Thresholds(1e-6)
    room = ROUNDING * (1 + abs(x))
    assert float(narrow.positive_part(real(x))) == pytest.approx(float(HARD.positive_part(real(x))), abs=room)
    assert float(narrow.minimum(real(x), real(y))) == pytest.approx(min(x, y), abs=room + ROUNDING * y)
    if abs(x) > 2e-5:
        assert float(narrow.step(real(x))) == pytest.approx(float(HARD.step(real(x))), abs=1e-6)


@pytest.mark.x64
@pytest.mark.parametrize("width", [0.1, 0.5, 1.0])
def test_derivatives_are_those_of_finite_differences(width, key):
    """Central differences of h = 1e-5: h²·f‴/6 ≤ 2e-11·f‴, with third derivatives below 1/(w·a)² = 1e6."""
    h, thresholds = 1e-5, Thresholds(width)
    a, b = jax.random.uniform(key, (2, 200), minval=0.01, maxval=5.0)
    for function, x in (
        (lambda x: thresholds.minimum(x, b), a),
        (lambda x: thresholds.minimum(b, x), a),
        (thresholds.positive_part, a - b),
        (thresholds.step, a - b),
    ):
        slopes = (function(x + h) - function(x - h)) / (2 * h)
        found = jax.grad(lambda x, function: jnp.sum(function(x)))(x, function)
        np.testing.assert_allclose(found, slopes, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("width", [0.0, 1e-20, 0.1, 1.0])
@pytest.mark.parametrize(("a", "b"), [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (1e-30, 1e-30), (-1.0, 1.0)])
def test_derivatives_are_finite_at_the_corners(a, b, width):
    """Zeros and ties, where √ and a/b have none of their own. Those of a minimum lie in 0…1 and are not both 0."""
    slopes = jax.grad(Thresholds(width).minimum, argnums=(0, 1))(real(a), real(b))
    assert all(0 <= slope <= 1 for slope in map(float, slopes))
    assert sum(map(float, slopes)) > 0.2


def test_a_negative_width_is_refused():
    with pytest.raises(ValueError, match=r"cannot be -0\.1 wide"):
        Thresholds(-0.1)


def snowy(model, threshold):
    """Runoff and stores of 20 days about freezing, as a function of the threshold temperature."""
    days = np.arange(20)
    forcing = {
        "precipitation": 5.0 * (days % 3 > 0),
        "temperature": 3 * np.sin(days),
        "potential_evapotranspiration": np.ones(20),
    }
    static = {name: real([parameter.default]) for name, parameter in model.parameters.items()}
    static["threshold_temperature"] = threshold[None]
    return simulate(model, {name: real(series)[:, None] for name, series in forcing.items()}, Parameters(static, {}))[0]


def test_a_rounded_model_has_a_live_snow_fraction():
    """d(snowfall)/d(threshold) is exactly 0 on both sides of a hard step. A rounded one snows more with a higher
    threshold."""
    model = hbv("1.0")

    def snowfall(threshold, model):
        return jnp.sum(snowy(model, threshold)["snowfall"])

    assert jax.grad(snowfall)(real(0.1), model) == 0
    assert jax.grad(snowfall)(real(0.1), with_thresholds(model, Thresholds(0.5))) > 1


def test_a_model_with_narrow_thresholds_is_the_hard_model():
    """And `HARD` gives back the model itself, to the last bit."""
    model = hbv("1.1p")
    rounded = with_thresholds(model, Thresholds(1e-5))
    wanted = snowy(model, real(0.1))
    for name, series in snowy(rounded, real(0.1)).items():
        np.testing.assert_allclose(series, wanted[name], rtol=1e-3, atol=1e-3)
    for name, series in snowy(with_thresholds(rounded, HARD), real(0.1)).items():
        np.testing.assert_array_equal(series, wanted[name])


def test_only_laws_with_a_threshold_are_switched():
    """Melt has one; the linear reservoir has none and stays what it was."""
    model = hbv("1.0")
    rounded = with_thresholds(model, Thresholds(0.2))
    assert dict(rounded.present_laws["melt"].options) == {"thresholds": Thresholds(0.2)}
    assert rounded.present_laws["baseflow"] is model.present_laws["baseflow"]
    assert dict(with_thresholds(rounded, Thresholds(0.4)).present_laws["melt"].options) == {
        "thresholds": Thresholds(0.4)
    }


def test_a_model_without_thresholds_says_so():
    class Tank(ContinuousModel):
        forcings: ClassVar = {}
        states: ClassVar = {}
        fluxes: ClassVar = {}
        all_parameters: ClassVar = {}
        budget = Budget({})

        def initial_state(self):
            return {}

        def rates(self, state, forcing, parameters):
            return {}

    with pytest.raises(DgeoError, match="No law of Tank has a threshold to round"):
        with_thresholds(Tank(), Thresholds(0.1))
