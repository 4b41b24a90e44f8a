"""Assembled simulators, and what a simulator is."""

from dgeo.models.aquifer import Aquifer, Grid, grid
from dgeo.models.bucket import Bucket, bucket
from dgeo.models.carbon import Carbon, ecosystem, two_pools
from dgeo.models.cascade import Cascade, cascade
from dgeo.models.column import Layers
from dgeo.models.diffusive_river import DiffusiveRiver
from dgeo.models.exphydro import ExpHydro, exphydro
from dgeo.models.gr4j import GR4J, gr4j
from dgeo.models.hbv import HBV, hbv
from dgeo.models.law import Formula, Joint, Law, PerSite, Reading, Slot, Values
from dgeo.models.leaf import Leaf, leaf
from dgeo.models.model import Budget, Marching, Model, Parameter, Variable
from dgeo.models.neural_ode import NeuralODE, neural_ode
from dgeo.models.nonsense import NonSense, nonsense
from dgeo.models.ode import ContinuousModel
from dgeo.models.reaches import Reaches, joined, reaches
from dgeo.models.registry import MODELS, model_named, register
from dgeo.models.residual import with_residuals
from dgeo.models.richards import Richards, Roots, richards
from dgeo.models.river import River
from dgeo.models.shm import SHM, shm
from dgeo.models.smoothing import with_thresholds
from dgeo.models.snowpack import Snowpack, snowpack
from dgeo.models.soil_heat import SoilHeat, soil_heat_column
from dgeo.models.solvers import Adaptive, FixedParts, ImplicitEuler, OperatorSplit, Solver, Substeps
from dgeo.models.stream import Oxygen, Solute, StreamTemperature
from dgeo.models.surface import Surface, surface
from dgeo.models.transport import Line, Transport, line

__all__ = [
    "GR4J",
    "HBV",
    "MODELS",
    "SHM",
    "Adaptive",
    "Aquifer",
    "Bucket",
    "Budget",
    "Carbon",
    "Cascade",
    "ContinuousModel",
    "DiffusiveRiver",
    "ExpHydro",
    "FixedParts",
    "Formula",
    "Grid",
    "ImplicitEuler",
    "Joint",
    "Law",
    "Layers",
    "Leaf",
    "Line",
    "Marching",
    "Model",
    "NeuralODE",
    "NonSense",
    "OperatorSplit",
    "Oxygen",
    "Parameter",
    "PerSite",
    "Reaches",
    "Reading",
    "Richards",
    "River",
    "Roots",
    "Slot",
    "Snowpack",
    "SoilHeat",
    "Solute",
    "Solver",
    "StreamTemperature",
    "Substeps",
    "Surface",
    "Transport",
    "Values",
    "Variable",
    "bucket",
    "cascade",
    "ecosystem",
    "exphydro",
    "gr4j",
    "grid",
    "hbv",
    "joined",
    "leaf",
    "line",
    "model_named",
    "neural_ode",
    "nonsense",
    "reaches",
    "register",
    "richards",
    "shm",
    "snowpack",
    "soil_heat_column",
    "surface",
    "two_pools",
    "with_residuals",
    "with_thresholds",
]
