"""What members bid for a defaulter's portfolio, and what bidders think a share of the fund is worth: a model, not a fact.

A portfolio is worth its mark to whoever can simply hold it. A bidder takes it whole and has to work out what its own
positions do not offset. So it asks, in the quote currency,

    ask = sum over markets of  left x (impact of working out ``left`` at the depth there is now + charge)  x  taste

``left`` is the part of a position that adds to what the bidder holds; what offsets costs nothing. ``taste`` is log-normal with
median one, one draw for each member and case. Some members do not bid, some ask for several times as much, some are
late: drawn by the same seed, so that tiers, refusals and thin auctions occur. A bidder does not fear that winning means it was
the most optimistic (no winner's curse), and nobody colludes.

Every draw is a hash of the seed and of names, so it depends on no order and on no other draw.

Sources. The portfolio auction at Nasdaq Clearing in September 2018: one of four invited firms won within two days, and the loss
beyond the defaulter was 114m euro: few bidders make a breach expensive. BIS Working Paper 938 studies how juniorisation changes
bids; that paper's bidders have private values as here. Impact is ``models.response``. Every default is an assumption.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp
from statistics import NormalDist
from typing import NamedTuple

from seawall.errors import InputError

MOST = 10**6
Impact = Callable[[str, int, float], float]  # (market, side, notional) -> average distance from the mark, a fraction


@dataclass(frozen=True, slots=True)
class BiddingParameters:
    """What is assumed of bidders.

    Attributes:
        seed: of every draw.
        taste: standard deviation of the logarithm of taste, in [0, 10].
        charge: asked for each unit of notional that has to be worked out, beside impact, in [0, 1].
        absent: share of invitations that bring no bid, in [0, 1].
        late: share of bids that come after the close, in [0, 1].
        poor: share of bids that ask ``poor_factor`` (1 to a million) times as much, in [0, 1].
        accounts: how many of a member's accounts, by cash at the opening, are asked whether they can take a portfolio.
        share_worth: what all shares of a first offer are worth to the median bidder, as a share of the lot, in (0, 10^6].
        share_taste: standard deviation of the logarithm of what a share is worth to a bidder, in [0, 10].
        eager: how far a bid goes from the least improvement to the bidder's own limit, in [0, 1].
        bidders: how many accounts, by cash at the opening, look at auctions of the fund.
        at_once: most auctions of the fund that are open at one time, by asset and kind.

    Raises:
        InputError: a parameter outside its range.
    """

    seed: int = 1
    taste: float = 0.35
    charge: float = 0.002
    absent: float = 0.1
    late: float = 0.05
    poor: float = 0.1
    poor_factor: float = 3.0
    accounts: int = 3
    share_worth: float = 1.0
    share_taste: float = 0.5
    eager: float = 0.5
    bidders: int = 12
    at_once: int = 4

    def __post_init__(self) -> None:
        for name in ("taste", "share_taste"):
            self._check(name, "0 to 10", low=0, high=10)  # e to the tenth is beyond any bidder
        self._check("charge", "0 to 1", low=0, high=1)
        for name in ("absent", "late", "poor", "eager"):
            self._check(name, "0 to 1", low=0, high=1)
        for name in ("accounts", "bidders", "at_once"):
            self._check(name, "a number of at least 1", low=1, whole=True)
        self._check("seed", "a whole number", whole=True)
        self._check("poor_factor", "1 to 1000000", low=1, high=MOST)
        self._check("share_worth", "above 0, at most 1000000", low=0, high=MOST)
        if not self.share_worth:
            raise InputError(
                "bad bidding parameter",
                field="share_worth",
                value=self.share_worth,
                expected="above 0, at most 1000000",
            )

    def _check(
        self, name: str, expected: str, *, low: float | None = None, high: float | None = None, whole: bool = False
    ) -> None:
        value = getattr(self, name)
        fine = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        fine = fine and (low is None or value >= low) and (high is None or value <= high)
        if not fine:
            raise InputError("bad bidding parameter", field=name, value=value, expected=expected)


class Ask(NamedTuple):
    """How a member bids. ``at`` is when, as a share of the time bids are taken; above 1, it is late by ``at - 1`` of the
    time until orders lapse. ``factor`` multiplies what working out costs."""

    at: float
    factor: float


def draw(seed: int, *names: str) -> float:
    """A number inside (0, 1) that belongs to a seed and names: their SHA-256."""
    digest = hashlib.sha256("\x1f".join([str(seed), *names]).encode()).digest()
    return (int.from_bytes(digest[:6], "big") + 0.5) / 2.0**48


def log_normal(deviation: float, seed: int, *names: str) -> float:
    """A log-normal number of median one that belongs to a seed and names."""
    return exp(deviation * NormalDist().inv_cdf(draw(seed, *names)))


def how_bids(p: BiddingParameters, member: str, case: str) -> Ask | None:
    """How a member bids in a case; None: it does not."""

    def chance(what: str) -> float:
        return draw(p.seed, what, member, case)

    if chance("absent") < p.absent:
        return None
    factor = log_normal(p.taste, p.seed, "taste", member, case)
    if chance("poor") < p.poor:
        factor *= p.poor_factor
    return Ask(chance("time") + (chance("late") < p.late), factor)


def left_over(portfolio: Mapping[str, float], own: Mapping[str, float]) -> dict[str, float]:
    """What of a portfolio (signed notional by market) does not offset what a bidder holds; signed alike."""
    found = {}
    for market, size in portfolio.items():
        held = own.get(market, 0.0)
        offset = min(abs(size), abs(held)) if held * size < 0 else 0.0
        left = abs(size) - offset
        if left > 0:
            found[market] = left if size > 0 else -left
    return found


def cost_of(left: Mapping[str, float], impact: Impact, charge: float) -> float:
    """What working out costs at the depth there is now: a long is sold, a short bought."""
    return sum(abs(size) * (impact(market, -1 if size > 0 else 1, abs(size)) + charge) for market, size in left.items())


def share_factor(p: BiddingParameters, account: str) -> float:
    """What all shares of a first offer of debt are worth to an account, as a share of the lot."""
    return p.share_worth * log_normal(p.share_taste, p.seed, "shares", account)
