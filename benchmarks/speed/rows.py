"""The rows of the benchmark: which work is done by whom, on which problem."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import problems

SPREAD = 0  # as many devices as threads


@dataclass(frozen=True)
class Side:
    """One implementation: a script of `workers`, its options, how many devices JAX sees, whether a peer runs it."""

    script: str
    options: Mapping[str, Any] = field(default_factory=dict)
    devices: int = SPREAD
    peer: bool = False


@dataclass(frozen=True)
class Row:
    """One comparison. `cpus` holds both sides to fewer CPUs than threads; `agree` within `tolerance` comes first."""

    name: str
    work: str
    problem: Callable[[], dict[str, np.ndarray]]
    ours: Side
    other: Side
    about: str
    tolerance: float | None = 1e-3
    cpus: tuple[int | None, int | None] = (None, None)


def peer(script: str, **options: Any) -> Side:
    """Run by the interpreter of `--peers`."""
    return Side(script, options, peer=True)


USUAL = partial(problems.hbv, days=730, basins=100, components=16)
LARGE = partial(problems.hbv, days=730, basins=500, components=16)
ROUTED, ROUTED_1 = Side("dgeo_routed.py"), Side("dgeo_routed.py", devices=1)
LEAN, LEAN_1 = Side("dgeo_lean.py"), Side("dgeo_lean.py", devices=1)
HBV = "HBV 1.0 with routing, 100 basins × 16 components × 730 days, static parameters, all differentiated"
LEAN_HBV = "HBV 1.0, mean of components, no routing, {} basins × 16 components × 730 days, static parameters"

HYDRODL2 = (
    Row("hbv_gradient/hydrodl2", "gradient", USUAL, ROUTED, peer("hydrodl2_routed.py", flush=True), HBV),
    Row("hbv_gradient/hydrodl2_1_device", "gradient", USUAL, ROUTED_1, peer("hydrodl2_routed.py", flush=True), HBV),
    Row("hbv_gradient/hydrodl2_denormals", "gradient", USUAL, ROUTED, peer("hydrodl2_routed.py", flush=False), HBV),
    Row("hbv_forward/hydrodl2", "forward", USUAL, ROUTED, peer("hydrodl2_routed.py", flush=True), HBV),
)
ROWS: tuple[Row, ...] = (*HYDRODL2,)
