"""Auctions of the fund's debt and surplus, from a policy file, and what makes no sense in them."""

from __future__ import annotations

from fractions import Fraction

from seawall.engine import AuctionsRule, Policy
from seawall.tables.keys import Table, nearest
from seawall.tables.layers import money
from seawall.waterfall import CAUSES, AuctionTerms, DebtRule, LayerKind, SurplusRule

ONE = Fraction(1)
DAY = 86_400


def read_auctions(t: Table | None, house: list[str]) -> AuctionsRule | None:
    """``[auctions.debt]`` and ``[auctions.surplus]``; amounts in millionths, times in nanoseconds.

    Raises:
        PolicyError: a key that is missing, unknown or makes no sense.
    """
    if t is None:
        return None
    debt, surplus = t.table("debt"), t.table("surplus")
    t.done()
    if debt is None:
        key = "debt" if surplus is None else "surplus"
        why = "no auction" if surplus is None else "shares come from debt auctions only: nobody could ever bid"
        t.fail(key, why, "a table [auctions.debt]")
    account, sold = ("", None) if surplus is None else _surplus(surplus, house)
    return AuctionsRule(_debt(debt), sold, account)


def _debt(t: Table) -> DebtRule:
    rule = DebtRule(
        terms=_terms(t),
        lot=_amount(t, "lot"),
        first_shares=t.whole("first_shares", low=1),
        wait=t.seconds("wait_s", 0),
        restart=t.fraction("restart", Fraction(3, 2)),
    )
    t.done()
    if rule.restart < ONE:
        t.fail("restart", "an offer that nobody took would become smaller", 'at least "1", such as "1.5"')
    factor = rule.terms.improvement
    least = max(2, -(-factor.numerator // factor.denominator))  # rounded up: the first bid asks for one share at least
    if rule.first_shares < least:
        t.fail("first_shares", "no bid could ever ask for fewer", f"at least {least}, such as 1000000")
    return rule


def _surplus(t: Table, house: list[str]) -> tuple[str, SurplusRule]:
    account = t.text("account")
    if account not in house:
        t.fail("account", "no such house account", nearest(account, house) if house else "a [[house]] account")
    rule = SurplusRule(
        terms=_terms(t), lot=_amount(t, "lot"), buffer=money(t, "buffer") or 0, most_at_once=money(t, "most_at_once")
    )
    t.done()
    if rule.most_at_once is not None and rule.most_at_once < rule.lot:
        t.fail("most_at_once", "less than one lot: no auction ever starts", "at least the lot, or no limit")
    return account, rule


def _amount(t: Table, key: str) -> int:
    """An amount above zero, millionths."""
    found = money(t, key)
    if found is None:
        t.missing(key, 'an amount such as "50000"')
    if not found:
        t.fail(key, "a lot of nothing", 'an amount such as "50000"')
    return found


def _terms(t: Table) -> AuctionTerms:
    improvement = t.fraction("improvement", Fraction(21, 20))
    bid, length = t.seconds("bid_s"), t.seconds("length_s")
    if improvement < ONE:
        t.fail("improvement", "a worse bid would win", 'a factor of at least "1", such as "1.05"')
    if not 0 < bid <= length:
        t.fail("bid_s", "a bid has to stand for some time within the auction", f"0 < bid_s <= length_s, such as {DAY}")
    return AuctionTerms(improvement, bid, length)


def check_auctions(policy: Policy, top: Table) -> None:
    """Refuse auctions that fit nothing else of the policy.

    Raises:
        PolicyError: surplus of an account that is no fund, or debt that can never be.
    """
    rules = policy.auctions
    if rules is None:
        return
    tables = top.must("auctions")
    if rules.surplus is not None:
        role = next(h.role for h in policy.house if h.name == rules.account)
        if role != "fund":
            funds = [h.name for h in policy.house if h.role == "fund"]
            expected = nearest(rules.account, funds) if funds else 'a [[house]] account with role = "fund"'
            tables.must("surplus").fail("account", f"a {role} has no surplus to sell, it holds positions", expected)
    for layer in policy.layers:
        takes_all = layer.kind is LayerKind.WITHDRAWAL_RATE and not layer.limits
        if takes_all and layer.causes >= set(CAUSES):
            why = f"never starts: layer {layer.name!r} takes everything that is left"
            tables.fail("debt", why, f"a limit on {layer.name!r}, or no [auctions]")
