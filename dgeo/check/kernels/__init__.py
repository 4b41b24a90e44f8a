"""Each process kernel beside its exact solutions: values, orders of convergence, gradients, budgets and costs.

A module here is one kernel's: `rows()` yields its cases, computed in float64. `dgeo check kernels` shows them all, and
the tests require them.
"""

from collections.abc import Callable, Iterable
from importlib import import_module

import jax

from dgeo.check.kernels.report import Cases, KernelReport, KernelRow

KERNELS: tuple[str, ...] = (
    "backwater",
    "carbon",
    "groundwater",
    "leaf",
    "river",
    "snow",
    "soil_heat",
    "soil_water",
    "surface",
    "transport",
)

Rows = Callable[[], Iterable[KernelRow]]


def kernels(only: str = "") -> KernelReport:
    """The report of all kernels whose name contains `only`, in float64 whatever the precision of the session."""
    found: list[KernelRow] = []
    with jax.enable_x64(True):
        for name in KERNELS:
            if only in name:
                rows: Rows = import_module(f"{__name__}.{name}").rows
                found.extend(rows())
    return KernelReport(tuple(found))


__all__ = ["KERNELS", "Cases", "KernelReport", "KernelRow", "kernels"]
