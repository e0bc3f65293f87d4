"""Each member's worst-case bill, before anything happens."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.members.calls import CallCaps, call_room
from seawall.members.shares import multiple_of
from seawall.members.tiers import Tier


class Bill(NamedTuple):
    """The most a member can lose, minor units.

    Attributes:
        contribution: already paid in; all of it can be used, in whatever tier the member stands.
        call_once: most that one default can call.
        one_default: contribution and one call.
        window: contribution, and all calls and replenishment inside one cooling-off window, however many members fail.
            A member that gives notice inside the window owes nothing after it.
        defaults_to_window: how many defaults, each calling its most, use up the window's cap (None: calls are not possible).
    """

    contribution: int
    call_once: int
    one_default: int
    window: int
    defaults_to_window: int | None


def worst_case_bill(contribution: int, caps: CallCaps) -> Bill:
    """The bill of one contribution under these caps.

    Source: Regulation (EU) 648/2012 art. 43(3) and 48(2) via ESMA Q&A 886: exposure limited, and known before.
    """
    if contribution < 0:
        raise InputError("a contribution is negative", value=contribution)
    once = call_room(contribution, caps, 0)
    cap = multiple_of(caps.window, contribution)
    return Bill(contribution, once, contribution + once, contribution + cap, -(-cap // once) if once else None)


def worst_case_bills(contributions: Mapping[str, int], caps: CallCaps) -> dict[str, Bill]:
    """Every member's bill."""
    return {member: worst_case_bill(x, caps) for member, x in contributions.items()}


def most_by_tier(amount: int, available: Mapping[str, int], member: str) -> dict[Tier, int]:
    """The most that a draw of ``amount`` on members' money can take from one member, by its own tier in the auction.

    Whatever the others do. Who does not bid or bids poorly may stand first and alone: small members pay most for that.
    A competitive loser shares with everybody but, at worst, the largest other member, who won. The winner is reached
    last. A share that is not whole is rounded up: a bound to the unit, not an estimate.

    Source: BIS Working Paper 938 (juniorisation hurts small contributors), so show it before the auction.

    Raises:
        InputError: a negative amount, or not a member.
    """
    if amount < 0 or member not in available:
        raise InputError("a draw on a member", field=member, value=amount, expected="zero or more, and a member")
    own = available[member]
    others = [x for m, x in available.items() if m != member]
    alone = min(own, amount)
    shared = 0
    for winner in (0, *others):  # 0: the auction failed, everybody else was competitive too
        whole = own + sum(others) - winner
        if whole:
            shared = max(shared, _ceil(Fraction(own * min(amount, whole), whole)))
    last = min(own, max(0, amount - sum(others)))
    return {Tier.NO_BID: alone, Tier.POOR: alone, Tier.COMPETITIVE: min(own, shared), Tier.WINNER: last}


def _ceil(x: Fraction) -> int:
    return -(-x.numerator // x.denominator)
