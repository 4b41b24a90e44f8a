"""Time loops: one step of one site, marched through all days of all sites."""

from dgeo.engine.at_once import AtOnce
from dgeo.engine.choice import Engine
from dgeo.engine.fused import Fused
from dgeo.engine.loop import Loop, Step
from dgeo.engine.means import ComponentMean
from dgeo.engine.native import Native
from dgeo.engine.processor import keep_compilations, use_wide_vectors
from dgeo.engine.scan import Scan
from dgeo.engine.segments import Segment
from dgeo.engine.simulate import Parameters, at_sites, initial_state, per_site, simulate

__all__ = [
    "AtOnce",
    "ComponentMean",
    "Engine",
    "Fused",
    "Loop",
    "Native",
    "Parameters",
    "Scan",
    "Segment",
    "Step",
    "at_sites",
    "initial_state",
    "keep_compilations",
    "per_site",
    "simulate",
    "use_wide_vectors",
]
