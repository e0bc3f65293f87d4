"""Juniorisation: survivors' money is used tier by tier, those who did not help in the auction first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from fractions import Fraction
from typing import NamedTuple, TypeVar

from seawall.errors import InputError
from seawall.members.shares import check_amounts, pro_rata

N = TypeVar("N", int, Fraction)


class Tier(Enum):
    """How a member behaved in an auction, in the order its money is used. The name is what events print."""

    NO_BID = "no_bid"  # invited, no valid bid
    POOR = "poor"  # bid far below the best, or far below the reserve when nobody won
    COMPETITIVE = "competitive"  # lost, but close
    WINNER = "winner"  # took the portfolio


ORDER = (Tier.NO_BID, Tier.POOR, Tier.COMPETITIVE, Tier.WINNER)


class TierUse(NamedTuple):
    """What each member pays (every member is named) and what no tier could pay."""

    used: dict[str, int]
    residual: int


def tiers_in_order(tiers: Mapping[str, Tier]) -> list[list[str]]:
    """Members by tier in order of use, names sorted; tiers without members are left out."""
    found = [sorted(m for m, t in tiers.items() if t is tier) for tier in ORDER]
    return [names for names in found if names]


def use_by_tier(amount: int, available: Mapping[str, int], order: Sequence[Sequence[str]]) -> TierUse:
    """Draw ``amount`` from members: a tier pays ``min(what is left, its sum)``, inside it pro rata to what is available.

    ``order`` names every member once; one tier of everybody is the plain pro rata use. Units by largest remainder,
    ties by name; nobody pays more than they have.

    Source: BIS Working Paper 938 and the auction rules it studies.

    Raises:
        InputError: a member in no tier or in two, a stranger, or a negative amount.
    """
    check_amounts(available, "what a member has")
    named = [m for tier in order for m in tier]
    if sorted(named) != sorted(available):
        wrong = sorted(set(named) ^ set(available)) or sorted(m for m in set(named) if named.count(m) > 1)
        raise InputError("tiers must name every member once", value=wrong)
    if amount < 0:
        raise InputError("an amount to draw is negative", value=amount)
    used = dict.fromkeys(available, 0)
    left = amount
    for tier in order:
        weights = {m: available[m] for m in tier}
        pays = min(left, sum(weights.values()))
        used.update(pro_rata(pays, weights))
        left -= pays
    return TierUse(used, left)
