"""The insurance fund: who owns it, who may leave and when, what it may be drawn for, and what locks it."""

from seawall.fund.shares import Pool, Rebase, Stake, share_rebase, shares_lost_on_cancel
from seawall.fund.staking import Act, StakeRefused, cancel, deposit, request, withdraw

__all__ = [
    "Act",
    "Pool",
    "Rebase",
    "Stake",
    "StakeRefused",
    "cancel",
    "deposit",
    "request",
    "share_rebase",
    "shares_lost_on_cancel",
    "withdraw",
]
