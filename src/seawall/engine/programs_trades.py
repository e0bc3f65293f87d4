"""Programs of what changes hands: fills, trades, funding, take-over by the backstop, collateral sold."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.engine.program import CLEARING, OTHER, OWN, WORDS, Post, Program, Rule, suffix_of


def _own(rounding: str) -> tuple[Program, Program]:
    """Steps after ``value``: reducing, and going through zero, on the side of the event's account."""
    reduce: Program = (
        ("closed", "sub", 0, "lots"),
        ("released", "muldiv", "entry", "closed", "held", rounding),
        ("paid", "add", "released", "value"),
        ("realised", "sub", 0, "paid"),
    )
    through: Program = (
        ("closed", "sub", 0, "lots"),
        ("closing", "muldiv", "value", "held", "closed", rounding),
        ("paid", "add", "entry", "closing"),
        ("realised", "sub", 0, "paid"),
    )
    return reduce, through


def _other(rounding: str) -> tuple[Program, Program]:
    """The same for the other side, whose lots and value are the opposite."""
    reduce: Program = (
        ("other_released", "muldiv", "entry", "lots", "held", rounding),
        ("other_realised", "sub", "value", "other_released"),
    )
    through: Program = (
        ("other_value", "sub", 0, "value"),
        ("closing", "muldiv", "other_value", "held", "lots", rounding),
        ("paid", "add", "entry", "closing"),
        ("other_realised", "sub", 0, "paid"),
    )
    return reduce, through


_RELEASE = (
    "Reducing a position releases its part of the entry value (rounded {}); what the closing part was worth less what "
    "it released is realised between the account and the market's clearing account."
)
_THROUGH = "The position closes and opens on the other side: the closing part of the value (rounded {}) is realised."


def _sides(rounding: str) -> dict[str, Rule]:
    own_post = (Post("realised", "", CLEARING, OWN),)
    other_post = (Post("other_realised", "", CLEARING, OTHER),)
    own, own_through = _own(rounding)
    other, other_through = _other(rounding)
    word, suffix = WORDS[rounding], suffix_of(rounding)
    return {
        f"own.release{suffix}": Rule(_RELEASE.format(word), own, own_post),
        f"own.through_zero{suffix}": Rule(_THROUGH.format(word), own_through, own_post),
        f"other.release{suffix}": Rule("The other side. " + _RELEASE.format(word), other, other_post),
        f"other.through_zero{suffix}": Rule("The other side. " + _THROUGH.format(word), other_through, other_post),
        f"fill.close{suffix}": Rule(
            "A fill is worth its lots times the worth of a lot at the fill price; the gain is against the mark. "
            + _RELEASE.format(word),
            (*_FILL, *own),
            (Post("value", "value"), Post("gain", "gain"), *own_post),
        ),
    }


_FILL: Program = (
    ("value", "muldiv", "lots", "worth", 1),
    ("at_mark", "muldiv", "lots", "mark", 1),
    ("gain", "sub", "at_mark", "value"),
)


def _fee(rounding: str) -> Rule:
    word = WORDS[rounding]
    return Rule(
        "Equity belongs to a slice as the requirement it removes is of the account's (rounded down). What the fill "
        f"brought above goes to the fund, at most rate x notional (rounded {word}); what it brought below is drawn.",
        (
            *_IMPROVEMENT,
            ("cap", "muldiv", "notional", "num", "den", rounding),
            ("delta", "min", "improvement", "cap"),
            ("fee", "max", "delta", 0),
            ("draw", "sub", "fee", "delta"),
        ),
        (Post("fee", "fee", OWN, "{fee_to}", "liquidation_fee"), Post("draw", "draw")),
    )


_IMPROVEMENT: Program = (
    ("share", "muldiv", "equity", "part", "total", "floor"),
    ("improvement", "add", "gain", "share"),
)
_SWEEP = "All cash goes with the positions: what was there and what they realised."

TRADES: Mapping[str, Rule] = {
    "at_risk": Rule(
        "An account is liquidated when its equity is below its maintenance requirement.",
        (("at_risk", "compare", "equity", "maintenance"), ("short", "sub", "maintenance", "equity")),
        holds=("at_risk",),
    ),
    "fill.value": Rule(
        "A fill is worth its lots times the worth of a lot at the fill price; the gain is against the mark.",
        _FILL,
        (Post("value", "value"), Post("gain", "gain")),
    ),
    "fill.fee": _fee("ceil"),
    "fill.fee_floor": _fee("floor"),
    "fill.no_fee": Rule(
        "Equity belongs to a slice as the requirement it removes is of the account's (rounded down). There is no fee: "
        "what the fill brought above stays with the account; what it brought below is drawn from the layers.",
        (*_IMPROVEMENT, ("fee", "min", 0, 0), ("delta", "min", "improvement", 0), ("draw", "sub", 0, "delta")),
        (Post("fee", "fee"), Post("draw", "draw")),
    ),
    **_sides("ceil"),
    **_sides("floor"),
    "trade.value": Rule(
        "Lots change hands at the price agreed.", (("value", "muldiv", "lots", "worth", 1),), (Post("value", "value"),)
    ),
    "funding.per_lot": Rule(
        "A long lot pays its value times the rate to a short one, rounded to nearest, ties to even.",
        (("per_lot", "muldiv", "unit_value", "num", "den", "half_even"),),
        (Post("per_lot", "per_lot"),),
    ),
    "take_over.position": Rule(
        "A position is handed over at the mark: what it is worth less its entry value is realised.",
        (("value", "muldiv", "lots", "worth", 1), ("paid", "add", "value", "entry"), ("realised", "sub", 0, "paid")),
        (Post("realised", "", CLEARING, OWN),),
    ),
    "take_over.all": Rule(_SWEEP, (("equity", "sum", "cash", "realised*"),), (Post("equity", "margin", OWN, OTHER),)),
    "take_over.asset": Rule(_SWEEP, (("swept", "sum", "cash", "realised*"),), (Post("swept", "", OWN, OTHER),)),
    "take_over.equity": Rule(
        "What all of it is worth together: equity as the account is judged, collateral after haircut.",
        (("equity", "add", "equity", 0),),
        (Post("equity", "margin"),),
    ),
    "take_over.below": Rule(
        "The backstop takes over an account whose equity is below a share of maintenance (below = 1), and what no order "
        "could close: all positions at the mark and what is left with them, so that the account ends at zero.",
        (
            ("scaled", "muldiv", "equity", "den", 1),
            ("bar", "muldiv", "maintenance", "num", 1),
            ("below", "compare", "scaled", "bar"),
        ),
    ),
    "collateral.convert": Rule(
        "Collateral is sold at the index price, no more than there is and than what is short needs.",
        (
            ("need", "muldiv", "short", "den", "num", "ceil"),
            ("sold", "min", "have", "need"),
            ("worth", "muldiv", "sold", "num", "den"),
            ("bought", "min", "worth", "short"),
        ),
        (
            Post("sold", "sold_amount", OWN, "{against}", "convert", "sold"),
            Post("bought", "bought_amount", "{against}", OWN, "convert", "bought"),
        ),
    ),
    "isolated.return": Rule(
        "An isolated position is closed: what is left goes back to its account.",
        (("returned", "max", "cash", 0),),
        (Post("returned", "amount_minor", "{from}", OWN, "isolated_return", "asset", True),),
    ),
}
