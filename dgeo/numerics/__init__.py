"""Numerics without geoscience: safe arithmetic, bounds, frozen leaves and stored trees."""

from dgeo.numerics.bounds import Bounds
from dgeo.numerics.frozen import Frozen, trainable
from dgeo.numerics.limits import Limits
from dgeo.numerics.safe import at_least, at_most, minimum, positive_part, power
from dgeo.numerics.storage import (
    count_numbers,
    left_behind,
    make_folder,
    read_metadata,
    read_tree,
    take_over,
    write_atomically,
    write_tree,
)
from dgeo.numerics.thresholds import HARD, Thresholds

__all__ = [
    "HARD",
    "Bounds",
    "Frozen",
    "Limits",
    "Thresholds",
    "at_least",
    "at_most",
    "count_numbers",
    "left_behind",
    "make_folder",
    "minimum",
    "positive_part",
    "power",
    "read_metadata",
    "read_tree",
    "take_over",
    "trainable",
    "write_atomically",
    "write_tree",
]
