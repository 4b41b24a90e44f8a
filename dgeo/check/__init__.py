"""Checks: the ledger of what every model must conserve, the gradient kit, the probes of trained models."""

from dgeo.check.balance import Balance, balance, joined
from dgeo.check.gradient_kit import gradients
from dgeo.check.gradient_laws import law_gradients
from dgeo.check.gradient_models import model_gradients
from dgeo.check.gradient_report import Report, Row
from dgeo.check.gradient_run import Tolerances
from dgeo.check.hybrid_ledger import HybridLedger, hybrid_ledger, routed
from dgeo.check.kernels import KernelReport, KernelRow, kernels
from dgeo.check.ledger import Ledger, ledger, storage_of
from dgeo.check.network_ledger import NetworkLedger, open_books
from dgeo.check.probes import External, ProbeReport, examine
from dgeo.check.solved import require_solved, unsolved
from dgeo.check.steps import Closure, StepLedger, step_ledger, worst_of

__all__ = [
    "Balance",
    "Closure",
    "External",
    "HybridLedger",
    "KernelReport",
    "KernelRow",
    "Ledger",
    "NetworkLedger",
    "ProbeReport",
    "Report",
    "Row",
    "StepLedger",
    "Tolerances",
    "balance",
    "examine",
    "gradients",
    "hybrid_ledger",
    "joined",
    "kernels",
    "law_gradients",
    "ledger",
    "model_gradients",
    "open_books",
    "require_solved",
    "routed",
    "step_ledger",
    "storage_of",
    "unsolved",
    "worst_of",
]
