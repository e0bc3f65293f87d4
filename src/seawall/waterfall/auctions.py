"""Auctions of a fund's debt and of its surplus: when one may start, which bids count, restarts, who won.

Whoever holds an auction holds the leader's stake, money or shares, and gives it back when the leader is beaten: one
bidder's stake is held at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from seawall.errors import InputError
from seawall.money import Rounding, muldiv


@dataclass(frozen=True, slots=True)
class AuctionTerms:
    """What every auction has; times in one integer unit.

    Attributes:
        improvement: a bid must beat the last by this factor (21/20: 5 %).
        bid_time: a bid that nobody beats for so long wins.
        length: longest duration in all.
    """

    improvement: Fraction
    bid_time: int
    length: int

    def __post_init__(self) -> None:
        if self.improvement < 1 or not 0 < self.bid_time <= self.length:
            raise InputError("improvement >= 1 and 0 < bid_time <= length", value=str(self))


@dataclass(frozen=True, slots=True)
class DebtRule:
    """Debt is sold for new shares: bidders pay a fixed amount and ask for ever fewer shares.

    Attributes:
        lot: debt covered by one auction, the fixed amount.
        first_shares: shares offered at the start.
        wait: debt may be used only so long after it was queued.
        restart: the offer is multiplied by it when nobody bid.

    Source: Maker, vow and flop.
    """

    terms: AuctionTerms
    lot: int
    first_shares: int
    wait: int = 0
    restart: Fraction = Fraction(3, 2)

    def released(self, queued_at: int, now: int) -> bool:
        """May debt queued then be used now?"""
        return queued_at + self.wait <= now

    def may_start(self, *, debt: int, queued: int, on_auction: int, surplus: int) -> bool:
        """Net first: no surplus may be left; and the same debt is never auctioned twice."""
        return surplus == 0 and self.lot <= debt - queued - on_auction

    def start(self, now: int) -> Auction:
        """A new auction; start conditions are the caller's (``may_start``)."""
        return Auction("debt", self.lot, self.first_shares, None, now + self.terms.length, None)

    def restarted_offer(self, shares: int) -> int:
        """The offer of an auction that nobody bid in, rounded down."""
        return muldiv(shares, self.restart.numerator, self.restart.denominator, Rounding.FLOOR)


@dataclass(frozen=True, slots=True)
class SurplusRule:
    """Surplus above a buffer is sold for shares, which are burned: bids rise.

    Attributes:
        lot: surplus sold in one auction.
        buffer: surplus that must remain beside all debt.
        most_at_once: surplus in auctions at one time; None: no limit.

    Source: Maker, vow and flap.
    """

    terms: AuctionTerms
    lot: int
    buffer: int
    most_at_once: int | None = None

    def may_start(self, *, debt: int, queued: int, on_auction: int, surplus: int, selling: int = 0) -> bool:
        """Only above debt, lot and buffer, with no debt that could be netted, and within the limit."""
        enough = surplus >= debt + self.lot + self.buffer and debt - queued - on_auction <= 0
        return enough and (self.most_at_once is None or selling + self.lot <= self.most_at_once)

    def start(self, now: int) -> Auction:
        """A new auction; start conditions are the caller's (``may_start``)."""
        return Auction("surplus", self.lot, 0, None, now + self.terms.length, None)


@dataclass(frozen=True, slots=True)
class Auction:
    """An auction as it stands.

    ``fixed``: money paid (debt) or sold (surplus). ``best``: shares asked (debt, falling) or offered (surplus,
    rising). ``leader`` made the last bid, which wins at ``decides_at`` unless beaten; it ends at ``ends`` in any case.
    """

    kind: str
    fixed: int
    best: int
    leader: str | None
    ends: int
    decides_at: int | None

    def over(self, now: int) -> bool:
        """Can no bid be made any more?"""
        return now >= self.ends or (self.decides_at is not None and now >= self.decides_at)

    def bid(self, terms: AuctionTerms, bidder: str, shares: int, now: int) -> Auction:
        """A better bid: fewer shares for the debt, or more for the surplus, by the least improvement.

        Raises:
            InputError: the auction is over, or the bid does not improve enough.
        """
        if self.over(now):
            raise InputError("the auction is over", field="now", value=now)
        if not improves(self.kind, self.best, shares, terms.improvement):
            raise InputError("bid does not improve enough", field="shares", value=shares, expected=f"beats {self.best}")
        return replace(self, best=shares, leader=bidder, decides_at=min(now + terms.bid_time, self.ends))

    def restart(self, rule: DebtRule | SurplusRule, now: int) -> Auction:
        """Open it again when time ran out without a bid; a debt auction then offers more shares.

        Raises:
            InputError: somebody bid, or time is left.
        """
        if self.leader is not None or now < self.ends:
            raise InputError("only an auction that ended without a bid restarts", field="leader", value=self.leader)
        offer = rule.restarted_offer(self.best) if isinstance(rule, DebtRule) else 0
        return replace(self, best=offer, ends=now + rule.terms.length)

    def winner(self, now: int) -> tuple[str, int]:
        """(winner, shares): shares to be made for the winner (debt), or to be burned (surplus).

        Raises:
            InputError: not decided yet, or nobody bid.
        """
        if self.leader is None or not self.over(now):
            raise InputError("the auction is not decided", field="leader", value=self.leader)
        return self.leader, self.best


def improves(kind: str, last: int, bid: int, improvement: Fraction) -> bool:
    """Does a bid beat the last one by the factor, strictly better in any case?"""
    if kind == "debt":
        return 0 < bid < last and bid * improvement <= last
    return bid > last and bid >= improvement * last
