"""Time loops: one step of one site, marched through all days of all sites."""

from dgeo.engine.processor import keep_compilations, use_wide_vectors
from dgeo.engine.simulate import Loop, Parameters, at_sites, initial_state, per_site, scan, simulate

__all__ = [
    "Loop",
    "Parameters",
    "at_sites",
    "initial_state",
    "keep_compilations",
    "per_site",
    "scan",
    "simulate",
    "use_wide_vectors",
]
