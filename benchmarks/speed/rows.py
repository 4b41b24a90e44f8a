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


def gpu(script: str, **options: Any) -> Side:
    """Ours, on a GPU."""
    return Side(script, {**options, "gpu": True}, devices=1)


USUAL = partial(problems.hbv, days=730, basins=100, components=16)
LARGE = partial(problems.hbv, days=730, basins=500, components=16)
CONUS = partial(problems.hbv, days=730, basins=671, components=16)
LONG = partial(problems.hbv, days=15 * 730, basins=100, components=16)
YEARS = partial(problems.dpl, days=730, basins=100)
SERIES = partial(problems.lstm, days=365, sites=256, hidden=256, inputs=32)
ROUTED, ROUTED_1 = Side("dgeo_routed.py"), Side("dgeo_routed.py", devices=1)
LEANEST = "dgeo_lean.py"
LEAN, LEAN_1, FUSED = Side(LEANEST), Side(LEANEST, devices=1), gpu(LEANEST, engine="fused")
HBV = "HBV 1.0 with routing, 100 basins × 16 components × 730 days, static parameters, all differentiated"
# of 4 bytes a lane and day: 5 states and the runoff written, then read with its derivative; forcings are few
MOVED = 4 * 2 * (5 + 1) * 671 * 16 * 730
LIMIT = "the fused gradient against a copy of the bytes it must move: the share of the memory's speed that it reaches"
LEAN_HBV = "HBV 1.0, mean of components, no routing, {} basins × 16 components × 730 days, static parameters"

HYDRODL2 = (
    Row("hbv_gradient/hydrodl2", "gradient", USUAL, ROUTED, peer("hydrodl2_routed.py", flush=True), HBV),
    Row("hbv_gradient/hydrodl2_1_device", "gradient", USUAL, ROUTED_1, peer("hydrodl2_routed.py", flush=True), HBV),
    Row("hbv_gradient/hydrodl2_denormals", "gradient", USUAL, ROUTED, peer("hydrodl2_routed.py", flush=False), HBV),
    Row("hbv_forward/hydrodl2", "forward", USUAL, ROUTED, peer("hydrodl2_routed.py", flush=True), HBV),
)
TORCH, TORCH_PARTS = peer("torch_lean.py"), peer("torch_lean.py", days=5)
NAIVE = Side("naive_scan.py", devices=1)
C = Side("c_lean.py")
LEANER = (
    Row("hbv_gradient/torch_compile", "gradient", USUAL, LEAN, TORCH, LEAN_HBV.format(100)),
    Row("hbv_gradient/torch_compile_500", "gradient", LARGE, LEAN, TORCH, LEAN_HBV.format(500)),
    Row("hbv_gradient/torch_compile_5_days", "gradient", USUAL, LEAN, TORCH_PARTS, LEAN_HBV.format(100)),
    Row("hbv_gradient/torch_compile_5_days_500", "gradient", LARGE, LEAN, TORCH_PARTS, LEAN_HBV.format(500)),
    Row("hbv_gradient/naive_scan", "gradient", USUAL, LEAN, NAIVE, LEAN_HBV.format(100)),
    Row("hbv_gradient/naive_scan_1_device", "gradient", USUAL, LEAN_1, NAIVE, LEAN_HBV.format(100)),
    Row("hbv_forward/c", "forward", USUAL, LEAN_1, C, f"{LEAN_HBV.format(100)}, one core", cpus=(1, 1)),
)

OURSELVES = (
    Row("devices_2/devices_1", "gradient", USUAL, Side(LEANEST, devices=2), LEAN_1, LEAN_HBV.format(100), cpus=(2, 1)),
    Row("segment/plain", "gradient", LONG, Side(LEANEST, {"segment": "sqrt"}), LEAN, LEAN_HBV.format(100) + " × 15"),
)
LSTM = "LSTM 256 between linear layers, 256 sites × 365 days × 32 inputs, one Adam step on the mean squared error"
NETWORKS = (
    Row("lstm_step/torch", "step", SERIES, Side("dgeo_lstm.py"), peer("torch_lstm.py"), LSTM),
    Row("lstm_step/torch_gpu", "step", SERIES, gpu("dgeo_lstm.py"), peer("torch_lstm.py", gpu=True), LSTM),
)
DPL = "δHBV {}, LSTM 256, 100 basins × (365 + 365) days × 16 components, one training step with Adadelta"
DPL_1_0, DPL_1_1P = Side("dgeo_dpl.py", {"recipe": "1.0"}), Side("dgeo_dpl.py", {"recipe": "1.1p"})


def dpl(name: str, ours: Side, *, flush: bool = True) -> Row:
    """A full training step against dMG's; their networks start from other weights, so nothing is compared first."""
    recipe = ours.options["recipe"]
    other = peer("dmg_dpl.py", recipe=recipe, flush=flush)
    return Row(f"dpl_step/{name}", "step", YEARS, ours, other, DPL.format(recipe), tolerance=None)


TRAINING = (dpl("dmg", DPL_1_0), dpl("dmg_as_installed", DPL_1_0, flush=False), dpl("dmg_1_1p", DPL_1_1P))
GPU = (
    Row("fused/scan_gpu", "gradient", CONUS, FUSED, gpu(LEANEST, engine="scan"), LEAN_HBV.format(671)),
    Row("fused_forward/scan_gpu", "forward", CONUS, FUSED, gpu(LEANEST, engine="scan"), LEAN_HBV.format(671)),
    Row("fused/copy_gpu", "gradient", CONUS, FUSED, gpu("copy_bytes.py", bytes=MOVED), LIMIT, tolerance=None),
)
ROWS: tuple[Row, ...] = (*HYDRODL2, *LEANER, *OURSELVES, *TRAINING, *NETWORKS, *GPU)
