"""Virtual basins, whose truth is known, and scores of what a model learned without being shown."""

from dgeo.virtual.relations import HIDDEN_LAWS
from dgeo.virtual.scores import hidden_scores, recovery
from dgeo.virtual.world import VirtualWorld, basins

__all__ = ["HIDDEN_LAWS", "VirtualWorld", "basins", "hidden_scores", "recovery"]
