"""dgeo: differentiable geoscientific modelling in JAX.

Put a question mark anywhere in a physical model, a network in the question mark, and train the whole from data.
The packages, from the bottom up: `numerics`, `physics`, `models`, `engine`, `nn`, `hybrid`, `virtual`, `check`, `data`,
`metrics`, `training`, `report`.
"""

from dgeo.engine import Parameters, keep_compilations, simulate, use_wide_vectors
from dgeo.errors import DgeoError
from dgeo.hybrid import Hybrid, Inputs, Recipe, build, load, save
from dgeo.models import Budget, Formula, Model, Parameter, Variable, hbv

__version__ = "0.1.0"

use_wide_vectors()
keep_compilations()

__all__ = [
    "Budget",
    "DgeoError",
    "Formula",
    "Hybrid",
    "Inputs",
    "Model",
    "Parameter",
    "Parameters",
    "Recipe",
    "Variable",
    "build",
    "hbv",
    "load",
    "save",
    "simulate",
]
