"""Where networks and physics join: parameters from networks, laws in slots, corrected forcings, routing, one model."""

from dgeo.hybrid.any_recipe import AnyRecipe, Simulator, build
from dgeo.hybrid.constraints import AtMost, Bounded, Factor, NonNegative, ZeroAt
from dgeo.hybrid.expression import expression_law
from dgeo.hybrid.forcing import ForcingCorrection
from dgeo.hybrid.forcing_recipe import ForcingRecipe, build_forcing
from dgeo.hybrid.inputs import Inputs, Layout
from dgeo.hybrid.law_recipe import LawRecipe, fill
from dgeo.hybrid.laws import NetworkLaw, network_law, network_laws
from dgeo.hybrid.model import Carry, Hybrid, parameters_of
from dgeo.hybrid.network_model import MassConservingNetwork, NetworkModel, RegressionNetwork
from dgeo.hybrid.network_recipe import NetworkRecipe
from dgeo.hybrid.parameters import FixedValues, Learned
from dgeo.hybrid.physics_recipe import PhysicsRecipe
from dgeo.hybrid.pretrain import pretrain
from dgeo.hybrid.recipe import Recipe, Statistics
from dgeo.hybrid.routing import GammaRouting
from dgeo.hybrid.saved import basins_of, load, read_recipe, save
from dgeo.hybrid.solver_recipe import SolverRecipe
from dgeo.hybrid.sources import AttributeNetwork, MovingAverageNetwork, RecurrentNetwork, Source, Table
from dgeo.hybrid.table import table_law
from dgeo.hybrid.visits import visits

__all__ = [
    "AnyRecipe",
    "AtMost",
    "AttributeNetwork",
    "Bounded",
    "Carry",
    "Factor",
    "FixedValues",
    "ForcingCorrection",
    "ForcingRecipe",
    "GammaRouting",
    "Hybrid",
    "Inputs",
    "LawRecipe",
    "Layout",
    "Learned",
    "MassConservingNetwork",
    "MovingAverageNetwork",
    "NetworkLaw",
    "NetworkModel",
    "NetworkRecipe",
    "NonNegative",
    "PhysicsRecipe",
    "Recipe",
    "RecurrentNetwork",
    "RegressionNetwork",
    "Simulator",
    "SolverRecipe",
    "Source",
    "Statistics",
    "Table",
    "ZeroAt",
    "basins_of",
    "build",
    "build_forcing",
    "expression_law",
    "fill",
    "load",
    "network_law",
    "network_laws",
    "parameters_of",
    "pretrain",
    "read_recipe",
    "save",
    "table_law",
    "visits",
]
