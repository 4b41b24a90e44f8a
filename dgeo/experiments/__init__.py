"""Studies: the experiments that test the claims of differentiable modelling, under one protocol."""

from dgeo.errors import DgeoError, nearest
from dgeo.experiments import climate_shift, controls, data_scaling, extremes, hidden_variables, temporal, ungauged
from dgeo.experiments.cells import Cell, Test
from dgeo.experiments.models import MODELS, Model, configured
from dgeo.experiments.results import Results
from dgeo.experiments.runner import run_study
from dgeo.experiments.setting import BUDGETS, Setting, setting_named
from dgeo.experiments.statistics import Estimate, difference, median, verdict
from dgeo.experiments.study import Study
from dgeo.experiments.sums import yearly_sums

STUDIES = {
    module.STUDY.name: module.STUDY
    for module in (temporal, ungauged, data_scaling, extremes, climate_shift, hidden_variables, controls)
}

__all__ = [
    "BUDGETS",
    "MODELS",
    "STUDIES",
    "Cell",
    "Estimate",
    "Model",
    "Results",
    "Setting",
    "Study",
    "Test",
    "configured",
    "difference",
    "median",
    "run_study",
    "setting_named",
    "study_named",
    "verdict",
    "yearly_sums",
]


def study_named(name: str) -> Study:
    """A study by its name; raises `DgeoError` where there is none of it."""
    if name not in STUDIES:
        raise DgeoError(f"There is no study {name!r}; {nearest(name, STUDIES)}")
    return STUDIES[name]
