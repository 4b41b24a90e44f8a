"""An examination of a model of runoff, trained or not, ours or not: does it behave as water does?

    report = examine(hybrid, inputs)                                        a `Hybrid` or `NetworkModel`
    report = examine(External(function, forcings=(…), stores=(…)), inputs)  any function of forcings

A module here is a theme; a probe is a function that yields `Measure`s of an `Examination`, registered by name with
what it means, what is tolerated and why, and what it needs. Further probes register themselves the same way.
"""

from dgeo.check.probes import water, response, climate, bounds, time, rest  # noqa: F401, I001 - they register, in order
from dgeo.check.probes.examination import Examination
from dgeo.check.probes.examine import examine
from dgeo.check.probes.external import External
from dgeo.check.probes.registry import PROBES, Inapplicable, Measure, Probe, above, below, probe, share
from dgeo.check.probes.report import Finding, ProbeReport, as_markdown, side_by_side, write
from dgeo.check.probes.subject import Moment, Series, Subject

__all__ = [
    "PROBES",
    "Examination",
    "External",
    "Finding",
    "Inapplicable",
    "Measure",
    "Moment",
    "Probe",
    "ProbeReport",
    "Series",
    "Subject",
    "above",
    "as_markdown",
    "below",
    "examine",
    "probe",
    "share",
    "side_by_side",
    "write",
]
