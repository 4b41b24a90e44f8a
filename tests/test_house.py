"""The rules of the house that neither the linter nor the import contracts can hold."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TREES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "dgeo").rglob("*.py"))
}
LONGEST_FILE = 300
LONGEST_FUNCTION = 60
RUN_WHAT_THEY_READ = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
RUNNING_CALLS = {"eval", "exec", "read_pickle", "tree_deserialise_leaves", "unsafe_load"}


def is_private(name: str) -> bool:
    """Whether a name starts with an underscore and is not one of Python's own."""
    return name.startswith("_") and not name.endswith("__")


def package_of(module: str) -> list[str]:
    """The package to which a module's private names belong: `dgeo.physics` for `dgeo.physics.snow`."""
    return module.split(".")[:2]


def imported_names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Each name that a module imports, with what it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)


def foreign_private_names(tree: ast.AST, module: str) -> Iterator[str]:
    """Private names of another package of dgeo, imported or reached through an imported module."""
    foreign = {
        name: target
        for name, target in imported_names(tree)
        if target.split(".")[0] == "dgeo" and package_of(target) != package_of(module)
    }
    yield from (target for target in foreign.values() if any(map(is_private, target.split("."))))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and ast.unparse(node.value) in foreign:
            yield ast.unparse(node)


def running_calls(tree: ast.AST) -> Iterator[str]:
    """Imports and calls that could run code which came with the data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in RUN_WHAT_THEY_READ)
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in RUN_WHAT_THEY_READ:
            yield node.module
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            pickled = any(word.arg == "allow_pickle" and ast.unparse(word.value) != "False" for word in node.keywords)
            if pickled or called == "yaml.load" or called.split(".")[-1] in RUNNING_CALLS:
                yield called


def public_definitions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """The functions and classes of a module, and the methods of those classes, that users may call."""
    tops = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    classes = [node for node in tops if isinstance(node, ast.ClassDef) and not is_private(node.name)]
    methods = [node for cls in classes for node in cls.body if isinstance(node, ast.FunctionDef)]
    yield from (node for node in tops + methods if not node.name.startswith("_"))


def test_files_are_read_in_one_sitting():
    """At most 300 lines: twice the median file of the libraries that are a pleasure to read."""
    lengths = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in TREES}
    assert not {path: length for path, length in lengths.items() if length > LONGEST_FILE}


def test_functions_are_seen_whole():
    """At most one screen of 60 lines, docstring included."""
    functions = [
        (f"{path}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    assert not [place for place, length in functions if length > LONGEST_FUNCTION]


def test_private_names_stay_in_their_package():
    """A leading underscore is a promise that only the package itself depends on the name."""
    found = {
        path: list(foreign_private_names(tree, path.removesuffix(".py").replace("/", ".")))
        for path, tree in TREES.items()
    }
    assert not {path: names for path, names in found.items() if names}


def test_nothing_read_from_a_file_is_run():
    """A model or a data file from a stranger must be harmless to open."""
    found = {path: list(running_calls(tree)) for path, tree in TREES.items()}
    assert not {path: calls for path, calls in found.items() if calls}


def test_public_things_are_documented():
    """At least nine in ten; the rest are those whose name says all."""
    definitions = [(path, node) for path, tree in TREES.items() for node in public_definitions(tree)]
    bare = [f"{path}:{node.lineno} {node.name}" for path, node in definitions if not ast.get_docstring(node)]
    assert len(bare) <= 0.1 * len(definitions), f"without a docstring: {bare}"


def test_every_import_is_a_declared_dependency():
    """What came along with something else today need not come along tomorrow."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    declared = {re.match(r"[\w-]+", requirement)[0].lower() for requirement in requirements}
    used = {target.split(".")[0] for tree in TREES.values() for _, target in imported_names(tree)}
    distributions = packages_distributions()
    for name in used - set(sys.stdlib_module_names) - {"dgeo"}:
        assert declared.intersection(map(str.lower, distributions[name])), f"{name} is not declared"


@pytest.mark.parametrize(
    "source",
    [
        "from dgeo.physics.snow import _melt",
        "from dgeo.physics import _snow",
        "import dgeo.physics.snow as snow\nsnow._melt(1)",
        "import dgeo.physics.snow\ndgeo.physics.snow._melt(1)",
        "from dgeo.physics import snow\nsnow._melt(1)",
    ],
)
def test_a_foreign_private_name_is_seen(source: str):
    """Each way to reach it is seen from another package, and allowed within its own."""
    assert list(foreign_private_names(ast.parse(source), "dgeo.models.hbv"))
    assert not list(foreign_private_names(ast.parse(source), "dgeo.physics.soil"))


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "import pickle",
        "from pickle import loads",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "yaml.load(text)",
    ],
)
def test_a_call_that_runs_what_it_reads_is_seen(source: str):
    """Each way to run what was read is seen, and its harmless sibling is not."""
    assert list(running_calls(ast.parse(source)))
    assert not list(running_calls(ast.parse("np.load(path, allow_pickle=False)\nyaml.safe_load(text)")))
