"""Programs of positions that are closed by rule: windows, deleveraging, the backstop's limits and surplus, ranks."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.engine.program import MOST, OWN, Post, Program, Rule

_ALLOWED: Program = (
    ("own", "max", "equity", 0),
    ("allowed", "muldiv", "own", "num", "den"),
)
_EXCESS: Program = (
    ("excess", "sub", "gross", "allowed"),
    ("lots", "muldiv", "held", "excess", "gross", "away"),
)
_LIMIT = "The backstop holds more than it may: {}; every position gives the same part, rounded up to a lot."
_SCORE_TAIL = (
    "the ratio in billionths, two divisions rounded down, both capped at 2^62: the highest score is closed first."
)


def _other_price(name: str, what: str, of_a_loss: bool) -> Rule:
    """Closing at another price than the mark; for a loss, never so that it deepens."""
    moved: Program = (("change", "sub", "worth", name), ("moved", "muldiv", "lots", "change", 1))
    if not of_a_loss:
        says = f"What the backstop may not hold is closed at {what}."
        return Rule(says, (*moved, ("cost", "sub", 0, "moved")), (Post("cost", "cost"),))
    says = f"Positions are closed at {what}, but never so that the loss deepens."
    return Rule(says, (*moved, ("against", "sub", 0, "moved"), ("cost", "max", 0, "against")), (Post("cost", "cost"),))


CLOSINGS: Mapping[str, Rule] = {
    "deleverage.at_mark": Rule(
        "Positions are closed at the mark: nothing is asked of the takers.",
        (("cost", "add", 0, 0),),
        (Post("cost", "cost"),),
    ),
    "deleverage.at_previous": _other_price("previous", "the mark before the current one", True),
    "deleverage.at_oracle": _other_price("oracle", "the index price", True),
    "deleverage.backstop_at_previous": _other_price("previous", "the mark before the current one", False),
    "deleverage.backstop_at_oracle": _other_price("oracle", "the index price", False),
    "deleverage.at_bankruptcy": Rule(
        "Positions are closed where the account ends at zero: each carries the part of the loss that its requirement is "
        "of what is left to close.",
        (("given", "muldiv", "equity", "part", "total", "floor"), ("cost", "sub", 0, "given")),
        (Post("cost", "cost"),),
    ),
    "deleverage.at_bankruptcy_converted": Rule(
        "Positions are closed where the account ends at zero: each carries the part of the loss that its requirement is "
        "of what is left to close, in the market's settle asset at the index price, rounded up.",
        (
            ("given", "muldiv", "equity", "part", "total", "floor"),
            ("share", "sub", 0, "given"),
            ("cost", "muldiv", "share", "den", "num", "ceil"),
        ),
        (Post("cost", "cost"),),
    ),
    "deleverage.share": Rule(
        "What was closed carries its part of the cost (rounded down), split over the takers by their lots.",
        (
            ("collected", "muldiv", "cost", "done", "lots", "floor"),
            ("parts", "split", "collected", "takers"),
        ),
        (Post("collected", "collected"), Post("parts", "parts")),
    ),
    "deleverage.take": Rule(
        "Lots change hands at the mark, and the taker's part of the cost with them.",
        (("at_mark", "muldiv", "lots", "worth", 1), ("value", "add", "at_mark", "cost")),
        (Post("value", "value"),),
    ),
    "backstop.over_leverage": Rule(
        _LIMIT.format("a multiple of its equity, rounded down"), (*_ALLOWED, *_EXCESS), (Post("lots", "lots"),)
    ),
    "backstop.over_notional": Rule(
        _LIMIT.format("a fixed notional"), (("allowed", "add", "most", 0), *_EXCESS), (Post("lots", "lots"),)
    ),
    "backstop.over_both": Rule(
        _LIMIT.format("the smaller of a multiple of its equity, rounded down, and a fixed notional"),
        (*_ALLOWED, ("allowed", "min", "allowed", "most"), *_EXCESS),
        (Post("lots", "lots"),),
    ),
    "backstop.over_market": Rule(
        "The backstop holds more in this market than it may hold in one: the position gives what is above, rounded up to "
        "a lot.",
        (
            ("gross", "muldiv", "size", "worth", 1),
            ("excess", "sub", "gross", "most"),
            ("lots", "muldiv", "held", "excess", "gross", "away"),
        ),
        (Post("lots", "lots"),),
    ),
    "backstop.surplus": Rule(
        "The backstop holds no position: what it has above what it keeps goes on, as far as it is worth it as a whole.",
        (("above", "sub", "cash", "keep"), ("amount", "min", "above", "free")),
        (Post("amount", "amount", OWN, "{to}", "surplus"),),
    ),
    "window.capacity": Rule(
        "A market takes fee x depth x multiplier x seconds of close-outs in a window, rounded down.",
        (("capacity", "muldiv", "depth", "num", "den"),),
        (Post("capacity", "capacity"),),
    ),
    "window.room": Rule(
        "Ordered is what fits beside what was closed inside the window and what orders still stand for, rounded down to a "
        "lot; one lot where there is neither.",
        (
            ("used", "add", "closed", "open"),
            ("left", "sub", "capacity", "used"),
            ("room", "max", "left", 0),
            ("fits", "muldiv", "room", 1, "worth"),
            ("empty", "compare", "used", 1),
            ("fits", "max", "fits", "empty"),
            ("lots", "min", "asked", "fits"),
        ),
        (Post("lots", "lots"),),
    ),
    "profit_cap.share": Rule(
        "Pending profit of one side: what its members' positions are worth at the mark less their entry values, not below "
        "zero. The pool is the account's cash and what the clearing accounts of the asset hold: realised losses went "
        "there, realised profits come from there.",
        (
            ("value", "muldiv", "held", "worth", 1),
            ("gain", "sub", "value", "entry"),
            ("profit", "max", "gain", 0),
            ("pool", "add", "cash", "clearing"),
        ),
        (Post("profit", "profit"), Post("pool", "pool")),
    ),
    "profit_cap.needed": Rule(
        "Profit is above its cap of the pool. Paying x leaves profit - x of pool - x: the least x that brings the share to "
        "the cap, rounded up.",
        (
            ("own", "max", "pool", 0),
            ("had", "muldiv", "profit", "cap_den", 1),
            ("may", "muldiv", "own", "cap_num", 1),
            ("above", "compare", "may", "had"),
            ("over", "sub", "had", "may"),
            ("part", "sub", "cap_den", "cap_num"),
            ("to_cap", "muldiv", "over", 1, "part", "ceil"),
        ),
        holds=("above",),
    ),
    "profit_cap.most": Rule(
        "The most that may be paid before the share is below its floor, rounded down, and no more than the profit.",
        (
            ("had", "muldiv", "profit", "floor_den", 1),
            ("must", "muldiv", "own", "floor_num", 1),
            ("over", "sub", "had", "must"),
            ("part", "sub", "floor_den", "floor_num"),
            ("to_floor", "muldiv", "over", 1, "part"),
            ("most", "min", "profit", "to_floor"),
            ("needed", "min", "to_cap", "most"),
        ),
        (Post("most", "most"), Post("needed", "needed")),
    ),
    "profit_cap.closed": Rule(
        "What the closed positions realise, within what may be paid; what is missing is left over.",
        (
            ("collected", "sum", "realised"),
            ("limit", "add", "most", 1),
            ("within", "compare", "collected", "limit"),
            ("short", "sub", "needed", "collected"),
            ("residual", "max", "short", 0),
        ),
        (Post("collected", "collected"), Post("residual", "residual")),
        holds=("within",),
    ),
    "rank.profit_leverage": Rule(
        "Ranked by (profit / entry notional) x (notional / equity); " + _SCORE_TAIL,
        (
            ("least", "max", "entry", 1),
            ("percent", "muldiv", "profit", 10**9, "least"),
            ("percent", "min", "percent", MOST),
            ("own", "max", "equity", 1),
            ("score", "muldiv", "percent", "notional", "own"),
            ("score", "min", "score", MOST),
        ),
        (Post("score", "score"),),
    ),
    "rank.profit_margin_ratio": Rule(
        "Ranked by (profit / wallet) x (maintenance / equity); " + _SCORE_TAIL,
        (
            ("least", "max", "wallet", "unit"),
            ("percent", "muldiv", "profit", 10**9, "least"),
            ("percent", "min", "percent", MOST),
            ("own", "max", "equity", 1),
            ("score", "muldiv", "percent", "maintenance", "own"),
            ("score", "min", "score", MOST),
        ),
        (Post("score", "score"),),
    ),
    "rank.relief": Rule(
        "Ranked by how much closing takes off the account's net exposure, per lot in billionths: hedges come last.",
        (("score", "add", "relief", 0),),
        (Post("score", "score"),),
    ),
}
