"""A policy in plain words: who is liquidated, who pays in which order, what is known to be wrong with it."""

from __future__ import annotations

from seawall.engine import Policy, to_plain
from seawall.liquidation import BackstopRule, FeeKind, LimitKind, OverLimit, PaceKind
from seawall.views.document import Document, Part, Parts
from seawall.waterfall import LayerKind, LayerRule, LimitScope, PriceRule, RankRule

RANKS = {
    RankRule.PROFIT_LEVERAGE: "those with most profit times leverage first",
    RankRule.PROFIT_MARGIN_RATIO: "those with most profit on their wallet times margin ratio first",
    RankRule.PRO_RATA: "all on the other side, in proportion to their position",
    RankRule.WALK: "from a pseudo-random account onward, in account order",
}
PRICES = {
    PriceRule.BANKRUPTCY: "at the bankruptcy price of the account that fell, so exactly the loss is collected",
    PriceRule.MARK: "at the mark",
    PriceRule.PREVIOUS_MARK: "at the mark before the current one, so more or less than the loss may be collected",
}

SCOPES = {
    LimitScope.EVENT: "for one loss",
    LimitScope.ACCOUNT: "for all losses of one account",
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
    return found


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
    out: list[Part] = []
    if rule.pace.kind is PaceKind.AT_ONCE:
        out.append("An account at risk is closed at once")
    elif rule.pace.kind is PaceKind.SHARE:
        out += ["Of a position"]
        if rule.pace.above is not None:
            out += [" above ", doc.fig("rules.liquidation.pace.above", "millionths")]
        out += [
            ", ",
            doc.fig("rules.liquidation.pace.share", "part"),
            " is closed first, the rest after ",
            doc.fig("rules.liquidation.pace.cooldown_ns", "seconds"),
        ]
    else:
        out += [
            "An account is closed as far as brings its equity above the requirement plus ",
            doc.fig("rules.liquidation.pace.buffer", "part"),
        ]
    limits = {
        LimitKind.BANKRUPTCY: ", at no worse than its bankruptcy price",
        LimitKind.FILLABLE: ", at a price that may lie beyond bankruptcy and worsens as equity falls",
        LimitKind.MARKET: ", at any price",
    }
    out.append(limits[rule.limit.kind])
    if rule.fee.kind is FeeKind.NONE:
        out.append("; no fee.")
    else:
        what = "what the fill brought above bankruptcy, at most " if rule.fee.kind is FeeKind.IMPROVEMENT else ""
        out += [
            "; the fee is ",
            what,
            doc.fig("rules.liquidation.fee.rate", "part"),
            f" of the value closed, to {rule.fee.account}.",
        ]
    return out


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
    if rule.max_leverage is not None or rule.max_notional is not None:
        refuse = rule.over_limit is OverLimit.REFUSE
        out.append("; beyond that it takes nobody" if refuse else "; what it may not hold is deleveraged at once")
    out += [
        ". It offers ",
        doc.fig("rules.liquidation.backstop.work_out_share", "part"),
        " of each position to the market at each step.",
    ]
    return out


def _layer(policy: Policy, number: int, layer: LayerRule, doc: Document) -> Parts:
    if layer.kind is LayerKind.ACCOUNT:
        out: list[Part] = [f"Account {layer.account} pays "]
        out.append("what close-out fills cost beyond bankruptcy" if layer.pays == "fills" else "every loss")
        out.append(", as far as its money goes" if layer.partial else ", in full or not at all")
        for at, limit in enumerate(layer.limits):
            if limit.amount is not None:
                path = f"rules.layers.{number}.limits.{at}.amount"
                out += [", at most ", doc.fig(path, "millionths"), f" {SCOPES[limit.scope]}"]
        return [*out, "."]
    if layer.kind is LayerKind.DELEVERAGE:
        rule = policy.deleverage
        if rule is None:
            return ["Positions of winners are closed."]
        rank = RANKS.get(rule.rank, rule.rank.value.replace("_", " "))
        price = PRICES.get(rule.price, rule.price.value.replace("_", " "))
        return [f"Winners on the other side are closed: {rank}; {price}."]
    if layer.kind is LayerKind.GAINS_HAIRCUT:
        cap = doc.fig(f"rules.layers.{number}.cap", "part")
        return ["Unrealised gains are cut by one rate, at most ", cap, "."]
    return [f"{layer.kind.value.replace('_', ' ')}."]
