"""Checks on runs: the ledger of what every model must conserve."""

from dgeo.check.balance import Balance, balance
from dgeo.check.hybrid_ledger import HybridLedger, hybrid_ledger, routed
from dgeo.check.ledger import Ledger, ledger, storage_of

__all__ = ["Balance", "HybridLedger", "Ledger", "balance", "hybrid_ledger", "ledger", "routed", "storage_of"]
