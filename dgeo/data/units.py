r"""Unit strings read as products of powers, and conversion to the canonical unit of a variable.

A unit is a factor and powers of length, mass and time, so that `"mm/day"`, `"kg m-2 s-1"` and `"m3/s"` need
no table of their own. Two bridges join different dimensions: water of density 1000 kg m⁻³ turns a mass flux
into a depth, and the drainage area $A$ turns a volume flux into a depth,

$$q\,[\mathrm{mm\,d^{-1}}] = 86.4\; Q\,[\mathrm{m^3\,s^{-1}}] / A\,[\mathrm{km^2}].$$
"""

import re
from typing import NamedTuple

import numpy as np

from dgeo.errors import DgeoError

WATER_DENSITY = 1000.0
_FOOT = 0.3048


class Unit(NamedTuple):
    """SI value = `factor` × value + `offset`, with the powers of metre, kilogram and second."""

    factor: float
    powers: tuple[int, int, int]
    offset: float = 0.0


_BASE: dict[str, Unit] = {
    "m": Unit(1.0, (1, 0, 0)),
    "mm": Unit(1e-3, (1, 0, 0)),
    "cm": Unit(1e-2, (1, 0, 0)),
    "km": Unit(1e3, (1, 0, 0)),
    "in": Unit(0.0254, (1, 0, 0)),
    "ft": Unit(_FOOT, (1, 0, 0)),
    "mi": Unit(1609.344, (1, 0, 0)),
    "ha": Unit(1e4, (2, 0, 0)),
    "l": Unit(1e-3, (3, 0, 0)),
    "kg": Unit(1.0, (0, 1, 0)),
    "s": Unit(1.0, (0, 0, 1)),
    "min": Unit(60.0, (0, 0, 1)),
    "h": Unit(3600.0, (0, 0, 1)),
    "d": Unit(86400.0, (0, 0, 1)),
    "W": Unit(1.0, (2, 1, -3)),
    "kW": Unit(1e3, (2, 1, -3)),
    "J": Unit(1.0, (2, 1, -2)),
    "kJ": Unit(1e3, (2, 1, -2)),
    "MJ": Unit(1e6, (2, 1, -2)),
    "Pa": Unit(1.0, (-1, 1, -2)),
    "hPa": Unit(1e2, (-1, 1, -2)),
    "kPa": Unit(1e3, (-1, 1, -2)),
    "mbar": Unit(1e2, (-1, 1, -2)),
    "1": Unit(1.0, (0, 0, 0)),
}
_ALIASES = {
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("hour", "hours", "hr", "hrs"), "h"),
    **dict.fromkeys(("sec", "second", "seconds"), "s"),
    **dict.fromkeys(("foot", "feet"), "ft"),
    **dict.fromkeys(("inch", "inches"), "in"),
    **dict.fromkeys(("mile", "miles"), "mi"),
    **dict.fromkeys(("metre", "meter", "metres", "meters"), "m"),
    **dict.fromkeys(("L", "litre", "liter"), "l"),
    **dict.fromkeys(("watt", "watts", "Watt", "w"), "W"),
    **dict.fromkeys(("pa", "pascal", "Pascal"), "Pa"),
}
_TEMPERATURES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("degc", "c", "°c", "celsius", "deg_c", "degree_celsius", "degrees_celsius"), (1.0, 0.0)),
    **dict.fromkeys(("k", "kelvin", "degk", "deg_k"), (1.0, -273.15)),
    **dict.fromkeys(("degf", "f", "°f", "fahrenheit", "deg_f", "degrees_fahrenheit"), (5.0 / 9.0, -160.0 / 9.0)),
}
_WORDS = {"cfs": "ft3/s", "cms": "m3/s", "cumecs": "m3/s", "cusecs": "ft3/s"}
_TOKEN = re.compile(r"(?P<unit>[A-Za-z]+)(?P<power>[-+]?\d+)?")


def _token(text: str) -> tuple[Unit, int]:
    """One factor such as `m-2`: its unit and its power."""
    if text == "1":
        return _BASE["1"], 1
    match = _TOKEN.fullmatch(text)
    name = _ALIASES.get(match["unit"], match["unit"]) if match else text
    if match is None or name not in _BASE or len(match["power"] or "") > 3:
        raise DgeoError(f"The unit part '{text}' is not known; write units as 'mm d-1', 'm3 s-1', 'W m-2' or 'degC'.")
    return _BASE[name], int(match["power"] or 1)


def parse(text: str) -> Unit:
    """Read a unit string: factors joined by blanks, `*` or `.`, each part after a `/` divided by.

    Raises `DgeoError` where a factor is unknown.
    """
    plain = _WORDS.get(text.strip().lower(), text.strip()).replace("**", "").replace("^", "")
    if plain in ("", "-"):
        return _BASE["1"]
    factor, powers = 1.0, np.zeros(3, int)
    for place, part in enumerate(plain.translate(str.maketrans("²³", "23")).split("/")):
        sign = 1 if place == 0 else -1
        for item in re.split(r"[\s*.·]+", part.strip("() ")):
            unit, power = _token(item)
            factor *= unit.factor ** (sign * power)
            powers += sign * power * np.asarray(unit.powers)
    return Unit(factor, (int(powers[0]), int(powers[1]), int(powers[2])))


def _temperature(units: str) -> tuple[float, float]:
    """Scale and offset that turn a temperature into degrees Celsius."""
    try:
        return _TEMPERATURES[units.strip().lower().replace(" ", "_")]
    except KeyError:
        raise DgeoError(f"The temperature unit '{units}' is not known; write 'degC', 'K' or 'degF'.") from None


def scale(units: str, target: str, area: np.ndarray | None = None) -> tuple[np.ndarray | float, float]:
    """Factor and offset with which `factor * value + offset` has the unit `target`.

    `area` is the drainage area [km2] of each basin, needed to turn m3/s into mm/d; the factor then is an
    array over basins. Raises `DgeoError` where the two units do not measure the same thing, or the area is
    missing.
    """
    if target == "degC":
        return _temperature(units)
    source, goal = parse(units), parse(target)
    factor = source.factor / goal.factor
    difference = tuple(a - b for a, b in zip(source.powers, goal.powers, strict=True))
    if difference == (0, 0, 0):
        return factor, 0.0
    if difference == (-3, 1, 0):
        return factor / WATER_DENSITY, 0.0
    if difference == (2, 0, 0) and goal.powers == (1, 0, -1):
        return _over_area(factor, units, target, area), 0.0
    raise DgeoError(f"'{units}' cannot be converted to '{target}', because the two do not measure the same thing.")


def _over_area(factor: float, units: str, target: str, area: np.ndarray | None) -> np.ndarray:
    """Divide a volume flux by the drainage area, which has to be known for every basin."""
    if area is None or not np.all(np.isfinite(area) & (area > 0)):
        raise DgeoError(
            f"'{units}' needs the drainage area of every basin to become '{target}'; give the basins a "
            "coordinate 'area' in km2."
        )
    return np.asarray(factor / (area * 1e6))
