"""The straight-line programs behind events: evaluate one on an event's inputs and get what was posted.

A program is a list of steps ``(name, primitive, operands...)``; each computes one integer from inputs, earlier names
or literals, and the last is the result. Eight primitives: min, max, add, sub, muldiv (floor, or
ceil where it says so), compare (1 if a < b else 0), sum, and split, whose shares events print in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seawall.errors import FaultError
from seawall.money import Rounding, muldiv

Program = tuple[tuple[Any, ...], ...]

PROGRAMS: Mapping[str, tuple[str, Program]] = {
    "fill.at_price": (
        "A fill is worth its lots times the worth of a lot at the fill price.",
        (("value", "muldiv", "lots", "worth", 1),),
    ),
    "fill.fee_floor": (
        "What the fill brought above the slice's share of equity goes to the fund, at most rate x notional (rounded "
        "down); what it brought below is drawn from the layers.",
        (
            ("improvement", "add", "gain", "share"),
            ("cap", "muldiv", "notional", "num", "den"),
            ("delta", "min", "improvement", "cap"),
        ),
    ),
    "fill.fee_ceil": (
        "What the fill brought above the slice's share of equity goes to the fund, at most rate x notional (rounded "
        "up); what it brought below is drawn from the layers.",
        (
            ("improvement", "add", "gain", "share"),
            ("cap", "muldiv", "notional", "num", "den", "ceil"),
            ("delta", "min", "improvement", "cap"),
        ),
    ),
    "loss.declared": (
        "Money of the venue is gone: the loss is what was declared.",
        (("loss", "add", "amount", 0),),
    ),
    "loss.recognise": (
        "The loss is what equity is below zero.",
        (("loss", "sub", 0, "equity"),),
    ),
    "layer.draw": (
        "A layer pays what is left, as far as its money goes.",
        (("draw", "min", "left", "available"),),
    ),
    "layer.draw_limited": (
        "A layer pays what is left, as far as its money and its limit for one event go.",
        (("most", "min", "available", "limit"), ("draw", "min", "left", "most")),
    ),
    "socialise.open_interest": (
        "Every open lot of the market pays the same, as far as the layer's limits go.",
        (("amount", "min", "left", "most"),),
    ),
    "socialise.cash": (
        "Every positive balance is cut by one rate: what is left of the loss, at most the largest part that may be cut.",
        (("most", "muldiv", "balances", "num", "den"), ("amount", "min", "left", "most")),
    ),
    "withdrawal.rate": (
        "A withdrawal is paid at the rate of what members' balances are still worth; the rest pays off socialised losses.",
        (("paid", "muldiv", "amount", "num", "den"), ("cut", "sub", "amount", "paid")),
    ),
    "backstop.take_over": (
        "The backstop takes all positions at the mark and the equity that is left with them: the account ends at zero.",
        (("margin", "add", "equity", 0),),
    ),
    "deleverage.value": (
        "Lots change hands at the mark, less the member's part of the loss.",
        (("at_mark", "muldiv", "lots", "worth", 1), ("value", "sub", "at_mark", "cost")),
    ),
    "haircut.gains": (
        "All gains are cut by one rate: what is left of the losses, at most the largest part of gains that may be cut.",
        (("most", "muldiv", "gains", "num", "den"), ("cut", "min", "loss", "most")),
    ),
    "collateral.convert": (
        "Collateral is sold at the index price for at most what is short.",
        (("worth", "muldiv", "sold", "num", "den"), ("bought", "min", "worth", "short")),
    ),
}


def evaluate(rule: str, inputs: Mapping[str, int]) -> int:
    """The result of a rule's program on an event's inputs.

    Raises:
        FaultError: no such rule, or an input it needs is missing.
    """
    if rule not in PROGRAMS:
        raise FaultError(f"no program for rule {rule!r}")
    names: dict[str, int] = dict(inputs)
    result = 0
    for target, primitive, *operands in PROGRAMS[rule][1]:
        try:
            values = [o if isinstance(o, int) else o if o in ("ceil",) else names[o] for o in operands]
        except KeyError as missing:
            raise FaultError(f"rule {rule!r} needs input {missing}") from None
        result = _apply(primitive, values)
        names[target] = result
    return result


def _apply(primitive: str, values: list[Any]) -> int:
    if primitive == "min":
        return int(min(values))
    if primitive == "max":
        return int(max(values))
    if primitive in ("add", "sum"):
        return int(sum(values))
    if primitive == "sub":
        return int(values[0] - values[1])
    if primitive == "compare":
        return int(values[0] < values[1])
    if primitive == "muldiv":
        rounding = Rounding.CEIL if values[3:] == ["ceil"] else Rounding.FLOOR
        return muldiv(values[0], values[1], values[2], rounding)
    raise FaultError(f"unknown primitive {primitive!r}")
