"""Time loops: one step of one site, marched through all days of all sites."""

from dgeo.engine.simulate import Loop, Parameters, at_sites, initial_state, scan, simulate

__all__ = ["Loop", "Parameters", "at_sites", "initial_state", "scan", "simulate"]
