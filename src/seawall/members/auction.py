"""The auction of a defaulter's portfolio: who was invited, who bid what and when, who won, and what each bid says of its bidder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from seawall.errors import InputError
from seawall.members.tiers import Tier


@dataclass(frozen=True, slots=True)
class AuctionTerms:
    """What is fixed before bids are opened.

    Attributes:
        opens_ns, closes_ns: bids count from ``opens_ns`` to ``closes_ns``, both included.
        reserve: least bid that wins, minor units. A bid is what the bidder pays for the portfolio; a negative bid is what
            it asks to be paid.
        competitive_within: a losing bid at most this far below the winner (below the reserve when nobody won) is
            competitive, one further below is poor.
        uninvited: tier of a survivor that was not invited: who could not bid is not punished for it.
        least_bidders: fewer valid bidders than this are reported as a thin auction.
    """

    opens_ns: int
    closes_ns: int
    reserve: int
    competitive_within: int
    uninvited: Tier = Tier.COMPETITIVE
    least_bidders: int = 2

    def __post_init__(self) -> None:
        if self.closes_ns < self.opens_ns or self.competitive_within < 0:
            raise InputError("an auction closes after it opens, and its tolerance is not negative", value=self)


class Invitation(NamedTuple):
    """Sent to a member at a time."""

    member: str
    at_ns: int


class Bid(NamedTuple):
    """Minor units the bidder pays for the whole portfolio; negative: what it asks for."""

    member: str
    amount: int
    at_ns: int


class BidRefusal(Enum):
    """Why a bid does not count. The value is what the log prints."""

    DEFAULTER = "defaulter"  # the bidder is in default
    NOT_A_MEMBER = "not_a_member"  # the bidder is not a survivor
    NOT_INVITED = "not_invited"  # no invitation went out to the bidder
    BEFORE_INVITATION = "before_invitation"  # bid before its invitation was sent
    EARLY = "early"  # before bids open
    LATE = "late"  # after bids closed
    SUPERSEDED = "superseded"  # the same member bid again in time; its last bid counts


class LogLine(NamedTuple):
    """One line of the auction's record, in order of time."""

    at_ns: int
    member: str
    what: str  # invited, bid, refused, won
    amount: int | None
    reason: BidRefusal | None


@dataclass(frozen=True, slots=True)
class AuctionResult:
    """Outcome of an auction.

    Attributes:
        winner: the best bid at or above the reserve; None: the auction failed.
        ranking: valid bids, best first (highest amount, then earlier, then by name).
        refused: bids that do not count, with the reason, in the order they were given.
        tiers: every survivor's tier, for the order in which members' money is used.
        thin: fewer valid bidders than the terms ask for.
        log: invitations, bids, refusals, the winner, by time.
    """

    winner: Bid | None
    ranking: tuple[Bid, ...]
    refused: tuple[tuple[Bid, BidRefusal], ...]
    tiers: dict[str, Tier]
    thin: bool
    log: tuple[LogLine, ...]

    @property
    def cost(self) -> int | None:
        """What must be paid to the winner (negative: received); None when nobody won."""
        return None if self.winner is None else -self.winner.amount


def hold_auction(
    terms: AuctionTerms,
    survivors: Collection[str],
    defaulters: Collection[str],
    invitations: Sequence[Invitation],
    bids: Sequence[Bid],
) -> AuctionResult:
    """Open the bids: check each, rank the valid ones, name the winner, put every survivor in a tier.

    A member's last bid in time counts. The order in which bids are listed matters only between bids of one member at
    the same nanosecond (the later listed counts).

    Source: BIS Working Paper 938 (tiers); the record that was missing at Nasdaq Clearing in 2018.

    Raises:
        InputError: a survivor that is a defaulter too, or an invitation to somebody who is neither.
    """
    if set(survivors) & set(defaulters):
        raise InputError("survivor and defaulter at once", value=sorted(set(survivors) & set(defaulters)))
    invited: dict[str, int] = {}
    for member, at_ns in invitations:
        if member not in survivors:
            raise InputError("an invitation to somebody who is not a survivor", field=member)
        invited[member] = min(at_ns, invited.get(member, at_ns))
    last: dict[str, Bid] = {}
    refused: list[tuple[Bid, BidRefusal]] = []
    for bid in bids:
        reason = _refusal(terms, bid, survivors, defaulters, invited)
        if reason is not None:
            refused.append((bid, reason))
            continue
        before = last.get(bid.member)
        if before is not None and before.at_ns > bid.at_ns:
            refused.append((bid, BidRefusal.SUPERSEDED))
            continue
        if before is not None:
            refused.append((before, BidRefusal.SUPERSEDED))
        last[bid.member] = bid
    ranking = tuple(sorted(last.values(), key=lambda b: (-b.amount, b.at_ns, b.member)))
    winner = ranking[0] if ranking and ranking[0].amount >= terms.reserve else None
    tiers = {m: _tier(terms, m, winner, last.get(m), m in invited) for m in sorted(survivors)}
    log = _log(terms, invitations, ranking, refused, winner)
    return AuctionResult(winner, ranking, tuple(refused), tiers, len(ranking) < terms.least_bidders, log)


def _refusal(
    terms: AuctionTerms, bid: Bid, survivors: Collection[str], defaulters: Collection[str], invited: dict[str, int]
) -> BidRefusal | None:
    if bid.member in defaulters:
        return BidRefusal.DEFAULTER
    if bid.member not in survivors:
        return BidRefusal.NOT_A_MEMBER
    if bid.member not in invited:
        return BidRefusal.NOT_INVITED
    if bid.at_ns > terms.closes_ns:
        return BidRefusal.LATE
    if bid.at_ns < terms.opens_ns:
        return BidRefusal.EARLY
    return BidRefusal.BEFORE_INVITATION if bid.at_ns < invited[bid.member] else None


def _tier(terms: AuctionTerms, member: str, winner: Bid | None, bid: Bid | None, invited: bool) -> Tier:
    if bid is None:
        return Tier.NO_BID if invited else terms.uninvited
    if winner is not None and bid.member == winner.member:
        return Tier.WINNER
    mark = terms.reserve if winner is None else winner.amount
    return Tier.COMPETITIVE if mark - bid.amount <= terms.competitive_within else Tier.POOR


def _log(
    terms: AuctionTerms,
    invitations: Iterable[Invitation],
    ranking: Iterable[Bid],
    refused: Iterable[tuple[Bid, BidRefusal]],
    winner: Bid | None,
) -> tuple[LogLine, ...]:
    lines = [LogLine(i.at_ns, i.member, "invited", None, None) for i in invitations]
    lines += [LogLine(b.at_ns, b.member, "bid", b.amount, None) for b in ranking]
    lines += [LogLine(b.at_ns, b.member, "refused", b.amount, reason) for b, reason in refused]
    lines.sort(key=lambda line: (line.at_ns, line.what != "invited", line.member))
    if winner is not None:
        lines.append(LogLine(terms.closes_ns, winner.member, "won", winner.amount, None))
    return tuple(lines)
