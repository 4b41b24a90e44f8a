"""The sentence that reaches the user stays one line, whatever a file puts into it."""

from hypothesis import given, strategies as st

from dgeo.errors import LONGEST, DgeoError, nearest


@given(st.text(max_size=50).map(lambda text: text * 60))
def test_a_sentence_is_one_printable_line(text):
    """No control character, no line end and no more than about its longest; what is printable stays as it is."""
    found = str(DgeoError(text))
    assert found.isprintable()
    assert len(found) <= 10 * LONGEST  # one character of another plane is written with ten
    if text.isprintable() and len(text) <= LONGEST:
        assert found == text


def test_control_characters_are_written_out():
    assert str(DgeoError("a\nb\x1b[31m\x00")) == "a b\\x1b[31m\\x00"


def test_a_name_without_end_finds_its_neighbours_in_no_time():
    """`difflib` takes the square of the length; a million characters would be hours."""
    assert nearest("rain" * 250_000, ["rain", "snow"]) == "the known names are rain, snow."
