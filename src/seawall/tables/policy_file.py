"""A policy back in the words of its file: the inverse of ``policy_from_mapping``.

A key that stands at its default is left out. Amounts and shares are text, so that they are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from seawall.engine import AuctionsRule, HouseAccount, Policy, WindDownRule
from seawall.liquidation import BackstopRule, Criterion, FeeKind, HaltRule, LiquidationRule, MarketAmount
from seawall.margin import Stress
from seawall.members import Fails, MembersRule, SizeRule
from seawall.money import exact_text
from seawall.tables.portfolio_auction import portfolio_auction_to_mapping
from seawall.waterfall import (
    OTHER_TIER,
    AuctionTerms,
    DeleverageRule,
    LayerKind,
    LayerRule,
    Limit,
    LimitScope,
    ProfitCapRule,
)

SECOND = 10**9
SCOPES = {
    LimitScope.EVENT: "limit_per_event",
    LimitScope.ACCOUNT: "limit_per_account",
    LimitScope.OWNER: "limit_per_owner",
    LimitScope.MARKET: "limit_per_market",
}


def policy_to_mapping(policy: Policy) -> dict[str, Any]:
    """Tables and keys as in a policy file; reading them again gives the same policy."""
    tiers: dict[str, list[str]] = {}
    for coin, tier in policy.tiers.items():
        tiers.setdefault(tier, []).append(coin)
    liquidation, oracle, marks = policy.liquidation, policy.oracle, policy.marks
    header = ("name", "represents", "source", "cannot_represent", "known_weaknesses")
    return _kept(
        {
            **{key: getattr(policy, key) for key in header},
            "margin": _margin(policy),
            "oracle": _kept(
                {
                    "max_age_s": oracle.max_age_ns // SECOND,
                    "max_future_s": oracle.max_future_ns // SECOND,
                    "max_deviation": exact_text(oracle.max_deviation),
                    "quorum": oracle.quorum,
                    "max_jump": _maybe(oracle.max_jump),
                    "confirm": oracle.confirm,
                    "pinned_after": oracle.pinned_after,
                    "pinned_move": exact_text(oracle.pinned_move),
                },
                {"max_future_s": 0, "quorum": 1, "confirm": 1, "pinned_after": 0, "pinned_move": "0"},
            ),
            "marks": {
                "kind": marks.kind,
                "band": exact_text(marks.band),
                "fallback": marks.fallback,
                "without_index": marks.without_index,
                "max_age_s": marks.max_age_ns // SECOND,
            },
            "liquidation": _liquidation(liquidation),
            "backstop": None if liquidation.backstop is None else _backstop(liquidation.backstop),
            "layers": [_layer(rule) for rule in policy.layers],
            "deleverage": None if policy.deleverage is None else _deleverage(policy.deleverage),
            "profit_cap": None if policy.profit_cap is None else _profit_cap(policy.profit_cap, tiers),
            "house": [_house(h) for h in policy.house],
            "tiers": tiers,
            "members": None if policy.members is None else _members(policy.members),
            "halts": [_halt(h) for h in policy.halts],
            "wind_down": None if policy.wind_down is None else _wind_down(policy.wind_down),
            "auctions": None if policy.auctions is None else _auctions(policy.auctions),
        },
        {"halts": [], "tiers": {}, "layers": [], "house": []},
    )


def _money(millionths: int) -> str:
    return exact_text(Fraction(millionths, 10**6))


def _maybe(value: Fraction | None) -> str | None:
    return None if value is None else exact_text(value)


def _kept(table: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Without what is None or stands at its default."""
    known = defaults or {}
    return {k: v for k, v in table.items() if v is not None and (k not in known or known[k] != v)}


def _margin(policy: Policy) -> dict[str, Any]:
    rows = [
        {"asset": asset, "floor": step.floor, "haircut": exact_text(step.haircut)}
        for asset, schedule in (policy.haircuts or {}).items()
        for step in schedule.steps
    ]
    return _kept(
        {
            "pool": policy.margin.pool,
            "rounding": policy.margin.profile.name,
            "maintenance_of_initial": _maybe(policy.margin.maintenance_of_initial),
            "numeraire": policy.numeraire,
            "haircuts": rows or None,
        }
    )


def _liquidation(rule: LiquidationRule) -> dict[str, Any]:
    pace, limit, fee = rule.pace, rule.limit, rule.fee
    return _kept(
        {
            "deadline_s": rule.deadline_ns // SECOND,
            "defaults": "flat" if rule.defaults_when_flat else "negative",
            "pace": _kept(
                {
                    "kind": pace.kind.value,
                    "above": None if pace.above is None else _money(pace.above),
                    "share": exact_text(pace.share),
                    "cooldown_s": pace.cooldown_ns // SECOND,
                    "buffer": exact_text(pace.buffer),
                    "target": exact_text(pace.target),
                    "duration_s": pace.duration_ns // SECOND,
                },
                {"share": "1", "cooldown_s": 0, "buffer": "0", "target": "1", "duration_s": 0},
            ),
            "limit": _kept(
                {
                    "kind": limit.kind.value,
                    "adjustment": exact_text(limit.adjustment),
                    "spread": exact_text(limit.spread),
                    "grace_s": limit.grace_ns // SECOND,
                    "growth_per_s": exact_text(limit.growth),
                    "most": exact_text(limit.most),
                },
                {"adjustment": "1", "spread": "0", "grace_s": 0, "growth_per_s": "0", "most": "0"},
            ),
            "fee": {"kind": "none"}
            if fee.kind is FeeKind.NONE
            else {"kind": fee.kind.value, "rate": exact_text(fee.rate), "account": fee.account},
            "caps": None
            if rule.caps is None
            else {"max_notional": _money(rule.caps.max_notional), "max_fund_loss": _money(rule.caps.max_fund_loss)},
            "window": None
            if rule.window is None
            else {
                "fee": exact_text(rule.window.fee),
                "depth": _by_market(rule.window.depth),
                "multiplier": exact_text(rule.window.multiplier),
                "window_s": rule.window.window_ns // SECOND,
            },
        },
        {"defaults": "negative"},
    )


def _backstop(rule: BackstopRule) -> dict[str, Any]:
    return _kept(
        {
            "account": rule.account,
            "takes_below": exact_text(rule.takes_below),
            "takes_unfilled": rule.takes_unfilled,
            "takes_bankrupt": rule.takes_bankrupt,
            "max_leverage": _maybe(rule.max_leverage),
            "max_notional": None if rule.max_notional is None else _money(rule.max_notional),
            "over_limit": rule.over_limit.value,
            "work_out_share": exact_text(rule.work_out_share),
            "max_notional_per_market": None if rule.max_per_market is None else _by_market(rule.max_per_market),
            "surplus_to": rule.surplus_to or None,
            "surplus_above": _money(rule.surplus_above),
        },
        {"surplus_above": "0"},
    )


def _by_market(amounts: MarketAmount) -> str | dict[str, str]:
    """One amount, or amounts by tier."""
    if amounts.by_tier is not None:
        return {tier: _money(amount) for tier, amount in amounts.by_tier.items()}
    return _money(amounts.amount or 0)


def _layer(rule: LayerRule) -> dict[str, Any]:
    gains = rule.kind is LayerKind.GAINS_HAIRCUT
    return _kept(
        {
            "name": rule.name,
            "kind": rule.kind.value,
            "account": rule.account or None,
            "causes": sorted(rule.causes),
            **_limits(rule.limits),
            "partial": rule.partial,
            "keep": _money(rule.keep),
            "beside": rule.beside,
            "cap": exact_text(rule.cap),
            "base": rule.base.value,
            "period_s": rule.period_ns // SECOND if gains else 0,
            "cap_each": None if rule.cap_each is None else _money(rule.cap_each),
            "cap_per": rule.cap_per.value,
            "of": rule.of.value,
            "pays": rule.pays,
            "closes": rule.closes,
            "deleverage": None if rule.deleverage is None else _deleverage(rule.deleverage),
            "reinstated_after_s": None if rule.reinstated_after_ns is None else rule.reinstated_after_ns // SECOND,
        },
        {
            "causes": ["default"],
            "partial": True,
            "keep": "0",
            "beside": False,
            "cap": "1",
            "base": "unrealised",
            "period_s": 0,
            "cap_per": "owner",
            "of": "balance",
            "pays": "all",
            "closes": "all",
        },
    )


def _limits(limits: tuple[Limit, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for limit in limits:
        if limit.by_tier is not None:
            found["limit_per_market"] = {tier: _money(amount) for tier, amount in limit.by_tier.items()}
        elif limit.scope in SCOPES:
            found[SCOPES[limit.scope]] = _money(limit.amount or 0)
        else:
            row = _kept(
                {
                    "amount": None if limit.amount is None else _money(limit.amount),
                    "share_of_peak": _maybe(limit.share_of_peak),
                    "per": "market" if limit.scope is LimitScope.MARKET_PERIOD else "all",
                    "window_s": limit.window_ns // SECOND,
                }
            )
            found.setdefault("limit_per_period", []).append(row)
    return found


def _deleverage(rule: DeleverageRule) -> dict[str, Any]:
    return _kept(
        {
            "rank": rule.rank.value,
            "price": rule.price.value,
            "seed": rule.seed,
            "share": exact_text(rule.share),
            "backoff": exact_text(rule.backoff),
        },
        {"seed": 0, "share": "1", "backoff": "1"},
    )


def _profit_cap(rule: ProfitCapRule, tiers: Mapping[str, object]) -> dict[str, Any]:
    def share(by_tier: Mapping[str, Fraction]) -> str | dict[str, str]:
        if set(by_tier) == {*tiers, OTHER_TIER} and len(set(by_tier.values())) == 1:
            return exact_text(by_tier[OTHER_TIER])
        return {tier: exact_text(value) for tier, value in by_tier.items()}

    return {"account": rule.account, "cap": share(rule.cap), "floor": share(rule.floor)}


def _house(house: HouseAccount) -> dict[str, Any]:
    return _kept(
        {
            "name": house.name,
            "role": house.role,
            "opening": house.opening,
            "share_of_cash": _maybe(house.share_of_cash),
        }
    )


def _members(rule: MembersRule) -> dict[str, Any]:
    return _kept(
        {
            "fund": None if rule.fund is None else _money(rule.fund),
            "fund_share_of_cash": _maybe(rule.fund_share_of_cash),
            "contribution": rule.contribution.value,
            "size": None if rule.size is None else _size(rule.size),
            "fixed_each": _money(rule.fixed_each),
            "weights": {key: exact_text(weight) for key, weight in (rule.weights or {}).items()},
            "minimum": _money(rule.minimum),
            "assign": rule.assign,
            "call_per_default": exact_text(rule.call_per_default),
            "call_per_window": exact_text(rule.call_per_window),
            "window_s": rule.window_ns // SECOND,
            "reinstated_after_s": None if rule.reinstated_after_ns is None else rule.reinstated_after_ns // SECOND,
            "reinstated_inside_window": rule.reinstated_inside_window or None,
            "fails": None if rule.fails is Fails.NEVER else rule.fails.value,
            "groups": [list(names) for names in rule.groups] or None,
            "auction": None if rule.auction is None else portfolio_auction_to_mapping(rule.auction),
        },
        {
            "fixed_each": "0",
            "weights": {},
            "minimum": "0",
            "assign": 0,
            "call_per_default": "0",
            "call_per_window": "0",
            "window_s": 0,
        },
    )


def _size(rule: SizeRule) -> dict[str, Any]:
    """Back in the words of the file. An event stands as its moves."""
    found: dict[str, Any] = {"cover": rule.cover}
    if rule.buffer:
        found["buffer"] = exact_text(rule.buffer)
    if rule.emir_minimum:
        found["emir_minimum"] = True
    if rule.least:
        found["least"] = _money(rule.least)
    found["stresses"] = [_stress(s) for s in rule.stresses]
    return found


def _stress(stress: Stress) -> dict[str, Any]:
    if not stress.moves:
        return {"name": stress.name, "move": exact_text(stress.other)}
    return {
        "name": stress.name,
        "moves": {coin: exact_text(move) for coin, move in stress.moves.items()},
        "other": exact_text(stress.other),
    }


def _halt(rule: HaltRule) -> dict[str, Any]:
    return _kept(
        {
            "kind": rule.kind.value,
            "starts": [_criterion(c) for c in rule.starts],
            "ends": [_criterion(c) for c in rule.ends],
            "length_s": rule.length_ns // SECOND,
            "longest_s": rule.longest_ns // SECOND,
            "rest_s": rule.rest_ns // SECOND,
        },
        {"ends": []},
    )


def _criterion(criterion: Criterion) -> dict[str, str]:
    return {"measure": criterion.measure, "is": criterion.sense.value, "threshold": exact_text(criterion.threshold)}


def _wind_down(rule: WindDownRule) -> dict[str, Any]:
    return _kept(
        {
            "price": rule.basis.value,
            "window_s": rule.window_ns // SECOND,
            "classes": list(rule.classes),
            "claims_s": rule.claims_ns // SECOND,
            "interim_share": exact_text(rule.interim_share),
        },
        {"window_s": 0},
    )


def _auctions(rules: AuctionsRule) -> dict[str, Any]:
    debt, surplus = rules.debt, rules.surplus
    return _kept(
        {
            "debt": None
            if debt is None
            else {
                "lot": _money(debt.lot),
                "first_shares": debt.first_shares,
                **_kept(
                    {"wait_s": debt.wait // SECOND, "restart": exact_text(debt.restart)},
                    {"wait_s": 0, "restart": "1.5"},
                ),
                **_auction_terms(debt.terms),
            },
            "surplus": None
            if surplus is None
            else _kept(
                {
                    "account": rules.account,
                    "lot": _money(surplus.lot),
                    "buffer": _money(surplus.buffer),
                    "most_at_once": None if surplus.most_at_once is None else _money(surplus.most_at_once),
                    **_auction_terms(surplus.terms),
                },
                {"buffer": "0"},
            ),
        }
    )


def _auction_terms(terms: AuctionTerms) -> dict[str, Any]:
    return _kept(
        {
            "improvement": exact_text(terms.improvement),
            "bid_s": terms.bid_time // SECOND,
            "length_s": terms.length // SECOND,
        },
        {"improvement": "1.05"},
    )
