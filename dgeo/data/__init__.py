"""Observations and forcings: readers, checks, splits, scaling and fingerprints."""

from dgeo.data.blocks import blocks_of, parts_of
from dgeo.data.camels_attributes import read_attributes
from dgeo.data.camels_us import read_prepared
from dgeo.data.camels_us_text import read_text
from dgeo.data.checks import check, existing
from dgeo.data.climate import with_climate_of, without_meaning
from dgeo.data.dataset import from_xarray, order_temperatures
from dgeo.data.fingerprint import fingerprint
from dgeo.data.fractions import basin_fractions, some_years
from dgeo.data.growing import grow_store
from dgeo.data.leakage import check_leakage
from dgeo.data.limited import limited_text
from dgeo.data.netcdf import read_netcdf
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
from dgeo.data.years import YearSplit, extreme_years, random_years, ranked_years, water_year, whole_years, year_mask

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
    "YearSplit",
    "basin_fractions",
    "blocks_of",
    "check",
    "check_leakage",
    "existing",
    "extreme_years",
    "fill_attributes",
    "fingerprint",
    "from_xarray",
    "grow_store",
    "limited_text",
    "load_split",
    "open_store",
    "order_temperatures",
    "parts_of",
    "pub_folds",
    "pur_folds",
    "random_years",
    "ranked_years",
    "read_attributes",
    "read_netcdf",
    "read_prepared",
    "read_text",
    "select",
    "some_years",
    "statistics",
    "water_year",
    "water_years",
    "whole_years",
    "with_climate_of",
    "within",
    "without_meaning",
    "write_store",
    "year_mask",
]
