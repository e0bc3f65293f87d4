"""What makes no sense in a policy as a whole: money counted twice, caps that never bind, layers that never pay.

Every refusal names the key path, the reason and the nearest form that is valid. What a single key may say is checked
where it is read (``tables.policies``, ``tables.layers``, ``tables.halts``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from seawall.engine import Policy
from seawall.liquidation import Criterion, FeeKind, HaltKind, LimitKind, Sense
from seawall.money import exact_text
from seawall.tables.auctions import check_auctions
from seawall.tables.keys import Table
from seawall.tables.members import check_life
from seawall.tables.portfolio_auction import check_portfolio_auction
from seawall.waterfall import PAYING, CapHolder, LayerKind, LayerRule, Limit, LimitScope, PriceRule, RateOf

ONE = Fraction(1)
RESERVED = ("outside", "external")
CONTRIBUTION = "contribution:"
PERIODS = (LimitScope.PERIOD, LimitScope.MARKET_PERIOD)
KEYS = {
    LimitScope.EVENT: "limit_per_event",
    LimitScope.ACCOUNT: "limit_per_account",
    LimitScope.OWNER: "limit_per_owner",
    LimitScope.MARKET: "limit_per_market",
    LimitScope.PERIOD: "limit_per_period",
    LimitScope.MARKET_PERIOD: "limit_per_period",
}
NEED_MEMBERS = frozenset({LayerKind.OWN_CONTRIBUTION, LayerKind.MEMBERS, LayerKind.ASSESSMENT})
CUTS = frozenset({LayerKind.GAINS_HAIRCUT, LayerKind.CASH_HAIRCUT})
# Whose money a layer of this kind takes, where two layers would take the same.
SAME_MONEY = {
    LayerKind.OWN_CONTRIBUTION: "the defaulter's contribution",
    LayerKind.MEMBERS: "the members' contributions",
    LayerKind.ASSESSMENT: "the members' caps on calls",
    LayerKind.GAINS_HAIRCUT: "the same gains",
    LayerKind.OPEN_INTEREST: "the same open interest",
    LayerKind.CASH_HAIRCUT: "the same balances",
    LayerKind.WITHDRAWAL_RATE: "the same withdrawals",
}


def check_sound(policy: Policy, top: Table) -> None:
    """Refuse a policy that makes no sense as a whole.

    Args:
        policy: as read.
        top: the file it was read from, for key paths.

    Raises:
        PolicyError: the first thing found.
    """
    rows = {str(t.data["name"]): t for t in top.rows("layers")}
    layers = [(rule, rows[rule.name]) for rule in policy.layers]
    _house(policy, top)
    _shares(policy, top)
    _members(policy, top, rows)
    check_life(policy, top)
    _backstop(policy, top)
    for at, (rule, row) in enumerate(layers):
        before = [earlier for earlier, _ in layers[:at]]
        _money_of(policy, rule, row, before)
        _limits(rule, row)
        _reach(policy, rule, row, before)
    _profit_cap(policy, top)
    _halts(policy, top)
    check_auctions(policy, top)
    check_portfolio_auction(policy, top)


# --- whose money ----------------------------------------------------------------------------------------------------


def _house(policy: Policy, top: Table) -> None:
    """Names that the engine keeps for accounts of its own, and accounts that nothing uses."""
    backstop, fee = policy.liquidation.backstop, policy.liquidation.fee
    used = {rule.account for rule in policy.layers if rule.kind is LayerKind.ACCOUNT}
    if backstop is not None:
        used |= {backstop.account, backstop.surplus_to}
    if fee.kind is not FeeKind.NONE:
        used.add(fee.account)
    if policy.auctions is not None:
        used.add(policy.auctions.account)
    if policy.profit_cap is not None:
        used.add(policy.profit_cap.account)
    for house, t in zip(policy.house, top.rows("house"), strict=True):
        if house.name.startswith(CONTRIBUTION):
            t.fail("name", "contributions already pay in the members' layer: their money would count twice", '"fund"')
        if house.name in RESERVED:
            t.fail("name", "name is reserved", '"fund"')
        if house.name not in used:
            t.fail(
                "name",
                "no layer, backstop, fee, profit cap or auction uses this account",
                f'[[layers]] with kind = "account" and account = "{house.name}", or no such [[house]]',
            )


def _shares(policy: Policy, top: Table) -> None:
    """Shares of the same cash add up to no more than all of it."""
    whole = sum((h.share_of_cash or Fraction(0) for h in policy.house), Fraction(0))
    for i, house in enumerate(policy.house):
        if house.share_of_cash is not None and whole > ONE:
            top.rows("house")[i].fail(
                "share_of_cash",
                f"shares of the members' cash add up to {_percent(whole)}",
                f'together at most "1": here at most "{ONE - min(ONE, whole - house.share_of_cash)}", or opening = "1000000"',
            )


def _money_of(policy: Policy, rule: LayerRule, row: Table, before: Sequence[LayerRule]) -> None:
    """An account, a fund or a gain pays in one place."""
    backstop = policy.liquidation.backstop
    if rule.kind is LayerKind.ACCOUNT and backstop is not None and backstop.account == rule.account:
        row.fail(
            "account",
            "account pays as the backstop too: its money would be counted twice",
            "a [[house]] account of its own",
        )
    for earlier in before:
        same = earlier.kind is rule.kind and (rule.kind is not LayerKind.GAINS_HAIRCUT or earlier.base is rule.base)
        # A haircut that may not take all leaves something for a later one.
        leaves = rule.kind in CUTS and (earlier.cap < ONE or bool(earlier.limits) or earlier.cap_each is not None)
        if same and rule.kind in SAME_MONEY and not leaves:
            row.fail(
                "kind",
                f"layer {earlier.name!r} already takes {SAME_MONEY[rule.kind]}: that money would be counted twice",
                f"one layer of kind {rule.kind.value}",
            )


def _members(policy: Policy, top: Table, rows: dict[str, Table]) -> None:
    """A default fund for the layers that need one, and layers for a default fund."""
    rule = policy.members
    for layer in policy.layers:
        if layer.kind in NEED_MEMBERS and rule is None:
            rows[layer.name].fail("kind", f"{layer.kind.value} needs a default fund", "a table [members]")
        if layer.cap_per is CapHolder.MEMBER and rule is None:
            rows[layer.name].fail(
                "cap_per", "a cap per member, but no account has one", '"owner", or a table [members]'
            )
        if layer.kind is LayerKind.ASSESSMENT and rule is not None and not rule.call_per_default:
            top.must("members").fail(
                "call_per_default", "an assessment layer that may call nothing", 'a multiple such as "1"'
            )
    if rule is not None and not any(layer.kind in NEED_MEMBERS for layer in policy.layers):
        top.fail("members", "no layer uses the default fund", 'a layer of kind "members"')


def _backstop(policy: Policy, top: Table) -> None:
    """Limits of the backstop that can bind and leave it something to do, and a surplus that goes somewhere."""
    rule = policy.liquidation.backstop
    if rule is None:
        return
    t = top.must("backstop")
    if rule.surplus_above and not rule.surplus_to:
        t.fail(
            "surplus_above", "nothing is passed on: surplus_to names no account", 'surplus_to = "fund", or no amount'
        )
    amounts, key = rule.max_per_market, "max_notional_per_market"
    if amounts is None:
        return
    if not amounts.largest:
        t.fail(key, "a limit of nothing in every market: the backstop takes nobody", "an amount above zero")
    if rule.max_notional is not None and amounts.largest >= rule.max_notional:
        whole = f"max_notional of {_money(rule.max_notional)}"
        tier = max(amounts.by_tier, key=lambda name: (amounts.of(name), name)) if amounts.by_tier else ""
        (t.must(key) if tier else t).fail(
            tier or key, f"never binds: {whole} always undercuts it", f"less than {whole}, or none"
        )


# --- limits ---------------------------------------------------------------------------------------------------------


def _limits(rule: LayerRule, row: Table) -> None:
    """Every limit can bind, and none is stated twice."""
    for at, limit in enumerate(rule.limits):
        if _most(limit) == 0 or limit.share_of_peak == 0:
            _fail_limit(row, limit, "a limit of nothing: the layer never pays", "an amount above zero, or no layer")
        if limit.share_of_peak is not None and rule.kind is not LayerKind.ACCOUNT:
            _fail_limit(row, limit, "share of the peak of an account, but no account pays here", 'amount = "1000000"')
        for other in rule.limits[:at]:
            if (limit.scope, limit.window_ns) == (other.scope, other.window_ns):
                _fail_limit(row, limit, "the same limit stated twice", "one of the two, or another window_s")
    for limit in rule.limits:
        for other in rule.limits:
            if other is not limit and _undercuts(other, limit):
                _fail_limit(
                    row,
                    limit,
                    f"never binds: {_say(other)} always undercuts it",
                    f"less than {_say(other)}, or none",
                )
    if rule.kind in CUTS and rule.cap == 0:
        row.fail("cap", "a cap of nothing: the layer never pays", 'a share such as "1/2", or no layer')
    if rule.cap_each == 0:
        row.fail("cap_each", "a cap of nothing: the layer never pays", "an amount above zero, or no layer")


def _fail_limit(row: Table, limit: Limit, problem: str, expected: str) -> None:
    key = KEYS[limit.scope]
    if limit.scope not in PERIODS:
        row.fail(key, problem, expected)
    for t in row.rows(key):
        per = LimitScope.MARKET_PERIOD if t.data.get("per") == "market" else LimitScope.PERIOD
        if per is limit.scope and t.data["window_s"] * 10**9 == limit.window_ns:
            found = t
    found.fail("amount" if limit.share_of_peak is None else "share_of_peak", problem, expected)


def _most(limit: Limit) -> int | None:
    """The largest amount that the limit allows anywhere; None for a share of a peak."""
    return max(limit.by_tier.values(), default=0) if limit.by_tier is not None else limit.amount


def _undercuts(tight: Limit, loose: Limit) -> bool:
    """Does ``tight`` always hold before ``loose`` does? It counts all that ``loose`` counts and allows no more."""
    inside = {
        LimitScope.EVENT: {LimitScope.ACCOUNT, LimitScope.OWNER, LimitScope.MARKET, *PERIODS},
        LimitScope.ACCOUNT: {LimitScope.OWNER},
        LimitScope.OWNER: set(),
        LimitScope.MARKET: set(),
        LimitScope.PERIOD: {LimitScope.PERIOD},
        LimitScope.MARKET_PERIOD: {LimitScope.MARKET, *PERIODS},
    }[loose.scope]
    if tight.scope not in inside or (loose.scope in PERIODS and 0 < tight.window_ns < loose.window_ns):
        return False
    if tight.share_of_peak is not None and loose.share_of_peak is not None:
        return tight.window_ns == loose.window_ns and tight.share_of_peak <= loose.share_of_peak
    a, b = _most(tight), _most(loose)
    return a is not None and b is not None and tight.by_tier is None and a <= b


def _say(limit: Limit) -> str:
    per = {LimitScope.PERIOD: "all", LimitScope.MARKET_PERIOD: "market"}.get(limit.scope)
    amount = f"{_percent(limit.share_of_peak)} of the peak" if limit.share_of_peak is not None else _money(_most(limit))
    window = "" if per is None else f" (per {per}, window_s = {limit.window_ns // 10**9})"
    return f"{KEYS[limit.scope]} of {amount}{window}"


def _money(amount: int | None) -> str:
    return exact_text(Fraction(amount or 0, 10**6))


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):.6g} %"


# --- layers that are never reached ----------------------------------------------------------------------------------


def _reach(policy: Policy, rule: LayerRule, row: Table, before: Sequence[LayerRule]) -> None:
    """Could the layer ever pay where it stands?"""
    if not rule.causes:
        row.fail("causes", "covers no cause: the layer never pays", '["default"]')
    for earlier in before:
        # Of profit it takes no more than there is.
        takes_all = earlier.kind is LayerKind.WITHDRAWAL_RATE and earlier.of is RateOf.BALANCE and not earlier.limits
        if takes_all and rule.causes <= earlier.causes:
            row.fail(
                "name",
                f"never reached: layer {earlier.name!r} always takes the rest",
                f"a place before {earlier.name!r}",
            )
    if rule.pays == "fills":
        _reach_fills(policy, row, before)
    if rule.kind is LayerKind.DELEVERAGE:
        _reach_deleverage(policy, rule, row, before)


def _reach_fills(policy: Policy, row: Table, before: Sequence[LayerRule]) -> None:
    terms = policy.liquidation
    if terms.defaults_when_flat:
        row.fail("pays", 'never reached: with liquidation.defaults = "flat" the account bears its fills', '"all"')
    if terms.limit.kind is LimitKind.BANKRUPTCY:
        row.fail("pays", "never reached: with limit bankruptcy no fill costs more than the account has", '"all"')
    other = next((earlier for earlier in before if earlier.kind not in PAYING), None)
    if other is not None:
        row.fail(
            "pays",
            f"never reached: layer {other.name!r} before it cannot pay for fills",
            f"a place before {other.name!r}",
        )


def _reach_deleverage(policy: Policy, rule: LayerRule, row: Table, before: Sequence[LayerRule]) -> None:
    if policy.liquidation.defaults_when_flat and policy.liquidation.backstop is None:
        row.fail(
            "kind",
            'never reached: with liquidation.defaults = "flat" no position is left to close',
            '"gains_haircut" or "open_interest", or defaults = "negative"',
        )
    terms = rule.deleverage or policy.deleverage
    for earlier in before:
        if earlier.kind is LayerKind.DELEVERAGE and (earlier.deleverage or policy.deleverage) == terms:
            row.fail(
                "deleverage",
                f"never reached: layer {earlier.name!r} has already closed what the same rule can close",
                'another rule such as { rank = "pro_rata", price = "mark" }',
            )


def _profit_cap(policy: Policy, top: Table) -> None:
    """A cap needs an order in which winners are closed, at the mark, and an account that can hold what they held."""
    rule = policy.profit_cap
    if rule is None:
        return
    if policy.deleverage is None:
        top.fail("deleverage", "profits are capped but nothing says who is closed first", 'rank, and price = "mark"')
    if policy.deleverage.price is not PriceRule.MARK:
        top.must("deleverage").fail("price", "capped profits are closed at the mark: nothing is given up", '"mark"')
    backstop = policy.liquidation.backstop
    if backstop is not None and backstop.account == rule.account and backstop.surplus_to:
        problem = "the same account pays capped profits: what it passes on is gone when they are due"
        top.must("backstop").fail("surplus_to", problem, "no surplus_to, or another account for the profit cap")
    at = next(i for i, house in enumerate(policy.house) if house.name == rule.account)
    if policy.house[at].role == "fund":
        top.rows("house")[at].fail(
            "role", "takes the positions of capped winners, and a fund may hold none", '"backstop"'
        )


# --- halts ----------------------------------------------------------------------------------------------------------


def _halts(policy: Policy, top: Table) -> None:
    """Switches that switch something, on criteria that can be met and can be missed."""
    for rule, t in zip(policy.halts, top.rows("halts"), strict=True):
        deleverages = policy.profit_cap is not None or any(x.kind is LayerKind.DELEVERAGE for x in policy.layers)
        if rule.kind is HaltKind.DELEVERAGING and not deleverages:
            t.fail("kind", "switches deleveraging, but no layer deleverages", 'a layer of kind "deleverage"')
        for key, criteria in (("starts", rule.starts), ("ends", rule.ends)):
            for criterion, row in zip(criteria, t.rows(key), strict=True):
                _criterion(criterion, row)


# A measure is never below zero.
CONSTANT: dict[Sense, Callable[[Fraction], bool]] = {
    Sense.AT_LEAST: lambda threshold: threshold <= 0,
    Sense.BELOW: lambda threshold: threshold <= 0,
    Sense.ABOVE: lambda threshold: threshold < 0,
    Sense.AT_MOST: lambda threshold: threshold < 0,
}


def _criterion(criterion: Criterion, row: Table) -> None:
    if CONSTANT[criterion.sense](criterion.threshold):
        always = criterion.sense in (Sense.AT_LEAST, Sense.ABOVE)
        row.fail(
            "threshold",
            f"{criterion.measure} is never below zero, so this is {'always' if always else 'never'} met",
            'is = "above" and threshold = "0"' if always else 'is = "at_most" and threshold = "0"',
        )
