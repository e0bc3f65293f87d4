"""A policy in plain words: who is liquidated, who pays in which order, what is known to be wrong with it."""

from __future__ import annotations

from seawall.engine import Policy, to_plain
from seawall.engine.policy import WindDownRule
from seawall.liquidation import (
    BackstopRule,
    FeeKind,
    HaltKind,
    HaltRule,
    LimitKind,
    LimitPrice,
    LiquidationFee,
    MarketAmount,
    OverLimit,
    Pace,
    PaceKind,
    WindowRule,
)
from seawall.members import Fails, MembersRule
from seawall.views.document import Document, Part, Parts
from seawall.views.rules_auctions import auctions_in_words, portfolio_auction
from seawall.views.rules_sizing import sized_in_words, weights_in_words
from seawall.waterfall import (
    OTHER_TIER,
    GainsBase,
    LayerKind,
    LayerRule,
    LimitScope,
    PriceRule,
    ProfitCapRule,
    RankRule,
    RateOf,
)

RANKS = {
    RankRule.PROFIT_LEVERAGE: "those with most profit times leverage first",
    RankRule.PROFIT_MARGIN_RATIO: "those with most profit on their wallet times margin ratio first",
    RankRule.PRO_RATA: "all on the other side, in proportion to their position",
    RankRule.BY_PROFIT: "all on the other side, in proportion to the profit of their position",
    RankRule.BY_EQUITY: "all on the other side, in proportion to their equity",
    RankRule.EQUAL: "all on the other side the same amount, as far as their positions go",
    RankRule.LEVERAGE: "the most levered first, until the highest leverage is equal",
    RankRule.RISK_AWARE: "all on the other side, in proportion to profit times leverage",
    RankRule.RELIEF: "those first whose net exposure falls most by it; hedges come last",
    RankRule.PROJECTION: "all on the other side, in proportion to the square of their position: large ones give a larger part",
    RankRule.MIN_MAX: "all on the other side, in whole lots, so that the largest part of equity anyone gives up is least",
    RankRule.WALK: "from a pseudo-random account onward, in account order",
}
PRICES = {
    PriceRule.BANKRUPTCY: "at the bankruptcy price of the account that fell, so exactly the loss is collected",
    PriceRule.MARK: "at the mark",
    PriceRule.ORACLE: "at the index price, so more or less than the loss may be collected",
    PriceRule.PREVIOUS_MARK: "at the mark before the current one, so more or less than the loss may be collected",
}
DOES = {
    LayerKind.OWN_CONTRIBUTION: "The member that the account in default belongs to pays out of its own contribution",
    LayerKind.MEMBERS: "The other members pay out of their contributions, pro rata",
    LayerKind.ASSESSMENT: "The other members are called for cash, pro rata to contribution, each within its caps",
    LayerKind.OPEN_INTEREST: "Every open lot of the market pays the same, longs and shorts, winners or not",
    LayerKind.WITHDRAWAL_RATE: "What is left is paid off by withdrawals: they are paid at one rate below one until then",
}
OF_PROFIT = (
    "As much of what is left as there is profit is paid off by withdrawals of profit: they are paid at one rate below one "
    "until then, capital in full"
)

LIMITS = {
    LimitKind.BANKRUPTCY: ", at no worse than its bankruptcy price",
    LimitKind.FILLABLE: ", at a price that may lie beyond bankruptcy and worsens as equity falls",
    LimitKind.MARKET: ", at any price",
}
SCOPES = {
    LimitScope.EVENT: "for one loss",
    LimitScope.ACCOUNT: "for all losses of one account",
    LimitScope.OWNER: "for all losses of one owner's accounts",
    LimitScope.MARKET: "for all losses of one market",
    LimitScope.PERIOD: "within a rolling window",
    LimitScope.MARKET_PERIOD: "for one market within a rolling window",
}


def rules_in_words(policy: Policy, doc: Document) -> list[tuple[str, Parts]]:
    """The parts of a policy, named; figures refer to ``rules`` in the document."""
    doc.data["rules"] = to_plain(policy)
    found: list[tuple[str, Parts]] = [("marks", _marks(policy, doc)), ("liquidation", _liquidation(policy, doc))]
    if policy.liquidation.backstop is not None:
        found.append(("backstop", _backstop(policy.liquidation.backstop, doc)))
    for number, layer in enumerate(policy.layers, 1):
        found.append(
            (f"then {layer.name}" if number > 1 or found else layer.name, _layer(policy, number - 1, layer, doc))
        )
    found.append(("then residual", ["What nobody paid stays on a deficit account, for all to see."]))
    if policy.profit_cap is not None:
        found.append(("profit cap", _profit_cap(policy, policy.profit_cap, doc)))
    if policy.members is not None:
        found.append(("members", _members(policy.members, doc)))
        if policy.members.auction is not None:
            found.append(("auction of a portfolio", portfolio_auction(policy.members.auction, doc)))
    found.extend((f"halt of {h.kind.value}", _halt(n, h, doc)) for n, h in enumerate(policy.halts))
    if policy.auctions is not None:
        found.extend(auctions_in_words(policy.auctions, doc))
    if policy.wind_down is not None:
        found.append(("if the venue itself fails", _wind_down(policy.wind_down, doc)))
    return found


def _profit_cap(policy: Policy, rule: ProfitCapRule, doc: Document) -> Parts:
    out: list[Part] = [f"Account {rule.account} pays profits. When those of one side of a market are above "]
    tiers = list(rule.cap)
    for number, tier in enumerate(tiers):
        name = "" if len(tiers) == 1 else " (other coins)" if tier == OTHER_TIER else f" (coins of tier {tier})"
        out += [", or " if number else "", doc.fig(f"rules.profit_cap.cap.{tier}", "part"), name]
    out.append(" of its money, winners of that side are closed at the mark")
    if policy.deleverage is not None:
        out.append(f" ({RANKS.get(policy.deleverage.rank, policy.deleverage.rank.value)})")
    out.append(", and it takes their positions, until they are within; never below ")
    for number, tier in enumerate(tiers):
        name = "" if len(tiers) == 1 else f" ({tier})"
        out += [", or " if number else "", doc.fig(f"rules.profit_cap.floor.{tier}", "part"), name]
    return [*out, ". From all of its money on, and while it is bankrupt, nobody is closed."]


def _members(rule: MembersRule, doc: Document) -> Parts:
    out: list[Part] = ["The default fund is "]
    if rule.size is not None:
        out += sized_in_words(rule.size, doc)
    elif rule.fund is not None:
        out.append(doc.fig("rules.members.fund", "millionths"))
    else:
        out += [doc.fig("rules.members.fund_share_of_cash", "part"), " of all traders’ cash"]
    out.append(", shared over the members by the rule " + rule.contribution.value.replace("_", " "))
    if rule.weights:
        out += weights_in_words(rule, doc)
    if rule.minimum:
        out += [", at least ", doc.fig("rules.members.minimum", "millionths"), " each"]
    if rule.call_per_default or rule.call_per_window:
        out += [
            ". A member may be called for at most ",
            doc.fig("rules.members.call_per_default", "factor"),
            " times its contribution for one loss and ",
            doc.fig("rules.members.call_per_window", "factor"),
            " times within ",
            doc.fig("rules.members.window_ns", "seconds"),
        ]
    if rule.assign:
        out += [
            ". Where the book names no members, accounts are assigned to ",
            doc.fig("rules.members.assign", "count"),
            " of them by their owner’s name",
        ]
    return [*out, ".", *_members_life(rule, doc)]


def _members_life(rule: MembersRule, doc: Document) -> Parts:
    out: list[Part] = []
    if rule.reinstated_after_ns is not None:
        when = (
            "its use, as far as the window’s cap has room" if rule.reinstated_inside_window else "the window has closed"
        )
        out += [
            " What was used is put back ",
            doc.fig("rules.members.reinstated_after_ns", "seconds"),
            f" after {when}.",
        ]
    if rule.fails is Fails.USED_UP:
        out.append(
            " A member whose own losses used up what it paid in is in default: it is not called and puts nothing back."
        )
    for names in rule.groups:
        out.append(f" {' and '.join(names)} default together, and what they paid in counts as one.")
    return out


MEASURED = {
    "unpaid": "what nobody has paid",
    "fund": "the cash of the funds",
    "bankrupt": "the number of accounts below zero",
    "outage": "the time without marks, in seconds,",
    "move": "the largest move of a price between two marks",
}


def _halt(number: int, rule: HaltRule, doc: Document) -> Parts:
    what = {
        HaltKind.WITHDRAWALS: "Withdrawals are refused",
        HaltKind.TRADING: "Trades are refused",
        HaltKind.DELEVERAGING: "Winners are deleveraged only",
    }
    path = f"rules.halts.{number}"
    starts: list[Part] = []
    for at, c in enumerate(rule.starts):
        starts += [" or " if at else "", f"{MEASURED.get(c.measure, c.measure)} is {c.sense.value.replace('_', ' ')} "]
        starts.append(doc.fig(f"{path}.starts.{at}.threshold", "factor"))
    return [
        what[rule.kind],
        " while ",
        *starts,
        ", and ",
        doc.fig(f"{path}.length_ns", "seconds"),
        " after, never longer than ",
        doc.fig(f"{path}.longest_ns", "seconds"),
        ".",
    ]


def _wind_down(rule: WindDownRule, doc: Document) -> Parts:
    out: list[Part] = [f"Every market settles at a price by the rule {rule.basis.value.replace('_', ' ')}"]
    if rule.window_ns:
        out += [" over ", doc.fig("rules.wind_down.window_ns", "seconds")]
    classes = ", then ".join(c.replace("_", " ") for c in rule.classes)
    return [*out, f". What there is is paid out pro rata inside each class, in this order: {classes}."]


def _marks(policy: Policy, doc: Document) -> Parts:
    if policy.marks.kind != "banded":
        return ["The mark is the last trade."]
    return [
        "The mark is the last trade while it lies within ",
        doc.fig("rules.marks.band", "part"),
        " of the index; otherwise the "
        + ("index." if policy.marks.fallback == "index" else f"{policy.marks.fallback}."),
    ]


def _liquidation(policy: Policy, doc: Document) -> Parts:
    rule = policy.liquidation
    out: list[Part] = [*_pace(rule.pace, doc), *_limit_price(rule.limit, doc), *_fee(rule.fee, doc)]
    if rule.caps is not None:
        out += [
            " Between two marks at most ",
            doc.fig("rules.liquidation.caps.max_notional", "millionths"),
            " of an account is closed, and its fills may cost the fund at most ",
            doc.fig("rules.liquidation.caps.max_fund_loss", "millionths"),
            ".",
        ]
    if rule.window is not None:
        out += _window(rule.window, doc)
    if rule.defaults_when_flat:
        out.append(" It is in default once no position is left and its equity is below zero.")
    return out


def _window(rule: WindowRule, doc: Document) -> Parts:
    path = "rules.liquidation.window"
    return [
        " All accounts together, orders in a market may close in any ",
        doc.fig(f"{path}.window_ns", "seconds"),
        " at most ",
        doc.fig(f"{path}.fee", "part"),
        " x ",
        doc.fig(f"{path}.multiplier", "factor"),
        " x seconds of its depth (",
        *_by_market(rule.depth, f"{path}.depth", doc),
        "); whoever finds no room waits, the longest wait first. What is taken over or deleveraged does not count.",
    ]


def _by_market(amounts: MarketAmount, path: str, doc: Document) -> Parts:
    """An amount in each market, or by tier."""
    if amounts.by_tier is None:
        return [doc.fig(f"{path}.amount", "millionths")]
    out: list[Part] = []
    for tier in amounts.by_tier:
        out += ["; " if out else "", f"{tier}: ", doc.fig(f"{path}.by_tier.{tier}", "millionths")]
    return out


def _pace(pace: Pace, doc: Document) -> Parts:
    path = "rules.liquidation.pace"
    share = doc.fig(f"{path}.share", "part")
    if pace.kind is PaceKind.AT_ONCE:
        return ["An account at risk is closed at once"]
    if pace.kind is PaceKind.TARGET:
        target = doc.fig(f"{path}.target", "part")
        return [
            "All positions are cut by the same share, in steps of ",
            share,
            ", until the margin ratio is below ",
            target,
        ]
    if pace.kind is PaceKind.SERIES:
        return [
            "Whole positions are closed one after another, the one first that lowers the requirement most for its "
            "cost (taken as ",
            share,
            " of its notional), until the account is whole",
        ]
    if pace.kind is PaceKind.BUFFER:
        buffer = doc.fig(f"{path}.buffer", "part")
        return ["An account is closed as far as brings its equity above the requirement plus ", buffer, " of it"]
    out: list[Part] = ["Of a position"]
    if pace.above is not None:
        out += [" above ", doc.fig(f"{path}.above", "millionths")]
    if pace.kind is PaceKind.RAMP:
        whole = doc.fig(f"{path}.duration_ns", "seconds")
        return [*out, ", ", share, " may be closed first, more as time passes, all of it after at most ", whole]
    return [*out, ", ", share, " is closed first, the rest after ", doc.fig(f"{path}.cooldown_ns", "seconds")]


def _limit_price(limit: LimitPrice, doc: Document) -> Parts:
    if limit.kind is not LimitKind.SPREAD:
        return [LIMITS[limit.kind]]
    path = "rules.liquidation.limit"
    out: list[Part] = [", at no worse than the mark less ", doc.fig(f"{path}.spread", "part")]
    if limit.growth:
        out += [
            ", which after ",
            doc.fig(f"{path}.grace_ns", "seconds"),
            " without progress grows up to ",
            doc.fig(f"{path}.most", "part"),
        ]
    return out


def _fee(fee: LiquidationFee, doc: Document) -> Parts:
    rate = doc.fig("rules.liquidation.fee.rate", "part")
    if fee.kind is FeeKind.NONE:
        return ["; no fee."]
    if fee.kind is FeeKind.PENALTY:
        return ["; the penalty is ", rate, f" of the requirement that is removed, to {fee.account}."]
    if fee.kind is FeeKind.IMPROVEMENT and fee.rate == 1:
        return [f"; all that a fill brought above bankruptcy goes to {fee.account}."]
    what = "what the fill brought above bankruptcy, at most " if fee.kind is FeeKind.IMPROVEMENT else ""
    return [f"; the fee is {what}", rate, f" of the value closed, to {fee.account}."]


def _backstop(rule: BackstopRule, doc: Document) -> Parts:
    out: list[Part] = [f"Account {rule.account} takes positions over with what margin is left"]
    when = []
    if rule.takes_below:
        out += [
            ": when equity is below ",
            doc.fig("rules.liquidation.backstop.takes_below", "part"),
            " of the requirement",
        ]
    if rule.takes_unfilled:
        when.append("when an order could not be filled in time")
    if rule.takes_bankrupt:
        when.append("also from bankrupt accounts, bearing their shortfall")
    if when:
        out.append(("; " if rule.takes_below else ": ") + "; ".join(when))
    if rule.max_leverage is not None:
        out += [
            ". It may hold at most ",
            doc.fig("rules.liquidation.backstop.max_leverage", "factor"),
            " times its equity",
        ]
    if rule.max_notional is not None:
        out += [". It may hold at most ", doc.fig("rules.liquidation.backstop.max_notional", "millionths")]
    if rule.max_per_market is not None:
        path = "rules.liquidation.backstop.max_per_market"
        out += [". In one market it may hold at most ", *_by_market(rule.max_per_market, path, doc)]
    if any(limit is not None for limit in (rule.max_leverage, rule.max_notional, rule.max_per_market)):
        refuse = rule.over_limit is OverLimit.REFUSE
        out.append("; beyond that it takes nobody" if refuse else "; what it may not hold is deleveraged at once")
    out += [
        ". It offers ",
        doc.fig("rules.liquidation.backstop.work_out_share", "part"),
        " of each position to the market at each step.",
    ]
    if rule.surplus_to:
        path = "rules.liquidation.backstop.surplus_above"
        above: Parts = [" above ", doc.fig(path, "millionths")] if rule.surplus_above else []
        out += [" Once it holds nothing, all it has", *above, f" goes to account {rule.surplus_to}."]
    return out


def _layer(policy: Policy, number: int, layer: LayerRule, doc: Document) -> Parts:
    return [*_pays(policy, number, layer, doc), *_limits(number, layer, doc), ".", *_more(number, layer, doc)]


def _pays(policy: Policy, number: int, layer: LayerRule, doc: Document) -> Parts:
    """What a layer does, without its limits."""
    if layer.kind is LayerKind.ACCOUNT:
        out: list[Part] = [f"Account {layer.account} pays "]
        out.append("what close-out fills cost beyond bankruptcy" if layer.pays == "fills" else "every loss")
        return [*out, ", as far as its money goes" if layer.partial else ", in full or not at all"]
    if layer.kind is LayerKind.DELEVERAGE:
        rule = layer.deleverage or policy.deleverage
        if rule is None:
            return ["Positions of winners are closed"]
        rank = RANKS.get(rule.rank, rule.rank.value.replace("_", " "))
        price = PRICES.get(rule.price, rule.price.value.replace("_", " "))
        who = "Unless the loss is paid by then, winners" if layer.closes == "unpaid" else "Winners"
        said: Parts = [f"{who} on the other side are closed: {rank}; {price}"]
        if rule.share < 1 or rule.backoff < 1:
            path = "rules.deleverage" if layer.deleverage is None else f"rules.layers.{number}.deleverage"
            said = [*said, "; at each attempt ", doc.fig(f"{path}.share", "part"), " of a position"]
            if rule.backoff < 1:
                said = [*said, ", times ", doc.fig(f"{path}.backoff", "part"), " each time"]
        return said
    if layer.kind in (LayerKind.GAINS_HAIRCUT, LayerKind.CASH_HAIRCUT):
        what = "Unrealised gains are"
        if layer.kind is LayerKind.CASH_HAIRCUT:
            what = "Every balance of a member is"
        elif layer.base is GainsBase.PERIOD:
            what = "What equity rose by since the period began, less deposits, is"
        cut: Parts = [f"{what} cut by one rate, at most ", doc.fig(f"rules.layers.{number}.cap", "part")]
        if layer.cap_each is not None:
            each = doc.fig(f"rules.layers.{number}.cap_each", "millionths")
            cut = [*cut, ", and of one ", layer.cap_per.value, " at most ", each, " over its lifetime"]
        return cut
    if layer.kind is LayerKind.WITHDRAWAL_RATE and layer.of is RateOf.PROFIT:
        return [OF_PROFIT]
    return [DOES[layer.kind]]


def _limits(number: int, layer: LayerRule, doc: Document) -> Parts:
    out: list[Part] = []
    for at, limit in enumerate(layer.limits):
        path = f"rules.layers.{number}.limits.{at}"
        if limit.amount is not None:
            out += [", at most ", doc.fig(f"{path}.amount", "millionths"), f" {SCOPES[limit.scope]}"]
        elif limit.share_of_peak is not None:
            out += [
                ", at most ",
                doc.fig(f"{path}.share_of_peak", "part"),
                f" of its highest balance {SCOPES[limit.scope]}",
            ]
        elif limit.by_tier is not None:
            out += [f", at most as much as the market’s tier allows {SCOPES[limit.scope]}"]
            for tier in limit.by_tier:
                out += [f"; {tier}: ", doc.fig(f"{path}.by_tier.{tier}", "millionths")]
        if limit.window_ns:
            out += [" of ", doc.fig(f"{path}.window_ns", "seconds")]
    return out


def _more(number: int, layer: LayerRule, doc: Document) -> Parts:
    out: list[Part] = []
    if layer.keep:
        out += [" It keeps ", doc.fig(f"rules.layers.{number}.keep", "millionths"), "."]
    if layer.reinstated_after_ns == 0:
        out.append(" What it paid is put back before the next default.")
    elif layer.reinstated_after_ns is not None:
        out += [
            " What it paid is put back ",
            doc.fig(f"rules.layers.{number}.reinstated_after_ns", "seconds"),
            " after.",
        ]
    if layer.beside:
        out.append(" It pays together with the layer before it, pro rata to what each may pay.")
    others = sorted(layer.causes - {"default"})
    if others:
        which = ", ".join(others)
        out.append(
            f" It also covers losses by {which}."
            if "default" in layer.causes
            else f" It covers losses by {which} only."
        )
    return out
