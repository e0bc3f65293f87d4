"""``[members.auction]`` of a policy file: how a defaulter's portfolio is auctioned, and what makes no sense in it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.engine import Policy
from seawall.members import AuctionWhen, PortfolioAuctionRule
from seawall.money import exact_text
from seawall.tables.keys import Table
from seawall.tables.layers import choice, money
from seawall.waterfall import LayerKind

ONE = Fraction(1)
ALL = "all"


def read_portfolio_auction(t: Table | None) -> PortfolioAuctionRule | None:
    """The table, amounts in millionths, times in nanoseconds.

    Raises:
        PolicyError: a key that is missing, unknown or makes no sense.
    """
    if t is None:
        return None
    least = money(t, "least")
    if least is None:
        t.missing("least", 'the smallest portfolio that is auctioned, such as "1000000"')
    rule = PortfolioAuctionRule(
        least=least,
        when=choice(t, "when", AuctionWhen, AuctionWhen.FIRST),
        length_ns=t.seconds("length_s"),
        invites=_invites(t),
        reserve=t.fraction("reserve", high=ONE),
        competitive_within=t.fraction("competitive_within", high=ONE),
    )
    t.done()
    if not rule.length_ns:
        t.fail("length_s", "nobody can bid in no time", "seconds such as 30")
    return rule


def _invites(t: Table) -> int:
    """All (0), or how many."""
    said = t.data.get("invites", ALL) if t.has("invites") else ALL
    if isinstance(said, str) and said != ALL:
        t.fail("invites", "unknown name", '"all", or a number such as 5')
    return 0 if said == ALL else t.whole("invites", low=1)


def portfolio_auction_to_mapping(rule: PortfolioAuctionRule) -> dict[str, Any]:
    """In the words of the file."""
    return {
        "least": exact_text(Fraction(rule.least, 10**6)),
        "when": rule.when.value,
        "length_s": rule.length_ns // 10**9,
        "invites": rule.invites or ALL,
        "reserve": exact_text(rule.reserve),
        "competitive_within": exact_text(rule.competitive_within),
    }


def check_portfolio_auction(policy: Policy, top: Table) -> None:
    """Refuse an auction that outlasts the orders it stands beside, or whose tiers order nobody's money.

    Raises:
        PolicyError: the first thing found.
    """
    if policy.members is None or policy.members.auction is None:
        return
    rule, t = policy.members.auction, top.must("members").must("auction")
    deadline = policy.liquidation.deadline_ns
    if rule.length_ns >= deadline:
        most = deadline // 10**9 - 1
        expected = f"at most {most}" if most > 0 else "a longer liquidation.deadline_s"
        t.fail("length_s", "orders would lapse before an auction that fails is over", expected)
    if not any(layer.kind is LayerKind.MEMBERS for layer in policy.layers):
        t.fail("when", "no layer uses the members' money: how they bid orders nothing", 'a layer of kind "members"')
