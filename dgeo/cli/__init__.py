"""The command line: one module for each group of commands, in the order in which `dgeo --help` lists them."""

from dgeo.cli import runs  # isort: skip
from dgeo.cli import probes  # isort: skip
from dgeo.cli import launch  # isort: skip
from dgeo.cli import experiments  # isort: skip
from dgeo.cli import studies  # isort: skip
from dgeo.cli import checks  # isort: skip
from dgeo.cli import benchmark  # isort: skip
from dgeo.cli.app import app, main

__all__ = ["app", "benchmark", "checks", "experiments", "launch", "main", "probes", "runs", "studies"]
