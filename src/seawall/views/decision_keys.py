"""The keys of the policy file that decide an event, with their values."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from seawall.engine import AuctionsRule, Policy
from seawall.engine.auctionbook import ESCROW
from seawall.liquidation import MarketAmount
from seawall.members import PortfolioAuctionRule
from seawall.money import exact_text, format_amount
from seawall.tables.portfolio_auction import portfolio_auction_to_mapping
from seawall.waterfall import DeleverageRule, LayerKind, LayerRule, PriceRule

Event = Mapping[str, Any]
Keys = list[tuple[str, str]]

_PRICES = {
    PriceRule.BANKRUPTCY: "where the closed account ends at zero",
    PriceRule.MARK: "the current mark",
    PriceRule.PREVIOUS_MARK: "the mark before the current one",
    PriceRule.ORACLE: "the index price",
}
_AUCTIONS = ("fund_auction_opened", "fund_bid", "fund_auction_restarted", "fund_auction_closed", "residual_paid")
_WATERFALL = ("drawn", "loss_recognised", "gains_haircut", "residual", "recovered", "recovery_shared")


def policy_keys(event: Event, policy: Policy, served: DeleverageRule | None = None) -> Keys:
    """(key of the policy file, value) that decide this kind of event.

    ``served``: the rule of the queue that was served, where the event is a deleveraging; None: the policy's.
    """
    kind, rules = event["kind"], policy.liquidation
    out: Keys = []
    if kind == "liquidation_started":
        out = [("margin.pool", policy.margin.pool), ("margin.rounding", policy.margin.profile.name)]
    elif kind in ("filled", "intent_opened", "intent_lapsed"):
        out = [("liquidation.limit.kind", rules.limit.kind.value), ("liquidation.fee.kind", rules.fee.kind.value)]
        if rules.fee.rate:
            out.append(("liquidation.fee.rate", str(rules.fee.rate)))
    elif kind == "close_out_held" and rules.window is not None:
        out = [
            ("liquidation.window.fee", str(rules.window.fee)),
            ("liquidation.window.depth", _by_market(rules.window.depth)),
            ("liquidation.window.multiplier", str(rules.window.multiplier)),
            ("liquidation.window.window_s", str(rules.window.window_ns // 10**9)),
        ]
    elif kind == "surplus_passed" and rules.backstop is not None:
        out = [
            ("backstop.surplus_to", rules.backstop.surplus_to),
            ("backstop.surplus_above", exact_text(Fraction(rules.backstop.surplus_above, 10**6))),
        ]
    elif kind == "taken_over" and rules.backstop is not None:
        out = [
            ("backstop.takes_below", str(rules.backstop.takes_below)),
            ("backstop.takes_unfilled", str(rules.backstop.takes_unfilled).lower()),
            ("backstop.takes_bankrupt", str(rules.backstop.takes_bankrupt).lower()),
        ]
    elif kind == "profit_capped" or event.get("cause") == "profit_cap":
        out = _profit_cap(policy)
    elif kind in ("deleveraged", "deleverage_shared", "deleverage_needed"):
        out = _deleverage(event, policy, served or policy.deleverage)
    elif kind in ("halt_began", "halt_ended"):
        out = _halt(event, policy)
    elif (
        kind in ("wound_down", "claim_rejected", "distributed", "written_off", "restored")
        and policy.wind_down is not None
    ):
        out = [
            ("wind_down.price", policy.wind_down.basis.value),
            ("wind_down.classes", " -> ".join(policy.wind_down.classes)),
            ("wind_down.interim_share", str(policy.wind_down.interim_share)),
        ]
    elif kind == "auction_held" and policy.members is not None and policy.members.auction is not None:
        out = _portfolio(policy.members.auction)
    elif kind in _AUCTIONS and policy.auctions is not None:
        out = _auctions(event, policy.auctions)
    if kind in _WATERFALL or "layer" in event:
        out = [("layers", " -> ".join([*(rule.name for rule in policy.layers), "residual"]))]
    for number, rule in enumerate(policy.layers):
        if rule.name == event.get("layer"):
            out += _layer(number, rule)
        elif kind == "gains_haircut" and rule.cap_each is not None:
            out += _cap_each(number, rule)
        elif kind in ("withdrawal_cut", "profits_cut") and rule.kind is LayerKind.WITHDRAWAL_RATE:
            out.append((f"layers[{number}].of", rule.of.value))
    if kind in ("call_round", "called", "call_unpaid") and policy.members is not None:
        out.append(("members.call_per_default", str(policy.members.call_per_default)))
        out.append(("members.call_per_window", str(policy.members.call_per_window)))
    if kind in ("replenishment_owed", "replenished", "debt_ended", "member_defaulted"):
        out += _life(event, policy)
    return out


def _life(event: Mapping[str, Any], policy: Policy) -> Keys:
    """What the file says of putting back, and of members in default."""
    out: Keys = []
    for number, rule in enumerate(policy.layers):
        if rule.account and rule.account == event.get("account") and rule.reinstated_after_ns is not None:
            out.append((f"layers[{number}].reinstated_after_s", str(rule.reinstated_after_ns // 10**9)))
    terms = policy.members
    if out or terms is None:
        return out
    if terms.reinstated_after_ns is not None and event["kind"] != "member_defaulted":
        out.append(("members.reinstated_after_s", str(terms.reinstated_after_ns // 10**9)))
        out.append(("members.reinstated_inside_window", str(terms.reinstated_inside_window).lower()))
    if event["kind"] == "member_defaulted":
        out.append(("members.fails", terms.fails.value))
        out += [("members.groups", " + ".join(names)) for names in terms.groups if event["member"] in names]
    return out


def _layer(number: int, rule: LayerRule) -> Keys:
    """What the file says of the layer that paid."""
    out: Keys = [(f"layers[{number}].kind", rule.kind.value)]
    if rule.account:
        out.append((f"layers[{number}].account", rule.account))
    if rule.kind in (LayerKind.GAINS_HAIRCUT, LayerKind.CASH_HAIRCUT):
        out.append((f"layers[{number}].cap", str(rule.cap)))
    if rule.kind is LayerKind.WITHDRAWAL_RATE:
        out.append((f"layers[{number}].of", rule.of.value))
    if rule.causes != frozenset({"default"}):
        out.append((f"layers[{number}].causes", ", ".join(sorted(rule.causes))))
    if rule.beside:
        out.append((f"layers[{number}].beside", "true"))
    return out


def _cap_each(number: int, rule: LayerRule) -> Keys:
    """The lifetime cap of a gains haircut."""
    each = Fraction(rule.cap_each or 0, 10**6)
    return [(f"layers[{number}].cap_each", exact_text(each)), (f"layers[{number}].cap_per", rule.cap_per.value)]


def _deleverage(event: Event, policy: Policy, rule: DeleverageRule | None) -> Keys:
    if rule is None:
        return []
    backstop = policy.liquidation.backstop
    price = f"{rule.price.value} ({_PRICES[rule.price]})"
    out = [("deleverage.rank", rule.rank.value), ("deleverage.price", price)]
    if not event.get("loss", 1) and backstop is not None:
        if backstop.max_leverage is not None:
            out.append(("backstop.max_leverage", str(backstop.max_leverage)))
        if backstop.max_notional is not None:
            out.append(("backstop.max_notional", exact_text(Fraction(backstop.max_notional, 10**6))))
        if backstop.max_per_market is not None:
            out.append(("backstop.max_notional_per_market", _by_market(backstop.max_per_market)))
    return out


def _auctions(event: Event, rules: AuctionsRule) -> Keys:
    """The terms of the auction; of a residual paid by the fund itself, its buffer."""
    if event["kind"] == "residual_paid" and not event["source"].startswith(ESCROW) and rules.surplus is not None:
        return [("auctions.surplus.account", rules.account), ("auctions.surplus.buffer", _amount(rules.surplus.buffer))]
    sells = event.get("sells", "debt")
    rule = rules.surplus if sells == "surplus" else rules.debt
    if rule is None:
        return []
    out: Keys = [(f"auctions.{sells}.lot", _amount(rule.lot))]
    if rules.surplus is not None and sells == "surplus":
        out += [("auctions.surplus.account", rules.account), ("auctions.surplus.buffer", _amount(rules.surplus.buffer))]
    out.append((f"auctions.{sells}.improvement", str(rule.terms.improvement)))
    for key, time in (("bid_s", rule.terms.bid_time), ("length_s", rule.terms.length)):
        out.append((f"auctions.{sells}.{key}", str(time // 10**9)))
    return out


def _portfolio(rule: PortfolioAuctionRule) -> Keys:
    """The terms of the auction of a portfolio."""
    said = portfolio_auction_to_mapping(rule)
    return [(f"members.auction.{key}", str(value)) for key, value in said.items()]


def _amount(millionths: int) -> str:
    return format_amount(millionths, 6)


def _by_market(amounts: MarketAmount) -> str:
    """One amount, or amounts by tier, in units of the quote currency."""
    if amounts.by_tier is None:
        return exact_text(Fraction(amounts.amount or 0, 10**6))
    return ", ".join(f"{tier} {exact_text(Fraction(amount, 10**6))}" for tier, amount in amounts.by_tier.items())


def _profit_cap(policy: Policy) -> Keys:
    """The cap with its tiers, and the order in which winners are closed."""
    rule, terms = policy.profit_cap, policy.deleverage
    if rule is None or terms is None:
        return []
    shares = [
        (
            f"profit_cap.{key}",
            ", ".join(f"{share} ({tier})" if len(found) > 1 else str(share) for tier, share in found.items()),
        )
        for key, found in (("cap", rule.cap), ("floor", rule.floor))
    ]
    price = f"{terms.price.value} ({_PRICES[terms.price]})"
    return [
        ("profit_cap.account", rule.account),
        *shares,
        ("deleverage.rank", terms.rank.value),
        ("deleverage.price", price),
    ]


def _halt(event: Event, policy: Policy) -> Keys:
    for number, rule in enumerate(policy.halts):
        if rule.kind.value == event["halt"]:
            return [
                (f"halts[{number}].starts", " or ".join(map(str, rule.starts))),
                (f"halts[{number}].length_s", str(rule.length_ns // 10**9)),
                (f"halts[{number}].longest_s", str(rule.longest_ns // 10**9)),
            ]
    return []
