"""The loss waterfall of a policy file: layers, their limits, deleveraging rules, and what makes no sense."""

from __future__ import annotations

from enum import Enum
from fractions import Fraction
from typing import TypeVar

from seawall.errors import PolicyError
from seawall.tables.keys import Table, nearest
from seawall.waterfall import (
    CAUSES,
    OTHER_TIER,
    CapHolder,
    DeleverageRule,
    GainsBase,
    LayerKind,
    LayerRule,
    Limit,
    LimitScope,
    PriceRule,
    ProfitCapRule,
    RankRule,
    RateOf,
    order_layers,
)

E = TypeVar("E", bound=Enum)
ONE = Fraction(1)
MILLION = 10**6
CUTTING = (LayerKind.GAINS_HAIRCUT, LayerKind.CASH_HAIRCUT)
IN_MEMBERS = "what members put back is said once for all of them", "reinstated_after_s in [members]"
NOT_REINSTATED = {
    kind: (f"{kind.value} has no money that could be put back", 'a layer of kind "account"')
    for kind in LayerKind
    if kind is not LayerKind.ACCOUNT
} | {LayerKind.MEMBERS: IN_MEMBERS, LayerKind.OWN_CONTRIBUTION: IN_MEMBERS}


def choice(table: Table, key: str, kinds: type[E], default: E | None = None) -> E:
    """One of an enum's values by name."""
    names = [k.value for k in kinds]
    return kinds(table.choice(key, names, None if default is None else default.value))


def maybe_seconds(table: Table, key: str) -> int | None:
    """Whole seconds as nanoseconds, or None."""
    return table.seconds(key) if table.has(key) else None


def money(table: Table, key: str) -> int | None:
    """An amount in millionths of a unit, or None; refused when it is finer than that."""
    found = table.maybe_fraction(key)
    if found is None:
        return None
    if (found * MILLION).denominator != 1:
        table.fail(key, "finer than a millionth", 'an amount with at most six decimals such as "1000.50"')
    return int(found * MILLION)


def read_layers(rows: list[Table], house: list[str], tiers: list[str], where: str) -> tuple[LayerRule, ...]:
    """All layers in the order of use.

    Raises:
        PolicyError: an unknown name, an account that pays twice, a layer that is never reached or makes no sense.
    """
    rules = [_layer(t, house, tiers) for t in rows]
    payers = [rule.account for rule in rules if rule.kind is LayerKind.ACCOUNT]
    for i, t in enumerate(rows):
        if rules[i].kind is LayerKind.ACCOUNT and payers.count(rules[i].account) > 1:
            t.fail("account", "account pays in two layers: its money would be counted twice", "an account of its own")
    for i, t in enumerate(rows):
        _check_place(i, rules, t)
    try:
        return order_layers(rules)
    except PolicyError as error:
        raise PolicyError(
            error.problem, where=where, field=error.field, value=error.value, expected=error.expected
        ) from None


def _layer(t: Table, house: list[str], tiers: list[str]) -> LayerRule:
    kind = choice(t, "kind", LayerKind)
    account = t.text("account") if kind is LayerKind.ACCOUNT else ""
    if kind is LayerKind.ACCOUNT and account not in house:
        t.fail("account", "no such house account", nearest(account, house) if house else "a [[house]] account")
    is_account, cuts = kind is LayerKind.ACCOUNT, kind in CUTTING
    rule = LayerRule(
        name=t.text("name"),
        kind=kind,
        account=account,
        causes=t.names("causes", CAUSES, ["default"]),
        limits=_limits(t, tiers),
        partial=t.flag("partial", True) if is_account else True,
        keep=(money(t, "keep") or 0) if is_account else 0,
        beside=t.flag("beside", False),
        cap=t.fraction("cap", ONE, high=ONE) if cuts else ONE,
        base=choice(t, "base", GainsBase, GainsBase.UNREALISED)
        if kind is LayerKind.GAINS_HAIRCUT
        else GainsBase.UNREALISED,
        period_ns=t.seconds("period_s", 0) if kind is LayerKind.GAINS_HAIRCUT else 0,
        cap_each=money(t, "cap_each") if kind is LayerKind.GAINS_HAIRCUT else None,
        cap_per=choice(t, "cap_per", CapHolder, CapHolder.OWNER)
        if kind is LayerKind.GAINS_HAIRCUT
        else CapHolder.OWNER,
        of=choice(t, "of", RateOf, RateOf.BALANCE) if kind is LayerKind.WITHDRAWAL_RATE else RateOf.BALANCE,
        pays=t.choice("pays", ["all", "fills"], "all") if is_account else "all",
        deleverage=read_deleverage(t.table("deleverage")) if kind is LayerKind.DELEVERAGE else None,
        closes=t.choice("closes", ["all", "unpaid"], "all") if kind is LayerKind.DELEVERAGE else "all",
        then=t.text("then", "") or None,
        reinstated_after_ns=maybe_seconds(t, "reinstated_after_s") if is_account else None,
    )
    if kind in NOT_REINSTATED and t.has("reinstated_after_s"):
        t.fail("reinstated_after_s", *NOT_REINSTATED[kind])
    if rule.cap_each is None and kind is LayerKind.GAINS_HAIRCUT and t.has("cap_per"):
        t.fail("cap_per", "says whose lifetime cap, but not how much it is", 'cap_each = "1000000" beside it')
    t.done()
    return rule


def _limits(t: Table, tiers: list[str]) -> tuple[Limit, ...]:
    found = []
    whole = (LimitScope.EVENT, LimitScope.ACCOUNT, LimitScope.OWNER)
    for key, scope in ((f"limit_per_{scope.value}", scope) for scope in whole):
        amount = money(t, key)
        if amount is not None:
            found.append(Limit(scope, amount))
    if isinstance(t.data.get("limit_per_market"), dict):
        by_tier = t.must("limit_per_market")
        if not tiers:
            t.fail("limit_per_market", "amounts by tier but the policy has no [tiers]", "[tiers] that sorts markets")
        amounts = {tier: money(by_tier, tier) or 0 for tier in tiers if by_tier.has(tier)}
        by_tier.done()
        found.append(Limit(LimitScope.MARKET, by_tier=amounts))
    else:
        amount = money(t, "limit_per_market")
        if amount is not None:
            found.append(Limit(LimitScope.MARKET, amount))
    found.extend(_period(p) for p in t.rows("limit_per_period"))
    return tuple(found)


def _period(t: Table) -> Limit:
    amount, share = money(t, "amount"), t.maybe_fraction("share_of_peak", high=ONE)
    if (amount is None) == (share is None):
        t.fail("amount", "a period limit has either an amount or a share_of_peak", 'amount = "1000000"')
    scope = LimitScope.MARKET_PERIOD if t.choice("per", ["all", "market"], "all") == "market" else LimitScope.PERIOD
    window = t.whole("window_s", low=1) * 10**9
    t.done()
    return Limit(scope, amount, share_of_peak=share, window_ns=window)


def _check_place(i: int, rules: list[LayerRule], t: Table) -> None:
    """What a layer cannot be where it stands."""
    rule = rules[i]
    if rule.beside and (i == 0 or not {rule.kind, rules[i - 1].kind} <= {LayerKind.ACCOUNT, LayerKind.MEMBERS}):
        t.fail("beside", "stands beside no layer that pays cash", "an account or members layer right before it")
    if rule.beside and not (rule.partial and rules[i - 1].partial):
        t.fail("beside", "a layer that pays all or nothing cannot share", "partial = true in both")
    if rule.beside and rule.causes != rules[i - 1].causes:
        t.fail("causes", "layers that pay together must cover the same causes", ", ".join(sorted(rules[i - 1].causes)))
    if rule.kind is LayerKind.DELEVERAGE and rule.limits:
        t.fail("limit_per_event", "deleveraging closes positions: it has no limit in money", "no limit on this layer")
    if rule.kind in (LayerKind.DELEVERAGE, LayerKind.OPEN_INTEREST) and rule.causes != frozenset({"default"}):
        t.fail("causes", f"{rule.kind.value} can pay for a defaulted position only", '["default"]')


def read_deleverage(t: Table | None) -> DeleverageRule | None:
    """A deleveraging rule, None without a table."""
    if t is None:
        return None
    rule = DeleverageRule(
        choice(t, "rank", RankRule),
        choice(t, "price", PriceRule),
        t.whole("seed", 0),
        t.fraction("share", ONE, high=ONE),
        t.fraction("backoff", ONE, high=ONE),
    )
    if not rule.share or not rule.backoff:
        t.fail(
            "share" if not rule.share else "backoff", "nothing would ever be closed", 'a part above zero such as "1/2"'
        )
    t.done()
    return rule


def read_profit_cap(t: Table | None, house: list[str], tiers: list[str]) -> ProfitCapRule | None:
    """The profit cap, None without a table. ``tiers`` of the policy; a plain share holds for every market.

    Raises:
        PolicyError: no such account, a tier in one of cap and floor only, or not floor <= cap < 1.
    """
    if t is None:
        return None
    account = t.text("account")
    if account not in house:
        t.fail("account", "no such house account", nearest(account, house) if house else "a [[house]] account")
    cap, floor = (_by_tier(t, key, tiers or [OTHER_TIER]) for key in ("cap", "floor"))
    t.done()
    for tier in sorted(set(cap) ^ set(floor)):
        missing = "floor" if tier in cap else "cap"
        t.fail(missing, f"says nothing of tier {tier}", f"a {missing} for {', '.join(sorted(set(cap) | set(floor)))}")
    for tier, most in cap.items():
        if most >= ONE:
            t.fail("cap", "profits of the whole pool and more are not capped", 'less than "1", such as "0.85"')
        if floor[tier] > most:
            t.fail(
                "floor",
                f"above the cap: closing would begin and not be allowed to end (tier {tier})",
                "at most the cap",
            )
    return ProfitCapRule(account, cap, floor)


def _by_tier(t: Table, key: str, tiers: list[str]) -> dict[str, Fraction]:
    """One share for every tier, or a table of shares by tier."""
    if not isinstance(t.data.get(key), dict):
        share = t.fraction(key, high=ONE)
        return dict.fromkeys(tiers, share)
    by_tier = t.must(key)
    found = {tier: by_tier.fraction(tier, high=ONE) for tier in tiers if by_tier.has(tier)}
    by_tier.done()
    return found
