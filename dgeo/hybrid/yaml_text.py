"""YAML from anywhere: nothing in it is run, no text grows beyond its size, and no key counts twice.

A date without quotes stays the text that it is.
"""

from pathlib import Path
from typing import Any, cast

import yaml

from dgeo.data import limited_text
from dgeo.errors import DgeoError

LARGEST = 4_000_000  # bytes
DEEPEST = 50  # levels of sections in sections
MOST = 100_000  # values, those that aliases (*name) repeat counted again
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


def load_yaml(text: str) -> Any:
    """The content of a text; raises `yaml.YAMLError` for all that is no YAML, too deep, or grows by its aliases."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {}, set())
        return loader.construct_document(node)
    except (ValueError, OverflowError, RecursionError, TypeError) as error:  # numbers of 5000 digits, the 31st of June
        raise yaml.YAMLError(f"it holds a value that cannot be read ({error})") from error
    finally:
        loader.dispose()


def read_yaml(path: str | Path) -> Any:
    """The content of a YAML file; raises `DgeoError` for one that is missing, cannot be read, or is no YAML."""
    try:
        return load_yaml(limited_text(path, LARGEST))
    except OSError as error:
        raise DgeoError(f"The config {path} cannot be read ({error.strerror}); check the path.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DgeoError(f"The config {path} is no YAML: {' '.join(str(error).split())}; mend that line.") from error
    except ValueError as error:  # a name with a NUL in it, a file without an end
        raise DgeoError(f"The config {str(path)!r} cannot be read ({error}); check the path.") from error


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which also refuses depth and keys that come twice."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.YAMLError(f"its sections lie deeper in one another than {DEEPEST}")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.value != "<<":
                    raise yaml.YAMLError(f"the key {key.value!r} comes twice, again in line {key.start_mark.line + 1}")
                seen.add(key.value)
        return cast(dict[Any, Any], super().construct_mapping(node, deep))


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _count(node: yaml.Node, known: dict[int, int], above: set[int]) -> int:
    """How many values a node holds, repetitions counted; refuses one that holds itself."""
    if id(node) in above:
        raise yaml.YAMLError("an alias in it stands for something that holds itself")
    if id(node) not in known:
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        above.add(id(node))
        known[id(node)] = 1 + sum(_count(part, known, above) for part in parts)
        above.discard(id(node))
    if known[id(node)] > MOST:
        raise yaml.YAMLError(f"its aliases make more than {MOST} values of it")
    return known[id(node)]
