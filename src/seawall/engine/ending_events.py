"""Events of what stops: auctions of a defaulter's portfolio, halts, and the end of the venue itself."""

from __future__ import annotations

from typing import NamedTuple

from seawall.engine.why import Why


class PositionSold(NamedTuple):
    """A position of an account in default went to the winner of the auction, at the mark."""

    account: str
    counterparty: str
    market: str
    asset: str
    lots: int
    value: int
    why: Why


class AuctionHeld(NamedTuple):
    """The bids for a portfolio were opened: ``amount`` is what the winner paid on top of the mark (negative: received).

    ``ranking``: valid bids, best first; ``refused``: bids that do not count, with the reason; ``tiers``: how every
    member bid, which is the order in which their money is used.
    """

    account: str
    asset: str
    winner: str | None
    buyer: str
    amount: int
    ranking: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, int, str], ...]
    tiers: tuple[tuple[str, str], ...]
    thin: bool
    why: Why


class HaltBegan(NamedTuple):
    """Something stands still (or, for deleveraging, is switched on) by a criterion of the policy, until at most then."""

    halt: str
    reason: str
    since_ns: int
    until_ns: int


class HaltEnded(NamedTuple):
    """A halt is over."""

    halt: str
    reason: str


class WoundDown(NamedTuple):
    """The venue stopped: every market settled at a price by rule; the classes in the order they are paid."""

    basis: str
    prices: tuple[tuple[str, int], ...]
    classes: tuple[str, ...]


class ClaimRejected(NamedTuple):
    """A claim against the estate was rejected, and why."""

    claim: str
    claimant: str
    rank: str
    asset: str
    amount_minor: int
    reason: str


class Distributed(NamedTuple):
    """A class of claimants was paid ``amount`` of ``claims``, pro rata: (account, amount) each, minor units."""

    asset: str
    rank: str
    final: bool
    amount: int
    claims: int
    parts: tuple[tuple[str, int], ...]
    why: Why


class WrittenOff(NamedTuple):
    """What no money was left for after the final distribution: (account, amount) each, minor units."""

    asset: str
    amount: int
    parts: tuple[tuple[str, int], ...]
    why: Why
