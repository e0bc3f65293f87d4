"""The ledger: double-entry accounts, transfers that stand all or none, limits, and the trial balance."""

from seawall.ledger.ledger import Ledger, LedgerRefusal, Refusal, Transfer, TrialBalance

__all__ = ["Ledger", "LedgerRefusal", "Refusal", "Transfer", "TrialBalance"]
