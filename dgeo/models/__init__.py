"""Assembled simulators, and what a simulator is."""

from dgeo.models.hbv import HBV, hbv
from dgeo.models.model import Budget, Formula, Law, Model, Parameter, Values, Variable

__all__ = ["HBV", "Budget", "Formula", "Law", "Model", "Parameter", "Values", "Variable", "hbv"]
