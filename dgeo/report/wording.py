"""Names, units and numbers as a reader expects them."""

import math

_ABBREVIATIONS = {"nse", "kge", "rmse", "mae", "fhv", "flv", "fms", "bfi"}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_DEGREES = {"degC": "°C", "degree": "°", "degrees": "°"}


def label(name: str) -> str:
    """`log_nse` as `Log NSE`, `field_capacity` as `Field capacity`."""
    words = [word.upper() if word in _ABBREVIATIONS else word for word in name.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def unit_text(units: str) -> str:
    """CF units for the eye: `mm d-1` as `mm d⁻¹`, `degC` as `°C`; `1` and nothing as nothing."""
    if units in {"", "1", "-"}:
        return ""
    return " ".join(_factor(part) for part in units.split())


def _factor(part: str) -> str:
    base = part.rstrip("-0123456789")
    return _DEGREES.get(base, base) + part[len(base) :].translate(_SUPERSCRIPTS)


def with_units(text: str, units: str) -> str:
    """`Streamflow [mm d⁻¹]`, without brackets for a pure number."""
    pretty = unit_text(units)
    return f"{text} [{pretty}]" if pretty else text


def number(value: object) -> str:
    """Three decimals, fewer for large and scientific for tiny numbers; a dash where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "–" if value is None or isinstance(value, float) else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if value != 0 and abs(value) < 5e-4:
        return f"{value:.1e}"
    return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.1f}"


def compact(value: float) -> str:
    """Three significant digits, without trailing zeros; a dash where there is no number."""
    return f"{float(f'{value:.3g}'):,.10g}" if math.isfinite(value) else "–"


def percent(share: float) -> str:
    """A share of one as a percentage, with a dash for NaN."""
    return f"{100 * share:.1f} %" if math.isfinite(share) else "–"


def duration(seconds: object) -> str:
    """Seconds as `12.3 s`, `3 min 40 s` or `2 h 05 min`."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
