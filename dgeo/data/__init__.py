"""Observations and forcings: readers, checks, splits, scaling and fingerprints."""

from dgeo.data.blocks import blocks_of, parts_of
from dgeo.data.camels_attributes import read_attributes
from dgeo.data.camels_us import read_prepared
from dgeo.data.camels_us_text import read_text
from dgeo.data.checks import check, existing
from dgeo.data.dataset import from_xarray, order_temperatures
from dgeo.data.fingerprint import fingerprint
from dgeo.data.leakage import check_leakage
from dgeo.data.scaling import Statistics, fill_attributes, statistics
from dgeo.data.selection import select, within
from dgeo.data.splits import (
    PUR_GROUPS,
    BasinSplit,
    Period,
    Split,
    TemporalSplit,
    load_split,
    pub_folds,
    pur_folds,
    water_years,
)
from dgeo.data.store import open_store, write_store
from dgeo.data.variables import COORDINATES, SERIES, Variable

__all__ = [
    "COORDINATES",
    "PUR_GROUPS",
    "SERIES",
    "BasinSplit",
    "Period",
    "Split",
    "Statistics",
    "TemporalSplit",
    "Variable",
    "blocks_of",
    "check",
    "check_leakage",
    "existing",
    "fill_attributes",
    "fingerprint",
    "from_xarray",
    "load_split",
    "open_store",
    "order_temperatures",
    "parts_of",
    "pub_folds",
    "pur_folds",
    "read_attributes",
    "read_prepared",
    "read_text",
    "select",
    "statistics",
    "water_years",
    "within",
    "write_store",
]
