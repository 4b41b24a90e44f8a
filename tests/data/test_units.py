"""Unit strings and conversions, against numbers computed by hand."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.data.units import parse, scale
from dgeo.errors import DgeoError


@pytest.mark.parametrize(
    ("units", "target", "value", "expected"),
    [
        ("mm/day", "mm d-1", 3.0, 3.0),
        ("mm day**-1", "mm d-1", 3.0, 3.0),
        ("mm h-1", "mm d-1", 1.0, 24.0),
        ("m/d", "mm d-1", 0.002, 2.0),
        ("in/day", "mm d-1", 1.0, 25.4),
        ("kg m-2 s-1", "mm d-1", 1.0 / 86400, 1.0),
        ("kg/m2/s", "mm d-1", 2.0 / 86400, 2.0),
        ("W/m2", "W m-2", 150.0, 150.0),
        ("W/m²", "W m-2", 150.0, 150.0),
        ("MJ m-2 d-1", "W m-2", 8.64, 100.0),
        ("hPa", "Pa", 12.0, 1200.0),
        ("kPa", "Pa", 1.2, 1200.0),
        ("hours", "s", 12.0, 43200.0),
        ("m2", "km2", 5e6, 5.0),
        ("ha", "km2", 100.0, 1.0),
        ("K", "degC", 273.15, 0.0),
        ("degrees celsius", "degC", 7.0, 7.0),
        ("°C", "degC", 7.0, 7.0),
        ("degF", "degC", 212.0, 100.0),
    ],
)
def test_known_conversions(units: str, target: str, value: float, expected: float):
    """Definitions of the units: 1 in = 25.4 mm, 1 kg m⁻² of water = 1 mm, 1 MJ m⁻² d⁻¹ = 10⁶/86400 W m⁻²."""
    factor, offset = scale(units, target)
    np.testing.assert_allclose(factor * value + offset, expected, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize(("units", "flow"), [("m3/s", 10.0), ("m^3 s-1", 10.0), ("cms", 10.0), ("L/s", 1e4)])
def test_flow_over_area(units: str, flow: float):
    """10 m³/s for a day is 864,000 m³; over 864 km² that is 1 mm, over 86.4 km² it is 10 mm."""
    factor, _ = scale(units, "mm d-1", np.array([864.0, 86.4]))
    np.testing.assert_allclose(factor * flow, [1.0, 10.0], rtol=1e-12)


def test_cubic_feet():
    """One ft³/s is 0.3048³ m³/s = 0.028316846592 m³/s, hence 2.4465755 mm/d over one km²."""
    factor, _ = scale("ft3/s", "mm d-1", np.array([1.0]))
    np.testing.assert_allclose(factor, [2.446575545548800], rtol=1e-12)
    np.testing.assert_array_equal(factor, scale("cfs", "mm d-1", np.array([1.0]))[0])


@pytest.mark.parametrize("area", [None, np.array([np.nan]), np.array([0.0])])
def test_flow_without_area_is_refused(area: np.ndarray | None):
    """A depth needs the area it is spread over."""
    with pytest.raises(DgeoError, match="drainage area"):
        scale("m3/s", "mm d-1", area)


@pytest.mark.parametrize(
    ("units", "target", "words"),
    [
        ("mm", "mm d-1", "do not measure the same thing"),
        ("furlong/d", "mm d-1", "'furlong'"),
        ("mm month-1", "mm d-1", "'month-1'"),
        ("mm", "degC", "temperature unit 'mm'"),
    ],
)
def test_impossible_conversions_are_refused(units: str, target: str, words: str):
    """What cannot be meant is not guessed."""
    with pytest.raises(DgeoError, match=words):
        scale(units, target)


@given(st.sampled_from(["m", "mm", "kg", "s", "d", "W", "Pa", "J"]), st.integers(-4, 4).filter(bool))
def test_powers_multiply(name: str, power: int):
    """`m3` is `m m m`: factors and dimensions of a power are those of the repeated product."""
    text = f"{name}{power}"
    repeated = " ".join([name if power > 0 else f"{name}-1"] * abs(power))
    assert parse(text).powers == parse(repeated).powers
    np.testing.assert_allclose(parse(text).factor, parse(repeated).factor, rtol=1e-12)
