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

CLOSINGS: Mapping[str, Rule] = {
    "deleverage.at_mark": Rule(
        "Positions are closed at the mark: nothing is asked of the takers.",
        (("cost", "add", 0, 0),),
        (Post("cost", "cost"),),
    ),
    "deleverage.at_previous": Rule(
        "Positions are closed at the mark before the current one, but never so that the loss deepens.",
        (
            ("change", "sub", "worth", "previous"),
            ("moved", "muldiv", "lots", "change", 1),
            ("against", "sub", 0, "moved"),
            ("cost", "max", 0, "against"),
        ),
        (Post("cost", "cost"),),
    ),
    "deleverage.backstop_at_previous": Rule(
        "What the backstop may not hold is closed at the mark before the current one.",
        (
            ("change", "sub", "worth", "previous"),
            ("moved", "muldiv", "lots", "change", 1),
            ("cost", "sub", 0, "moved"),
        ),
        (Post("cost", "cost"),),
    ),
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
