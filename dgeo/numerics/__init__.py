"""Numerics without geoscience: safe arithmetic, bounds, frozen leaves and stored trees."""

from dgeo.numerics.bounds import Bounds
from dgeo.numerics.frozen import Frozen, trainable
from dgeo.numerics.safe import at_least, minimum, positive_part, power
from dgeo.numerics.storage import read_metadata, read_tree, write_atomically, write_tree

__all__ = [
    "Bounds",
    "Frozen",
    "at_least",
    "minimum",
    "positive_part",
    "power",
    "read_metadata",
    "read_tree",
    "trainable",
    "write_atomically",
    "write_tree",
]
