"""Where networks and physics join: parameters from networks, laws in slots, routing, one model."""

from dgeo.hybrid.inputs import Inputs, Layout
from dgeo.hybrid.model import Carry, Hybrid
from dgeo.hybrid.parameters import FixedValues, Learned
from dgeo.hybrid.recipe import Recipe, Statistics, build
from dgeo.hybrid.routing import GammaRouting
from dgeo.hybrid.saved import load, read_recipe, save
from dgeo.hybrid.sources import AttributeNetwork, MovingAverageNetwork, RecurrentNetwork, Source, Table

__all__ = [
    "AttributeNetwork",
    "Carry",
    "FixedValues",
    "GammaRouting",
    "Hybrid",
    "Inputs",
    "Layout",
    "Learned",
    "MovingAverageNetwork",
    "Recipe",
    "RecurrentNetwork",
    "Source",
    "Statistics",
    "Table",
    "build",
    "load",
    "read_recipe",
    "save",
]
