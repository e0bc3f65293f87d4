"""Limits by market of closing and holding positions: the window of close-outs, amounts by tier."""

from __future__ import annotations

from seawall.liquidation import MarketAmount, WindowRule
from seawall.tables.keys import Table
from seawall.tables.layers import money
from seawall.waterfall import OTHER_TIER


def read_market_amount(t: Table, key: str, tiers: list[str]) -> MarketAmount | None:
    """One amount for every market, or amounts by tier; None without the key.

    Raises:
        PolicyError: tiers that the policy does not have, or none for the markets of every other tier.
    """
    if not isinstance(t.data.get(key), dict):
        amount = money(t, key)
        return None if amount is None else MarketAmount(amount)
    table = t.must(key)
    if not tiers:
        t.fail(key, "amounts by tier but the policy has no [tiers]", "[tiers] that sorts markets")
    amounts = {tier: amount for tier in tiers if (amount := money(table, tier)) is not None}
    table.done()
    if OTHER_TIER not in amounts:
        table.fail(OTHER_TIER, "no amount for markets of any other tier", f'{OTHER_TIER} = "1000000"')
    return MarketAmount(by_tier=amounts)


def read_window(t: Table | None, tiers: list[str]) -> WindowRule | None:
    """The window of close-outs, None without a table.

    Raises:
        PolicyError: a key is missing, or one of the factors is nothing, so that the window has no capacity.
    """
    if t is None:
        return None
    depth = read_market_amount(t, "depth", tiers)
    if depth is None:
        t.missing("depth", 'an amount such as "1000000", or amounts by tier')
    rule = WindowRule(t.fraction("fee"), depth, t.fraction("multiplier"), t.seconds("window_s"))
    t.done()
    for key, factor in (("fee", rule.fee), ("multiplier", rule.multiplier), ("window_s", rule.window_ns)):
        if not factor:
            t.fail(key, "a window of no capacity: nothing could be closed", "more than zero")
    for tier, amount in (depth.by_tier or {"": depth.largest}).items():
        if not amount:
            place = t.must("depth") if tier else t
            place.fail(tier or "depth", "a market of no depth: nothing could be closed in it", 'an amount above "0"')
    return rule
