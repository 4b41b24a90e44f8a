"""The one exception that users of dgeo meet."""

import difflib
from collections.abc import Iterable


class DgeoError(ValueError):
    """Bad input, answered in one sentence that names the variable, the place, the value and the remedy."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause that lists the names closest to `name`, for the end of an error sentence."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"the known names are {', '.join(names)}."
