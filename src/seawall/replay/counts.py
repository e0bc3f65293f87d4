"""What is counted of one house account, one account, one market. Reporting units; ``replay.tally`` fills them in."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class HouseTally:
    """One house account that pays or earns: a fund, the backstop; or all members' contributions together. Reporting
    units, gains positive; ``draws`` and ``charged`` are what it paid. In a wind-down ``paid_out`` is what its owner was paid out
    of it, ``written_off`` what no money was left for.

    ``take_over``: equity of the accounts it took over; ``margin``: the part of it that was their cash. ``covered``: what
    others paid for losses of its own. ``passed_on``: what a backstop passed on of what it earned (negative), and what a
    fund received of it.
    """

    name: str
    accounts: tuple[int, ...]
    before: int = 0
    take_over: int = 0
    margin: int = 0
    fills: int = 0
    fees: int = 0
    draws: int = 0
    deleveraging: int = 0
    covered: int = 0
    charged: int = 0
    recovered: int = 0
    reinstated: int = 0
    written_off: int = 0
    paid_out: int = 0
    auctions: int = 0
    passed_on: int = 0

    @property
    def gone(self) -> int:
        """What left in a wind-down: paid out to its owner, or written off."""
        return self.paid_out + self.written_off

    def by_source(self, after: int) -> dict[str, int]:
        """Where its result came from; ``marks`` is what no event names: marks and funding on what it holds."""
        gains = {
            "take_over": self.take_over,
            "fills": self.fills,
            "fees": self.fees,
            "draws": -self.draws,
            "deleveraging": self.deleveraging,
            "covered": self.covered,
            "charged": -self.charged,
            "recovered": self.recovered,
            "reinstated": self.reinstated,
            "paid_out": -self.paid_out,
            "written_off": -self.written_off,
            "auctions": self.auctions,
            "passed_on": self.passed_on,
        }
        gains["marks"] = after - self.before - sum(gains.values())
        return gains


@dataclass(slots=True)
class AccountTally:
    """What one account went through. Reporting units; ``before`` is its equity at the opening; ``largest`` and the fields after it tell of its largest
    deleveraging by notional."""

    name: str
    first_ns: int
    before: int
    liquidations: int = 0
    fallen_notional: int = 0
    liquidated_notional: int = 0
    fees: int = 0
    taken_notional: int = 0
    auctioned_notional: int = 0
    margin_lost: int = 0
    loss: int = 0
    deleveragings: int = 0
    deleveraged_notional: int = 0
    given_up: int = 0
    haircut: int = 0
    contribution_used: int = 0
    called: int = 0
    charged: int = 0
    cash_cut: int = 0
    withdrawal_cut: int = 0
    recovered: int = 0
    best_rank: int | None = None
    outcome: str = "closed"
    largest: int = -1
    market: str = ""
    rank: int = 0
    counterparty: str = ""
    because: int = 0
    cause: str | None = None


@dataclass(slots=True)
class ProfitCapTally:
    """What a profit cap did: how often profits were above it, who was closed, what the pool paid at the mark, and the
    most that had to be paid and that was left at one look. Reporting units."""

    times: int = 0
    accounts: set[str] = field(default_factory=set)
    notional: int = 0
    collected: int = 0
    largest_needed: int = 0
    largest_residual: int = 0


@dataclass(slots=True)
class MarketTally:
    """What happened in one market. Reporting units; ``fallen`` are the accounts that lost a position there."""

    fallen: set[str] = field(default_factory=set)
    liquidated_notional: int = 0
    taken_notional: int = 0
    deleveraged_notional: int = 0
    given_up: int = 0
    fees: int = 0
    fill_gain: int = 0
    auctioned_notional: int = 0
    charged: int = 0
