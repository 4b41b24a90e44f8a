"""The one exception that users of dgeo meet."""

import difflib
from collections.abc import Iterable

LONGEST = 1200  # characters of a sentence; what a hostile file can put into one has no end


class DgeoError(ValueError):
    """Bad input, answered in one sentence that names the variable, the place, the value and the remedy.

    What came from a file cannot make it more than a line: control characters are written out, and of a very long
    sentence the middle is left out.
    """

    def __init__(self, sentence: object = "") -> None:
        super().__init__(one_line(str(sentence)))


def one_line(text: str) -> str:
    """The text as one line that is safe to print."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else ascii(character)[1:-1]


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause that lists the names closest to `name`, for the end of an error sentence."""
    names = sorted(known)
    close = difflib.get_close_matches(name[:200], names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"the known names are {', '.join(names)}."
