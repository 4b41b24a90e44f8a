"""Assembled simulators, and what a simulator is."""

from dgeo.models.hbv import HBV, hbv
from dgeo.models.law import Formula, Joint, Law, PerSite, Reading, Slot, Values
from dgeo.models.model import Budget, Model, Parameter, Variable
from dgeo.models.ode import ContinuousModel
from dgeo.models.residual import with_residuals
from dgeo.models.solvers import Adaptive, FixedParts, ImplicitEuler, OperatorSplit, Solver, Substeps

__all__ = [
    "HBV",
    "Adaptive",
    "Budget",
    "ContinuousModel",
    "FixedParts",
    "Formula",
    "ImplicitEuler",
    "Joint",
    "Law",
    "Model",
    "OperatorSplit",
    "Parameter",
    "PerSite",
    "Reading",
    "Slot",
    "Solver",
    "Substeps",
    "Values",
    "Variable",
    "hbv",
    "with_residuals",
]
