"""The rules that move money, as straight-line programs that anyone can evaluate.

A program is a list of steps ``(name, primitive, operands...)``. Each step computes one whole number (``split``: a
list) from inputs, earlier names or literals. Eight primitives:

* ``min``, ``max``, ``add``, ``sub``: of two numbers; ``compare``: 1 if a < b, else 0; ``sum``: of all operands;
* ``muldiv a b c [rounding]``: a x b / c, exact product, rounded once as named (floor when it is not named);
* ``split total weights [whole]``: shares of ``total`` pro rata to ``weights`` by largest remainder, equal remainders
  to the earlier one; a negative total is split by its size and negated. ``whole`` is what the weights are parts of
  when those that receive nothing are left out; else it is their sum.

``name*`` as an operand of ``sum`` stands for every result of that name in the items of the event before, taken once.
``posts`` says which result is which amount: the event's own field, a ledger transfer, or both. A list of results is a
field of (name, amount) pairs; its transfers name each as ``{payer}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Program = tuple[tuple[Any, ...], ...]


class Post(NamedTuple):
    """Result ``result`` is the event's ``field``, and a transfer ``source`` -> ``target`` (a negative one: back).

    Account names are templates over the event's fields and the item's inputs; "" where no money moves. ``of`` names
    the field or input that names the asset; ``minor``: the amount is in ledger minor units, not book units.
    """

    result: str
    field: str = ""
    source: str = ""
    target: str = ""
    code: str = "{code}"
    of: str = "asset"
    minor: bool = False


class Rule(NamedTuple):
    """``says`` in words what the program does; ``holds`` names results that must be 1 for the event to happen."""

    says: str
    program: Program
    posts: tuple[Post, ...] = ()
    holds: tuple[str, ...] = ()


_WORDS = {"ceil": "up", "floor": "down"}


def suffix_of(rounding: str) -> str:
    """What the rule of a rounding is called: the default, up, is not named."""
    return "" if rounding == "ceil" else f"_{rounding}"


OWN, OTHER = "{account}", "{counterparty}"
CLEARING = "clearing:{market}"


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
    word, suffix = _WORDS[rounding], suffix_of(rounding)
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
    word = _WORDS[rounding]
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
_ALLOWED: Program = (
    ("own", "max", "equity", 0),
    ("allowed", "muldiv", "own", "num", "den"),
)
_EXCESS: Program = (
    ("excess", "sub", "gross", "allowed"),
    ("lots", "muldiv", "held", "excess", "gross", "away"),
)
_LIMIT = "The backstop holds more than it may: {}; every position gives the same part, rounded up to a lot."
_SWEEP = "All cash goes with the positions: what was there and what they realised."
_LAYER = Post("draw", "amount", "{source}", "{loss_account}", "layer:{layer}")
_SCORE_TAIL = (
    "the ratio in billionths, two divisions rounded down, both capped at 2^62: the highest score is closed first."
)
MOST = 1 << 62

RULES: Mapping[str, Rule] = {
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
    **_sides("ceil"),
    **_sides("floor"),
    "fill.fee": _fee("ceil"),
    "fill.fee_floor": _fee("floor"),
    "fill.no_fee": Rule(
        "Equity belongs to a slice as the requirement it removes is of the account's (rounded down). There is no fee: "
        "what the fill brought above stays with the account; what it brought below is drawn from the layers.",
        (*_IMPROVEMENT, ("fee", "min", 0, 0), ("delta", "min", "improvement", 0), ("draw", "sub", 0, "delta")),
        (Post("fee", "fee"), Post("draw", "draw")),
    ),
    "loss.recognise": Rule(
        "The loss is what equity is below zero.", (("loss", "sub", 0, "equity"),), (Post("loss", "amount"),)
    ),
    "loss.of_fill": Rule(
        "The loss of a fill is what it brought below the slice's share of equity.",
        (("improvement", "add", "gain", "share"), ("loss", "sub", 0, "improvement")),
        (Post("loss", "amount"),),
    ),
    "loss.carried": Rule(
        "The account still holds positions: what is not covered yet is recognised again later.",
        (("left", "sub", "recognised", "covered"),),
        (Post("left", "amount"),),
    ),
    "loss.residual": Rule(
        "Nobody paid what the flat account still owes: it stays on the loss's deficit account.",
        (("owed", "sub", 0, "equity"),),
        (Post("owed", "amount", "deficit:{loss}", OWN, "residual"),),
    ),
    "layer.draw": Rule(
        "A layer pays what is left, as far as its money goes.", (("draw", "min", "left", "available"),), (_LAYER,)
    ),
    "layer.draw_limited": Rule(
        "A layer pays what is left, as far as its money and its limit for one event go.",
        (("most", "min", "available", "limit"), ("draw", "min", "left", "most")),
        (_LAYER,),
    ),
    "layer.beside": Rule(
        "Layers of one rank pay together, pro rata to what each may pay; largest remainder, ties to the earlier layer.",
        (("all", "sum", "rooms"), ("total", "min", "left", "all"), ("shares", "split", "total", "rooms")),
        (Post("shares", "shares"),),
    ),
    "layer.members": Rule(
        "Members of one rank pay what is left, as far as their contributions go, pro rata to them; largest remainder.",
        (("all", "sum", "balances"), ("draw", "min", "left", "all"), ("parts", "split", "draw", "balances")),
        (Post("draw", "amount"), Post("parts", "parts", "{payer}", "{loss_account}", "layer:{layer}")),
    ),
    "call.round": Rule(
        "What is still needed is asked of the members whose caps have room, pro rata to contribution.",
        (("shares", "split", "left", "contributions"),),
        (Post("shares", "shares"),),
    ),
    "call.member": Rule(
        "A member pays its share of the round, no more than its caps leave; the money comes from outside.",
        (("called", "min", "share", "room"), ("drawn", "add", "called", 0)),
        (
            Post("called", "amount", "external", OWN, "assessment"),
            Post("drawn", "", OWN, "{loss_account}", "layer:{layer}"),
        ),
    ),
    "socialise.open_interest": Rule(
        "Every open lot of the market pays the same, longs and shorts: what is left, as far as the layer's limits go.",
        (("charged", "min", "left", "most"),),
        (Post("charged", "amount", CLEARING, "{loss_account}", "layer:{layer}"),),
    ),
    "socialise.share": Rule(
        "What is charged is split over open lots: largest remainder, ties to the earlier account. A charge raises a "
        "position's entry value; the market's clearing account pays.",
        (("parts", "split", "charged", "lots"),),
    ),
    "socialise.cash": Rule(
        "Every positive balance is cut by one rate: what is left of the loss, at most the largest part that may be cut; "
        "split by balance, largest remainder.",
        (
            ("most", "muldiv", "whole", "num", "den"),
            ("cut", "min", "left", "most"),
            ("cuts", "split", "cut", "balances", "whole"),
        ),
        (Post("cut", "amount"), Post("cuts", "cuts", "{payer}", "{loss_account}", "layer:{layer}")),
    ),
    "socialise.withdrawals": Rule(
        "What is left, as far as the layer's limits go, is put on the account that withdrawals pay off.",
        (("borne", "min", "left", "most"),),
        (Post("borne", "amount", "socialised:{asset}", "{loss_account}", "layer:{layer}"),),
    ),
    "withdrawal.rate": Rule(
        "A withdrawal is paid at the rate of what members' balances are still worth (rounded down); the rest pays off "
        "socialised losses.",
        (("paid", "muldiv", "amount", "num", "den"), ("cut", "sub", "amount", "paid")),
        (Post("cut", "amount_minor", OWN, "socialised:{asset}", "withdrawal_cut", "asset", True),),
    ),
    "loss.declared": Rule(
        "Money of the venue is gone: it leaves the vault against the loss's deficit account.",
        (("gone", "add", "declared", 0),),
        (Post("gone", "amount", "deficit:{loss}", "external", "loss"),),
    ),
    "loss.unpaid": Rule(
        "Nobody paid what is left: it stays on the loss's deficit account.",
        (("owed", "sub", 0, "equity"),),
        (Post("owed", "amount"),),
    ),
    "recovery.residual": Rule(
        "A recovery first pays what nobody had paid; claims follow, the layer used last first; the excess is the "
        "defaulter's.",
        (
            ("residual", "min", "amount", "owed"),
            ("rest", "sub", "amount", "residual"),
            ("excess", "sub", "rest", "claimed"),
        ),
        (
            Post("residual", "residual", "external", "deficit:{loss}", "recovery"),
            Post("excess", "excess", "external", OWN, "recovery"),
        ),
    ),
    "recovery.residual_outside": Rule(
        "A recovery first pays what nobody had paid; claims follow, the layer used last first; the excess stays outside.",
        (
            ("residual", "min", "amount", "owed"),
            ("rest", "sub", "amount", "residual"),
            ("excess", "sub", "rest", "claimed"),
        ),
        (Post("residual", "residual", "external", "deficit:{loss}", "recovery"), Post("excess", "excess")),
    ),
    "recovery.rank": Rule(
        "Claims of one rank are paid pro rata to what each is owed; largest remainder, ties to the earlier claim.",
        (("all", "sum", "owed"), ("pot", "min", "rest", "all"), ("parts", "split", "pot", "owed")),
        (Post("pot", "amount"), Post("parts", "parts", "external", "{payer}", "recovery")),
    ),
    "auction.paid": Rule(
        "The winning bid is paid on top of the mark; below zero, the account in default pays the winner.",
        (("paid", "add", "bid", 0),),
        (Post("paid", "amount", "{buyer}", OWN, "auction"),),
    ),
    "distribution.class": Rule(
        "A class is paid before the next, pro rata to what each claim still is; largest remainder, ties by name.",
        (("whole", "sum", "claims"), ("pays", "min", "left", "whole"), ("parts", "split", "pays", "claims")),
        (
            Post("pays", "amount"),
            Post("parts", "parts", "{payer}", "external", "distribution", "asset", True),
        ),
    ),
    "distribution.written_off": Rule(
        "What no money is left for stands against the losses that nobody paid.",
        (("parts", "split", "rest", "balances"),),
        (Post("parts", "parts", "{payer}", "written_off:{asset}", "written_off", "asset", True),),
    ),
    "recovery.restored": Rule(
        "What comes back after the end is owed again to those who were written off, class by class, pro rata.",
        (("whole", "sum", "owed"), ("back", "min", "left", "whole"), ("parts", "split", "back", "owed")),
        (
            Post("back", "amount"),
            Post("parts", "parts", "written_off:{asset}", "{payer}", "restored", "asset", True),
        ),
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
        (("margin", "add", "equity", 0),),
        (Post("margin", "margin"),),
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
    "haircut.gains": Rule(
        "All gains are cut by one rate: what is left of the losses, at most the largest part of gains that may be cut; "
        "split by gain, and poured into the losses in order.",
        (
            ("most", "muldiv", "whole", "num", "den"),
            ("cut", "min", "loss", "most"),
            ("cuts", "split", "cut", "gains", "whole"),
        ),
        (Post("cut", "amount"), Post("cuts", "cuts")),
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
    "funding.per_lot": Rule(
        "A long lot pays its value times the rate to a short one, rounded to nearest, ties to even.",
        (("per_lot", "muldiv", "unit_value", "num", "den", "half_even"),),
        (Post("per_lot", "per_lot"),),
    ),
    "trade.value": Rule(
        "Lots change hands at the price agreed.", (("value", "muldiv", "lots", "worth", 1),), (Post("value", "value"),)
    ),
}

# What the ledger calls the transfers of an event, and what its two sides are called, where it is not account and
# counterparty.
CODES: Mapping[str, str] = {
    "filled": "fill",
    "deleveraged": "deleverage",
    "taken_over": "take_over",
    "traded": "trade",
    "position_settled": "settle",
    "position_sold": "auction",
}
SIDES: Mapping[str, tuple[str, str]] = {"traded": ("buyer", "seller"), "taken_over": ("account", "backstop")}
