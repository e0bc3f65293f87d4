"""The members part of a policy, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

from seawall.margin import Stress


class ContributionRule(Enum):
    """How the default fund is shared over members."""

    PROPORTIONAL = "proportional"  # pro rata to gross notional at the opening marks
    EQUAL = "equal"
    WEIGHTED = "weighted"  # a fixed part each, the rest by several measures at their weights


MEASURES = ("risk", "open_interest", "stress")


@dataclass(frozen=True, slots=True)
class SizeRule:
    """How large the default fund must be, by what members would lose over margin under stress.

    Attributes:
        cover: so many of the largest groups fail together, 1 to 5.
        buffer: what is added to that, as a fraction of it.
        stresses: moves of prices; the worst of them counts.
        emir_minimum: at least the largest, or the second and third together, as article 42(3) asks for.
        least: never less than this, millionths of a unit of each settle asset.

    Source: CPMI-IOSCO Principles, principle 4; Regulation (EU) 648/2012 art. 42(3); buffer as at Eurex Clearing
    (circular 045/24).
    """

    cover: int
    buffer: Fraction
    stresses: tuple[Stress, ...]
    emir_minimum: bool = False
    least: int = 0


class Fails(Enum):
    """When a member is in default by rule; besides, always when it was asked and did not pay."""

    NEVER = "never"
    USED_UP = "used_up"  # the losses of its accounts have used up what it and its affiliates paid in


LATER = {"later": True}  # left out of a policy's canonical form at its default: hashes from before it existed stay


class AuctionWhen(Enum):
    """When a portfolio is auctioned."""

    FIRST = "first"  # before the market answers its close-out orders
    UNFILLED = "unfilled"  # what the market did not take of them


@dataclass(frozen=True, slots=True)
class PortfolioAuctionRule:
    """The auction of the positions of an account in liquidation among the other members.

    Attributes:
        least: smallest portfolio that is auctioned, gross notional in millionths of the quote currency.
        when: before or after its orders were answered.
        length_ns: bids are taken for so long; shorter than orders stand, so that they can be answered when it failed.
        invites: so many of the other members, largest contribution first, ties by name; 0: all of them.
        reserve: most that is paid to the winner, share of gross notional.
        competitive_within: how far below the winner (or the reserve) a bid is still competitive, share of gross notional.

    Source: default procedures of clearing houses; tiers after BIS Working Paper 938. Parameters are the policy's.
    """

    least: int
    when: AuctionWhen
    length_ns: int
    invites: int
    reserve: Fraction
    competitive_within: Fraction


@dataclass(frozen=True, slots=True)
class MembersRule:
    """The default fund that members pay into, and what may be called from them.

    Attributes:
        fund: size of the default fund, millionths of a unit of each settle asset. Exactly one of ``fund``,
            ``fund_share_of_cash`` and ``size`` is there.
        fund_share_of_cash: size as a fraction of all traders' cash in each settle asset, rounded down.
        contribution: how the fund is shared.
        minimum: least contribution of a member, millionths of a unit.
        assign: where the book names no members, accounts are assigned to this many by their owner's name (SHA-256),
            so that linked accounts share a member; 0: accounts without a member have none.
        call_per_default: most that may be called from a member for one loss, multiple of its contribution.
        call_per_window: most within ``window_ns``, multiple of its contribution.
        window_ns: length of the window that call_per_window counts over; it opens when a loss reaches members' money.
        reinstated_after_ns: members put back what was used so long after the window has closed; None: never.
        reinstated_inside_window: they owe it so long after the use instead, as far as the window's cap has room.
        fails: when a member is in default by rule.
        groups: affiliates, by name: they default together, and what they paid in counts as one.
        size: size by stress losses over margin at the opening.
        fixed_each: weighted contributions: what everybody pays, millionths of a unit.
        weights: weighted contributions: share of each measure (``MEASURES``) in the rest; they sum to one. ``risk`` is
            the initial requirement, ``open_interest`` gross notional, ``stress`` the member's own largest stress loss
            over margin. Traded volume, which clearing houses use too, is not in a book.
        auction: how a defaulter's portfolio is auctioned; None: not by rule.

    Source: order of use and caps as in EMIR articles 42, 43 and 45; parameters are the policy's.
    """

    fund: int | None
    fund_share_of_cash: Fraction | None
    contribution: ContributionRule = ContributionRule.PROPORTIONAL
    minimum: int = 0
    assign: int = 0
    call_per_default: Fraction = Fraction(0)
    call_per_window: Fraction = Fraction(0)
    window_ns: int = 0
    reinstated_after_ns: int | None = field(default=None, metadata=LATER)
    reinstated_inside_window: bool = field(default=False, metadata=LATER)
    fails: Fails = field(default=Fails.NEVER, metadata=LATER)
    groups: tuple[tuple[str, ...], ...] = field(default=(), metadata=LATER)
    size: SizeRule | None = field(default=None, metadata=LATER)
    fixed_each: int = field(default=0, metadata=LATER)
    weights: Mapping[str, Fraction] | None = field(default=None, metadata=LATER)
    auction: PortfolioAuctionRule | None = field(default=None, metadata=LATER)
