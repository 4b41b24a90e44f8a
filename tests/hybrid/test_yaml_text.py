"""YAML of strangers: small texts that grow, hold themselves, or ask to be run."""

import pytest
import yaml
from hypothesis import given, strategies as st

from dgeo.errors import DgeoError
from dgeo.hybrid.yaml_text import MOST, load_yaml, read_yaml


def bomb(levels, width):
    """`width ** levels` values in `levels` lines."""
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels + 1)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (bomb(9, 10), f"aliases make more than {MOST} values"),
        ("a: &a {b: *a}", "holds itself"),
        ("a: &a [*a]", "holds itself"),
        ("[" * 100_000, "deeper in one another"),
        ("{a: " * 20_000, "deeper in one another"),
        ("a: 1\nb: 2\na: 3\n", "the key 'a' comes twice, again in line 3"),
        ("a: {b: 1, b: 2}", "the key 'b' comes twice"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("!!python/name:os.system", "could not determine a constructor"),
        ("!!timestamp 2000-06-31", "cannot be read"),
        ("9" * 5000, "cannot be read"),
        ("a: \x00", "special characters are not allowed"),
    ],
)
def test_hostile_yaml_is_refused(text, words):
    """Each at once, and by YAML's own kind of error, which the readers of configs turn into sentences."""
    with pytest.raises(yaml.YAMLError, match=words):
        load_yaml(text)


def test_files_that_have_no_end_are_refused():
    with pytest.raises(DgeoError, match=r"/dev/zero' cannot be read \(it is larger than 4 MB\)"):
        read_yaml("/dev/zero")
    with pytest.raises(DgeoError, match="embedded null byte"):
        read_yaml("a\0b")


def test_a_date_needs_no_quotes():
    """YAML makes dates of such words, and a config wants the words."""
    assert load_yaml("train: [2000-10-01, 2002-09-30]") == {"train": ["2000-10-01", "2002-09-30"]}


def test_anchors_and_merges_work():
    assert load_yaml("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: *a\n")["b"] == {"x": 1, "y": 2}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_what_yaml_writes_comes_back(value):
    """Any content of a config is read as PyYAML wrote it."""
    assert load_yaml(yaml.safe_dump(value)) == value


@given(st.text("[]{}&*:-,!|>%@`'\"\n ab0.<", max_size=40))
def test_any_text_is_read_or_refused(text):
    """Never another error than YAML's own, and where both read it, PyYAML's own content."""
    try:
        found = load_yaml(text)
    except yaml.YAMLError:
        return
    assert found == yaml.safe_load(text)
